//go:build mutants

package mutants

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestEachMutantIsCaught builds the tests with one rule taken out, without
// touching the tree (go's -overlay), and wants the named test to fail by itself:
// not by a compile error, and not because there is no such test.
func TestEachMutantIsCaught(t *testing.T) {
	for _, m := range mutants() {
		t.Run(m.name, func(t *testing.T) {
			out, err := m.run(t)
			require.Error(t, err, "rule %q is gone, and %s passes:\n%s", m.rule, m.test, out)
			require.Contains(t, out, "--- FAIL: "+m.test, "it has to fail, not to be missing or not to build:\n%s", out)
			t.Logf("%s | %s | %s", m.rule, m.test, firstError(out))
		})
	}
}

// run runs the mutant's test.
func (m mutant) run(t *testing.T) (string, error) {
	texts, err := m.apply()
	require.NoError(t, err)
	dir := t.TempDir()
	base, err := filepath.Abs(root)
	require.NoError(t, err)
	replace := map[string]string{}
	for file, text := range texts {
		changed := filepath.Join(dir, strings.ReplaceAll(file, "/", "_"))
		require.NoError(t, os.WriteFile(changed, []byte(text), 0o600))
		replace[filepath.Join(base, file)] = changed
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	require.NoError(t, err)
	list := filepath.Join(dir, "overlay.json")
	require.NoError(t, os.WriteFile(list, overlay, 0o600))
	command := exec.Command("go", "test", "-overlay", list, "-count=1", "-timeout", "150s", "-vet=off", "-run", "^"+m.test+"$", "./"+m.in)
	command.Dir = base
	out, err := command.CombinedOutput()
	return string(out), err
}

// firstError is what the test said first.
func firstError(out string) string {
	if found := regexp.MustCompile(`(?s)Error:\s+(.*?)\n\s+(Test:|Messages:)`).FindStringSubmatch(out); found != nil {
		return strings.Join(strings.Fields(found[1]), " ")
	}
	for line := range strings.Lines(out) {
		if strings.Contains(line, "panic:") || strings.Contains(line, "_test.go:") {
			return strings.TrimSpace(line)
		}
	}
	return strings.TrimSpace(out)
}
