package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// alertingRules is a file of rules for Prometheus.
type alertingRules struct {
	Groups []struct {
		Rules []struct {
			Alert       string
			Expr        string
			Labels      map[string]string
			Annotations map[string]string
		}
	}
}

// ruleTests is a file for promtool test rules.
type ruleTests struct {
	Tests []struct {
		AlertRuleTest []struct {
			Alertname string
			ExpAlerts []any `yaml:"exp_alerts"`
		} `yaml:"alert_rule_test"`
	}
}

func readYAML(t *testing.T, path string, into any) string {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, yaml.Unmarshal(text, into))
	return string(text)
}

// Every alerting rule says how bad it is and what to do, in the runbook too, and is tested to fire and not to.
func TestAlertingRulesAreWhole(t *testing.T) {
	var rules alertingRules
	readYAML(t, "../../deploy/prometheus/weir.rules.yml", &rules)
	var tests ruleTests
	readYAML(t, "../../deploy/prometheus/weir.rules.test.yml", &tests)
	fires, quiet := map[string]bool{}, map[string]bool{}
	for _, one := range tests.Tests {
		for _, c := range one.AlertRuleTest {
			if len(c.ExpAlerts) > 0 {
				fires[c.Alertname] = true
			} else {
				quiet[c.Alertname] = true
			}
		}
	}
	text, err := os.ReadFile("../../docs/RUNBOOK.md")
	require.NoError(t, err)
	sections := map[string]string{}
	for _, section := range strings.Split(string(text), "\n## ")[1:] {
		name, body, _ := strings.Cut(section, "\n")
		sections[name] = body
	}
	n := 0
	for _, g := range rules.Groups {
		for _, r := range g.Rules {
			n++
			assert.True(t, fires[r.Alert], "%s: no test in which it fires", r.Alert)
			assert.True(t, quiet[r.Alert], "%s: no test in which it does not", r.Alert)
			assert.Contains(t, []string{"critical", "warning"}, r.Labels["severity"], r.Alert)
			assert.NotEmpty(t, r.Annotations["summary"], r.Alert)
			assert.NotEmpty(t, r.Annotations["description"], r.Alert)
			assert.Equal(t, "https://github.com/weirstream/weir/blob/main/docs/RUNBOOK.md#"+strings.ToLower(r.Alert), r.Annotations["runbook_url"])
			for _, part := range []string{"**Means** ", "**Look** ", "**Do** "} {
				assert.Contains(t, sections[r.Alert], part, r.Alert)
			}
		}
	}
	assert.Len(t, sections, n, "the runbook has what is no alert")
}

// What rules, dashboards and the runbook ask for is exported.
func TestWhatIsAskedForIsDocumented(t *testing.T) {
	doc := readDocumented(t)
	files, err := filepath.Glob("../../deploy/grafana/dashboards/*.json")
	require.NoError(t, err)
	files = append(files, "../../deploy/prometheus/weir.rules.yml", "../../deploy/prometheus/weir.rules.test.yml", "../../docs/RUNBOOK.md")
	name := regexp.MustCompile(`\bweir_\w+`)
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		found := name.FindAllString(string(text), -1)
		assert.NotEmpty(t, found, file)
		for _, n := range found {
			base := n
			for _, suffix := range []string{"_bucket", "_sum", "_count"} {
				if of := strings.TrimSuffix(n, suffix); doc[of].kind == "histogram" {
					base = of
				}
			}
			assert.Contains(t, doc, base, file)
		}
	}
}
