package event

import (
	"os"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestReasonsAreAllThereAre(t *testing.T) {
	source, err := os.ReadFile("event.go")
	require.NoError(t, err)
	declared := regexp.MustCompile(`\bReason = "(\w+)"`).FindAllStringSubmatch(string(source), -1)
	require.Len(t, declared, ReasonCount)
	for i, found := range declared {
		require.EqualValues(t, found[1], Reasons()[i])
		require.Equal(t, i, Reason(found[1]).Index())
	}
	require.Equal(t, -1, Reason("none").Index())
}
