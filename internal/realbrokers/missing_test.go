package realbrokers

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// A recorder stands in for the test that asks for a component.
type recorder struct {
	TB
	skipped, failed bool
}

func (r *recorder) Helper()               {}
func (r *recorder) Skip(...any)           { r.skipped = true }
func (r *recorder) Fatalf(string, ...any) { r.failed = true; panic(r) }

func TestMissingComponentSkipsOrFails(t *testing.T) {
	for name, c := range map[string]struct {
		ci, require string
		fails       bool
	}{
		"at home":      {},
		"on CI":        {ci: "true", fails: true},
		"as requested": {require: "1", fails: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("CI", c.ci)
			t.Setenv("WEIR_REQUIRE_REAL", c.require)
			r := &recorder{}
			func() {
				defer func() { _ = recover() }()
				missing(r, "kcat not found")
			}()
			require.Equal(t, c.fails, r.failed)
			require.Equal(t, !c.fails, r.skipped)
		})
	}
}

// The script says by its exit status that something must be installed; a PATH without java shows it.
func TestScriptReportsMissingJava(t *testing.T) {
	bin := t.TempDir()
	for _, name := range []string{"env", "bash", "dirname", "mkdir", "sed"} {
		path, err := exec.LookPath(name)
		if err != nil {
			t.Skipf("%s not found: the script cannot run at all", name)
		}
		require.NoError(t, os.Symlink(path, filepath.Join(bin, name)))
	}
	t.Setenv("PATH", bin)
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	_, err := script{port: "auto", brokers: 1}.run("resolve")
	require.ErrorIs(t, err, errMissing)
	require.ErrorContains(t, err, "java not found: install a JDK")
}
