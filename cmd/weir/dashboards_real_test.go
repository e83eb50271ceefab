//go:build real

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/internal/brokers"
	"github.com/weirstream/weir/internal/fleet"
	"github.com/weirstream/weir/internal/realbrokers"
	"github.com/weirstream/weir/internal/rig"
)

// watchedPipeline has something to show in every panel.
const watchedPipeline = `
name: watched
kafka: {embedded: {dir: $STATE/kafka, partitions: 2}}
source: {topic: readings}
mqtt: {broker: BROKER, subscribe: [{filter: "plant/+/+/telemetry", qos: 1}]}
devices: {roster: ROSTER}
time: {wait_for_late: 1s, idle_after: 2s, max_future_skew: 30s}
windows:
  - {name: second, metric: temperature, tumbling: 1s, compute: [mean], emit: {topic: aggregates}}
  - {name: site_2s, metric: temperature, tumbling: 2s, by: labels.site, compute: [max, count], emit: {topic: sites}}
rules:
  - {name: hot, when: temperature, levels: {warning: {above: 50}, critical: {above: 80}}}
  - {name: warm, when: second.mean, levels: {warm: {above: 22}}}
  - {name: site, when: site_2s.max, levels: {alarm: {above: 1}}}
alerts:
  topic: alerts
  mqtt: {topic: "alerts/{{device}}"}
  alertmanager: {url: "PAGER"}
state: {dir: $STATE}
`

// graph asks a Prometheus as Grafana does.
type graph struct {
	t     *testing.T
	url   string
	began time.Time
}

// found is one series of an answer.
type found struct {
	Metric map[string]string
	Value  []any   // of an instant
	Values [][]any // of a range
}

func (g *graph) get(path string, query url.Values, into any) error {
	resp, err := http.Get(g.url + "/api/v1/" + path + "?" + query.Encode())
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	var answer struct {
		Status, Error string
		Data          json.RawMessage
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		return err
	}
	if answer.Status != "success" {
		return fmt.Errorf("%s", answer.Error)
	}
	return json.Unmarshal(answer.Data, into)
}

// variable answers the query of a variable.
func (g *graph) variable(query string, filled map[string]string) ([]string, error) {
	parts := regexp.MustCompile(`^label_values\((.*), (\w+)\)$`).FindStringSubmatch(query)
	require.NotNil(g.t, parts, query)
	var values []string
	err := g.get("label/"+parts[2]+"/values", url.Values{"match[]": {g.fill(parts[1], filled)}, "start": {seconds3339(g.began)}}, &values)
	return values, err
}

func seconds3339(at time.Time) string { return at.UTC().Format(time.RFC3339Nano) }

func (g *graph) fill(text string, filled map[string]string) string {
	pairs := []string{"$__rate_interval", "5s", "$__range", strconv.Itoa(int(time.Since(g.began).Seconds())+1) + "s"}
	for _, name := range slices.Sorted(maps.Keys(filled)) {
		pairs = append(pairs, "$"+name, filled[name])
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

// show runs one query of a panel and says what is wrong with the answer; empty: nothing.
func (g *graph) show(q target, filled map[string]string) string {
	expr := g.fill(q.Expr, filled)
	var answer struct{ Result []found }
	path, query := "query_range", url.Values{"query": {expr}, "start": {seconds3339(g.began)}, "end": {seconds3339(time.Now())}, "step": {"1s"}}
	if q.Instant {
		path, query = "query", url.Values{"query": {expr}}
	}
	if err := g.get(path, query, &answer); err != nil {
		return err.Error()
	}
	some := false
	for _, series := range answer.Result {
		for _, v := range append(series.Values, series.Value) {
			some = some || len(v) == 2 && v[1] != "NaN"
		}
		for _, label := range regexp.MustCompile(`\{\{(\w+)\}\}`).FindAllStringSubmatch(q.LegendFormat, -1) {
			if series.Metric[label[1]] == "" {
				return "the legend has a label that no series has: " + label[1]
			}
		}
	}
	if !some {
		return "empty"
	}
	return ""
}

// faults are all queries of all dashboards that are empty or wrong.
func (g *graph) faults(dashboards map[string]dashboard) (all []string, queries int) {
	for _, name := range slices.Sorted(maps.Keys(dashboards)) {
		d := dashboards[name]
		filled := map[string]string{}
		for _, v := range d.Templating.List {
			if v.Type != "query" {
				continue
			}
			queries++
			values, err := g.variable(v.Query.(map[string]any)["query"].(string), filled)
			if err != nil || len(values) == 0 {
				all = append(all, fmt.Sprintf("%s: variable %s: %v %v", name, v.Name, values, err))
			}
			filled[v.Name] = strings.Join(values, "|")
		}
		for _, p := range d.Panels {
			for _, q := range p.Targets {
				queries++
				if fault := g.show(q, filled); fault != "" {
					all = append(all, fmt.Sprintf("%s: %s: %s: %s", name, p.Title, q.Expr, fault))
				}
			}
		}
	}
	return all, queries
}

// Every query of every panel and every variable has an answer, from a real Prometheus that scrapes weir at work: alerts
// come and go, readings are dropped, it is stopped once and recovers. And the alerting rules can be worked out.
func TestNoPanelIsEmpty(t *testing.T) {
	broker, err := brokers.StartMQTT(brokers.MQTTOptions{})
	require.NoError(t, err)
	t.Cleanup(func() { _ = broker.Close() })
	hook := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(hook.Close)
	pager := realbrokers.Alertmanager(t, hook.URL)
	source, err := fleet.New(fleet.Options{
		Devices: 40, Rate: 200, Seed: 7, Start: event.Time(time.Now().UnixMilli()),
		Duplicates: 0.05, Late: 0.02, Future: 0.01, Overheating: 5, HeatFor: 5 * time.Second, HeatEvery: 8 * time.Second,
	})
	require.NoError(t, err)
	roster := filepath.Join(t.TempDir(), "fleet.csv")
	text := "device,site\n"
	for i := range 30 {
		text += fmt.Sprintf("device-%05d,site-%d\n", i, i%2)
	}
	require.NoError(t, os.WriteFile(roster, []byte(text), 0o600))
	file := strings.NewReplacer("BROKER", broker.URL(), "PAGER", pager.URL, "ROSTER", roster).Replace(watchedPipeline)
	weir := rig.NewProcess(t, rig.Program{Binary: rig.BuildWeir(t, rig.BuildOptions{}), Pipeline: "watched", File: file})
	rules, err := filepath.Abs("../../deploy/prometheus/weir.rules.yml")
	require.NoError(t, err)
	g := &graph{t: t, began: time.Now()}
	g.url = realbrokers.Prometheus(t, realbrokers.PrometheusOptions{Config: fmt.Sprintf(
		"global: {scrape_interval: 1s, evaluation_interval: 1s}\nrule_files: [%q]\nscrape_configs: [{job_name: weir, static_configs: [{targets: [%q]}]}]\n", rules, weir.HTTP())})

	weir.Start()
	weir.Ready(2)
	to, err := fleet.OpenMQTT(fleet.MQTTOptions{Broker: broker.URL()})
	require.NoError(t, err)
	rig.Send(t, source, to, 1) // until the test ends
	rig.Await(t, "alerts", time.Minute, func() (bool, string) {
		return weir.Metrics()[`weir_rule_alert_events_total{rule="hot",state="resolved"}`] > 0, "none has been resolved"
	})
	weir.Stop()
	weir.Start()
	weir.Ready(2)
	require.Equal(t, 2.0, weir.Metrics()[`weir_recoveries_total{from="copy"}`])

	dashboards := readDashboards(t)
	queries := 0
	rig.Await(t, "something in every panel", 2*time.Minute, func() (bool, string) {
		var faults []string
		faults, queries = g.faults(dashboards)
		return len(faults) == 0, strings.Join(faults, "\n")
	})
	t.Logf("%d queries have an answer", queries)
	g.judge()
}

// judge looks at what Prometheus makes of the alerting rules.
func (g *graph) judge() {
	var judged struct {
		Groups []struct {
			Rules []struct{ Name, Health, LastError, State string }
		}
	}
	require.NoError(g.t, g.get("rules", nil, &judged))
	n := 0
	for _, group := range judged.Groups {
		for _, r := range group.Rules {
			n++
			assert.Equal(g.t, "ok", r.Health, "%s: %s", r.Name, r.LastError)
			assert.NotEqual(g.t, "firing", r.State, r.Name)
		}
	}
	assert.Greater(g.t, n, 20)
}
