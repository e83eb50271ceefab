package oracle

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/event"
)

// Tasks of groups without windows have no metrics, also where a message has several.
func TestLeftGroupsOfWideReadings(t *testing.T) {
	const text = `
name: wide
source: {topic: readings, reading: {metrics: [temp, hum]}}
windows:
  - {name: own, metric: hum, tumbling: 10s, compute: [max], emit: {topic: out}}
  - {name: whole, metric: temp, tumbling: 10s, compute: [max], emit: {topic: out}}
`
	lone := extended(t, strings.Replace(text, "  - {name: whole, metric: temp, tumbling: 10s, compute: [max], emit: {topic: out}}\n", "", 1))
	fleet := NewFleet(lone, 1, extended(t, text+"+ window whole by all\n"))
	model := newTask(&Input{Pipeline: fleet.parts[1], groups: fleet}, &Report{})
	model.groups = &groups{fleet: fleet, marks: map[int32]event.Time{}}
	d := newDevice(model.p, "all")
	d.key = keyOf("all", "all")
	model.devices[d.key] = d
	model.become(&entry{by: fleet.parts[0]})
	model.succeed()
	require.Empty(t, model.devices)
	require.Empty(t, model.p.Metrics)
	model.become(&entry{by: fleet.parts[1]})
	model.succeed()
	require.Len(t, model.p.Metrics, 1)
}
