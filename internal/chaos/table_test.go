package chaos

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "rewrite the table in docs/EXACTLY_ONCE.md")

// The document shows the table of faults between these two lines.
const (
	document = "../../docs/EXACTLY_ONCE.md"
	begin    = "<!-- table of faults: go test ./internal/chaos -update -->\n"
	end      = "<!-- end of the table of faults -->\n"
)

func TestDocumentShowsTheTable(t *testing.T) {
	text, err := os.ReadFile(document)
	require.NoError(t, err)
	before, rest, ok := strings.Cut(string(text), begin)
	require.True(t, ok, "%s has no line %q", document, begin)
	shown, after, ok := strings.Cut(rest, end)
	require.True(t, ok, "%s has no line %q", document, end)
	want := Markdown(Faults())
	if *update {
		require.NoError(t, os.WriteFile(document, []byte(before+begin+want+end+after), 0o644))
		return
	}
	require.Equal(t, want, shown, "the table has changed: %s", begin)
}

func TestFaultsAreWellFormed(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range Faults() {
		require.False(t, seen[f.Name], "%s is there twice", f.Name)
		seen[f.Name] = true
		require.Regexp(t, `^[a-z0-9]+(-[a-z0-9]+)*$`, f.Name)
		require.NotEmpty(t, f.Does, f.Name)
		require.Positive(t, f.Takes, f.Name)
		require.False(t, f.Recovers && f.Refused == "", f.Name)
	}
}
