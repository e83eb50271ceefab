package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// dashboard is what tests look at of a file for Grafana.
type dashboard struct {
	UID, Title, Description string
	Tags                    []string
	Links                   []struct {
		Type                  string
		Tags                  []string
		IncludeVars, KeepTime bool
	}
	Templating struct {
		List []struct {
			Name, Type, Label, Description string
			Query                          any
		}
	}
	Panels []panel
}

type panel struct {
	ID                       int
	Type, Title, Description string
	GridPos                  struct{ H, W, X, Y int }
	Datasource               struct{ UID string }
	Targets                  []target
	FieldConfig              struct {
		Defaults struct {
			Unit       string
			Thresholds struct{ Steps []any }
		}
	}
}

type target struct {
	RefID, Expr, LegendFormat, Format string
	Instant, Range                    bool
	Datasource                        struct{ UID string }
}

func readDashboards(t *testing.T) map[string]dashboard {
	t.Helper()
	files, err := filepath.Glob("../../deploy/grafana/dashboards/*.json")
	require.NoError(t, err)
	require.Len(t, files, 4)
	all := map[string]dashboard{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		var d dashboard
		require.NoError(t, json.Unmarshal(text, &d), file)
		all[strings.TrimSuffix(filepath.Base(file), ".json")] = d
	}
	return all
}

// Dashboards are tidy: variables, links, and panels that say what they show, lie beside each other and ask by the variables.
func TestDashboardsAreTidy(t *testing.T) {
	for name, d := range readDashboards(t) { // unordered: each by itself
		assert.Equal(t, "weir-"+name, d.UID)
		assert.Equal(t, "weir / "+name, d.Title)
		assert.NotEmpty(t, d.Description)
		assert.Equal(t, []string{"weir"}, d.Tags)
		require.NotEmpty(t, d.Links)
		assert.Equal(t, []string{"weir"}, d.Links[0].Tags)
		assert.True(t, d.Links[0].IncludeVars && d.Links[0].KeepTime)
		var variables []string
		for _, v := range d.Templating.List {
			variables = append(variables, v.Name)
			assert.NotEmpty(t, v.Label)
			assert.NotEmpty(t, v.Description)
		}
		assert.Equal(t, []string{"datasource", "pipeline", "instance"}, variables)
		taken, ids := map[[2]int]string{}, map[int]bool{}
		for _, p := range d.Panels {
			at := name + ": " + p.Title
			assert.False(t, ids[p.ID], "%s: id %d is there twice", at, p.ID)
			ids[p.ID] = true
			for x := range p.GridPos.W {
				for y := range p.GridPos.H {
					cell := [2]int{p.GridPos.X + x, p.GridPos.Y + y}
					assert.Empty(t, taken[cell], "%s lies on another panel", at)
					taken[cell] = p.Title
				}
			}
			assert.LessOrEqual(t, p.GridPos.X+p.GridPos.W, 24, at)
			if p.Type != "row" {
				checkPanel(t, at, p)
			}
		}
	}
}

func checkPanel(t *testing.T, at string, p panel) {
	t.Helper()
	assert.Greater(t, len(p.Description), 15, at)
	assert.NotEmpty(t, p.FieldConfig.Defaults.Unit, at)
	assert.NotEmpty(t, p.FieldConfig.Defaults.Thresholds.Steps, at)
	assert.Equal(t, "${datasource}", p.Datasource.UID, at)
	require.NotEmpty(t, p.Targets, at)
	refs := map[string]bool{}
	for _, q := range p.Targets {
		assert.False(t, refs[q.RefID], at)
		refs[q.RefID] = true
		assert.Equal(t, "${datasource}", q.Datasource.UID, at)
		assert.NotEqual(t, q.Instant, q.Range, at)
		for _, selector := range regexp.MustCompile(`\bweir_\w+(\{[^}]*\})?`).FindAllStringSubmatch(q.Expr, -1) {
			if selector[0] != "weir_build_info" {
				assert.Contains(t, selector[1], `pipeline=~"$pipeline",instance=~"$instance"`, "%s: %s", at, selector[0])
			}
		}
		assert.NotRegexp(t, `\[\d`, q.Expr, "%s: the window of a rate is $__rate_interval", at)
		if p.Type != "stat" && p.Type != "table" {
			assert.NotEmpty(t, q.LegendFormat, at)
		}
	}
}

// What provisions Grafana is what it says it is.
func TestProvisioning(t *testing.T) {
	read := func(name string) (all map[string]any) {
		text, err := os.ReadFile("../../deploy/grafana/provisioning/" + name)
		require.NoError(t, err)
		require.NoError(t, yaml.Unmarshal(text, &all))
		require.EqualValues(t, 1, all["apiVersion"])
		return all
	}
	source := read("datasources/prometheus.yaml")["datasources"].([]any)[0].(map[string]any)
	assert.Equal(t, "prometheus", source["type"])
	assert.Contains(t, source["url"], ":9090")
	provider := read("dashboards/weir.yaml")["providers"].([]any)[0].(map[string]any)
	assert.Equal(t, "file", provider["type"])
	assert.NotEmpty(t, provider["options"].(map[string]any)["path"])
}
