package configs

import (
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// outside is the world as the test files see it.
func outside() Options {
	environment := map[string]string{"BROKER": "hunter2", "MQTT_PASSWORD": "hunter2", "SITE": "north", "LIMIT": "80", "HOST": "broker.example"}
	return Options{
		Getenv: func(name string) (string, bool) {
			v, ok := environment[name]
			return v, ok
		},
		ReadFile: func(path string) ([]byte, error) {
			if path == "/run/secrets/mqtt" {
				return []byte("hunter2"), nil
			}
			for _, folder := range []string{"testdata/rosters", "examples"} {
				if content, err := os.ReadFile(filepath.Join(folder, path)); err == nil {
					return content, nil
				}
			}
			return nil, &fs.PathError{Op: "open", Path: path, Err: errors.New("no such file or directory")}
		},
	}
}

func parseFile(t *testing.T, path string) (*Pipeline, Diagnostics) {
	t.Helper()
	src, err := os.ReadFile(path)
	require.NoError(t, err)
	return Parse(filepath.Base(path), src, outside())
}

// compareGolden compares text with a golden file, or rewrites that.
func compareGolden(t *testing.T, path, text string) {
	t.Helper()
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
		return
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err, "run the tests with -update and review the new file")
	assert.Equal(t, string(want), text)
}

func files(t *testing.T, pattern string) []string {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	require.NoError(t, err)
	paths = slices.DeleteFunc(paths, func(path string) bool { return strings.HasSuffix(path, ".test.yaml") })
	require.NotEmpty(t, paths)
	return paths
}

func TestWrongFiles(t *testing.T) {
	paths := files(t, "testdata/wrong/*.yaml")
	require.GreaterOrEqual(t, len(paths), 50)
	for _, path := range paths {
		name := strings.TrimSuffix(path, ".yaml")
		t.Run(filepath.Base(name), func(t *testing.T) {
			p, ds := parseFile(t, path)
			assert.Nil(t, p)
			assert.True(t, ds.HasErrors())
			assert.NotContains(t, ds.String(), "hunter2")
			compareGolden(t, name+".txt", ds.String())
		})
	}
}

func TestGoodFiles(t *testing.T) {
	for _, path := range append(files(t, "testdata/good/*.yaml"), files(t, "examples/*.yaml")...) {
		name := strings.TrimSuffix(filepath.Base(path), ".yaml")
		t.Run(name, func(t *testing.T) {
			p, ds := parseFile(t, path)
			require.NotNil(t, p, ds.String())
			text := ds.String() + "\n" + p.Explain(ExplainOptions{Full: true})
			assert.NotContains(t, text, "hunter2")
			assert.True(t, strings.HasPrefix(text, ds.String()+"\n"+p.Explain(ExplainOptions{})))
			compareGolden(t, filepath.Join("testdata/good", name+".txt"), text)
		})
	}
}

// The examples are what people copy: nothing in them may deserve a warning.
func TestExamplesHaveNoWarnings(t *testing.T) {
	for _, path := range files(t, "examples/*.yaml") {
		_, ds := parseFile(t, path)
		assert.Empty(t, ds, path)
	}
}

// What the file format describes beyond what is built is refused as planned,
// never ignored and never as unknown.
func TestPlannedIsNeitherIgnoredNorUnknown(t *testing.T) {
	_, ds := parseFile(t, "testdata/wrong/format-planned.yaml")
	assert.Len(t, ds, 1)
	for _, d := range ds {
		assert.Contains(t, d.Message, "is not supported yet")
	}
}

func TestSchemaIsCurrent(t *testing.T) {
	compareGolden(t, "pipeline.schema.json", string(Schema()))
}
