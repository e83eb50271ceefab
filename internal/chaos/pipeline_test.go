//go:build real

package chaos

import (
	"fmt"
	"strings"
	"time"

	"github.com/weirstream/weir/internal/rig"
)

const (
	partitions = 4
	idleAfter  = "2s"
	idleMillis = 2_000
)

// setting is what a script may choose of its pipeline. The zero value is the usual one.
type setting struct {
	mqtt       string            // URL; empty: readings arrive in the source by themselves
	partitions int               // 0: 4
	commit     string            // commit_interval; empty: 50ms
	topics     map[string]string // settings of the source topic beside append times
	// untold says that the journal will not tell verify all, for part of it is lost or trimmed. Then nothing is in the pipeline that follows
	// from more than readings and silence: neither an operator nor a rule writes commands, and nobody is expected from the moment on at which
	// the roster came into force. There is no rule on anomalies either, which fills journals.
	untold bool
}

// pipeline has every kind of window, two of them over several devices, every kind of rule, limits from a roster, a filter, a metric made from
// another, and clocks that may go back. So a process has two tasks for each partition.
type pipeline struct {
	rig.Pipeline
	setting
	rosters                             *rosters
	aggregates, changes, fleets, alerts string
	rules                               string // and what inhibits what, as the file has it
}

func newPipeline(fault string, s setting) pipeline {
	if s.partitions == 0 {
		s.partitions = partitions
	}
	if s.commit == "" {
		s.commit = "50ms"
	}
	name := rig.UniqueName("chaos-" + fault)
	return pipeline{
		Pipeline: rig.Pipeline{Name: name, Source: name + ".readings"}, setting: s, rules: rules(time.Now(), s.untold),
		aggregates: name + ".aggregates", changes: name + ".changes", fleets: name + ".fleets", alerts: name + ".alerts",
	}
}

// outputs are the topics that the oracle's counts are of.
func (p pipeline) outputs() []string {
	return []string{p.aggregates, p.changes, p.fleets, p.alerts, p.Quarantine(), p.Groups().Quarantine()}
}

// written are all topics that weir writes.
func (p pipeline) written() []string {
	return append(p.outputs(), p.Journal(), p.Commands(), p.Groups().Source, p.Groups().Journal())
}

// tasks is how many there are in all processes.
func (p pipeline) tasks() int { return 2 * p.partitions }

// file is the pipeline file for brokers at an address.
func (p pipeline) file(kafka string) string {
	bridge := ""
	if p.mqtt != "" {
		bridge = fmt.Sprintf(`mqtt: {broker: %q, subscribe: [{filter: "plant/+/+/telemetry", qos: 1}], device: "{topic.2}"}`, p.mqtt)
	}
	return fmt.Sprintf(`
name: %[1]s
kafka: {brokers: [%[2]s]}
source: {topic: %[3]s}
%[4]s
time: {wait_for_late: 1s, idle_after: %[5]s, max_future_skew: 5m, reset_clock_after: 3s}
devices: {roster: %[10]s}
where: 'labels.site != "closed" and value > -60'
derive: {excess: {from: temperature, value: value - labels.limit}}
commit_interval: %[6]s
windows:
  - {name: tumbling, metric: temperature, tumbling: 2s, compute: [count, sum, min, max, mean, last, p95], emit: {topic: %[7]s}}
  - {name: hopping, metric: temperature, hopping: {size: 6s, every: 2s}, compute: [mean, max], emit: {topic: %[7]s}}
  - {name: visit, metric: temperature, session: {gap: 1s}, compute: [count, mean, p95, slope], emit: {topic: %[7]s}}
  - {name: recent, metric: temperature, rolling: {size: 3s, resolution: 500ms}, compute: [mean, p95], emit: {topic: %[8]s, on: change}}
  - {name: above, metric: excess, tumbling: 2s, offset: 500ms, compute: [max, integral], emit: {topic: %[7]s}}
  - {name: newest, metric: temperature, count: 5, compute: [mean, last], emit: {topic: %[8]s, on: change}}
  - {name: site, metric: temperature, tumbling: 2s, by: labels.site, compute: [count, sum, max, p95, distinct], emit: {topic: %[11]s}}
  - {name: fleet, metric: temperature, hopping: {size: 6s, every: 2s}, by: all, compute: [count, mean, stddev, last], emit: {topic: %[11]s}}
%[12]salerts: {topic: %[9]s}
state: {dir: $STATE, forget_after: 7s}
`, p.Name, strings.ReplaceAll(kafka, ",", ", "), p.Source, bridge, idleAfter, p.commit, p.aggregates, p.changes, p.alerts, p.rosters.file(), p.fleets, p.rules)
}
