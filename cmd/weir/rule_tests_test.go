package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// execute runs weir with arguments and returns what it prints.
func execute(t *testing.T, args ...string) (out, errs string, err error) {
	t.Helper()
	root := newRootCommand()
	var stdout, stderr strings.Builder
	root.SetOut(&stdout)
	root.SetErr(&stderr)
	root.SetArgs(args)
	err = root.ExecuteContext(t.Context())
	return stdout.String(), stderr.String(), err
}

// The tests of the examples pass.
func TestTheTestsOfTheExamples(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(examplesDir, "*.test.yaml"))
	require.NoError(t, err)
	pipelines, err := filepath.Glob(filepath.Join(examplesDir, "*.yaml"))
	require.NoError(t, err)
	require.Len(t, pipelines, 2*len(files), "every example has tests")
	out, _, err := execute(t, append([]string{"test"}, files...)...)
	require.NoError(t, err, out)
	assert.Contains(t, out, " passed, 0 failed\n")
	assert.NotContains(t, out, "FAIL")
}

func TestTestsThatFail(t *testing.T) {
	path := filepath.Join("..", "..", "engine", "replay", "testdata", "failing.test.yaml")
	out, _, err := execute(t, "test", path)
	require.EqualError(t, err, "test: 3 of 3 tests failed")
	assert.Contains(t, out, "FAIL  "+path+":5: another value, another level, another time\n  alerts\n      expected ")
	assert.Contains(t, out, "    ! 0s steps d firing info 62     0s steps d firing info 61\n")
	assert.Contains(t, out, "0 passed, 3 failed\n")

	out, _, err = execute(t, "test", "--json", path)
	require.EqualError(t, err, "test: 3 of 3 tests failed")
	var report testReport
	require.NoError(t, json.Unmarshal([]byte(out), &report))
	assert.Equal(t, 3, report.Failed)
	require.Len(t, report.Tests, 3)
	assert.Equal(t, "nothing was to be said", report.Tests[2].Name)
	require.Len(t, report.Tests[2].Alerts, 1)
	assert.Equal(t, "0s steps d firing critical 90", report.Tests[2].Alerts[0].Found)
}

func TestTestsThatCannotBeUsed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.test.yaml")
	require.NoError(t, os.WriteFile(path, []byte("pipeline: no.yaml\ntests: [{name: a, nane: b}]\n"), 0o600))
	out, _, err := execute(t, "test", path)
	require.EqualError(t, err, "test: no test was run, for 1 of 1 files cannot be used")
	assert.NotContains(t, out, "0 passed")
	assert.Contains(t, out, path+`:2:19: unknown key "nane" in tests[0]; did you mean name?`)
	assert.Contains(t, out, path+":1:11: pipeline=no.yaml cannot be tested: open ")
	_, _, err = execute(t, "test")
	assert.ErrorAs(t, err, new(usageError))
	_, _, err = execute(t, "test", filepath.Join(t.TempDir(), "missing"))
	assert.ErrorIs(t, err, os.ErrNotExist)
}

// A file without tests is none that passes.
func TestFilesWithoutTests(t *testing.T) {
	example, err := filepath.Abs(coldChain)
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "x.test.yaml")
	for text, want := range map[string]string{
		"":                                     path + ":1:1: the file is empty; a file of tests needs pipeline and tests\n",
		"pipeline: " + example + "\n":          path + ":1:1: tests is missing: write at least one test, with name, series and expect\n",
		"pipeline: " + example + "\ntests: []": path + ":2:8: tests is an empty list; write at least one test, with name, series and expect\n",
	} {
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		out, _, err := execute(t, "test", path)
		require.EqualError(t, err, "test: no test was run, for 1 of 1 files cannot be used")
		assert.Equal(t, want, out)
	}
	out, _, err := execute(t, "test", coldChain)
	require.EqualError(t, err, "test: no test was run, for 1 of 1 files cannot be used")
	assert.Equal(t, coldChain+":1:1: this is a pipeline, in which there are no tests: name a file of tests, such as "+filepath.Join(examplesDir, "cold-chain.test.yaml")+"\n", out)
	good := filepath.Join(examplesDir, "cold-chain.test.yaml")
	out, _, err = execute(t, "test", path, good)
	require.EqualError(t, err, "test: 1 of 2 files cannot be used")
	assert.Contains(t, out, " passed, 0 failed\n")
}
