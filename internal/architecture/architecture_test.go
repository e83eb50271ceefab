package architecture

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheProjectKeepsToItsArchitecture(t *testing.T) {
	root, err := filepath.Abs(".")
	require.NoError(t, err)
	for {
		if _, err := os.Stat(filepath.Join(root, "go.mod")); err == nil {
			break
		}
		require.NotEqual(t, root, filepath.Dir(root), "no go.mod above the working directory")
		root = filepath.Dir(root)
	}
	m, err := parse(os.DirFS(root))
	require.NoError(t, err)
	m.root = root
	seen := map[string]bool{}
	for _, u := range m.units {
		seen[u.folder] = true
	}
	for _, folder := range []string{"event", "operators", "operators/window", "operators/aggregate", "alerts", "statestore", "configs", "ingest/codec", "engine/task", "engine"} {
		require.True(t, seen[folder], "no package in %s: is the project read as a whole?", folder)
	}
	for _, f := range check(m) {
		t.Error(f)
	}
}
