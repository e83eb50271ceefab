package aggregate_test

import (
	"os"
	"regexp"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/operators/aggregate"
)

// docs/AGGREGATES.md lists every aggregate, in order, with the bytes it takes and
// whom it shares them with.
func TestPageListsAllAggregates(t *testing.T) {
	page, err := os.ReadFile("../../docs/AGGREGATES.md")
	require.NoError(t, err)
	rows := regexp.MustCompile("(?m)^\\| `(\\w+)` \\| .+ \\| (\\d+) ?([a-z]?) \\| .+ \\|$").FindAllStringSubmatch(string(page), -1)
	var names []string
	letters := map[string]string{} // of states
	for _, row := range rows {
		name := row[1]
		names = append(names, name)
		if name == aggregate.Percentile {
			name = "p95"
		}
		a := newAggregate(t, name)
		assert.Equal(t, strconv.Itoa(8*a.Words()), row[2], "bytes of %s", name)
		if letter, ok := letters[a.State()]; ok {
			assert.Equal(t, letter, row[3], "%s shares the words of another", name)
			assert.NotEmpty(t, letter, name)
		}
		for state, letter := range letters {
			assert.False(t, state != a.State() && letter == row[3] && letter != "", "%s does not share words %s", name, letter)
		}
		letters[a.State()] = row[3]
	}
	assert.Equal(t, append(aggregate.Names(), aggregate.Percentile), names)
}
