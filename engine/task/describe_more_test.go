package task

import (
	"encoding/json"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/statestore"
)

// look looks at a device or group, another one each time. Nothing of the state may change by that, nor what the task says next: the
// scripts are run with looks at other moments, and have to say the same.
func (p *plant) look() {
	s := statestore.Slot(p.offset)
	if s >= p.table.Bound() {
		s %= max(statestore.Slot(p.table.Len()), 1)
	}
	if s >= p.table.Bound() || !p.table.Live(s) {
		return
	}
	words, cells := slices.Clone(p.table.Task()), p.table.DirtyCells()
	name := p.table.Name(s)
	var seen any
	var ok bool
	if of, group := GroupOf(name); group {
		seen, ok = p.task.Group(of)
		require.Equal(p.t, p.plan.grouped, ok)
	} else {
		seen, ok = p.task.Device(name)
		require.Equal(p.t, !p.plan.grouped, ok)
	}
	_, err := json.Marshal(seen)
	require.NoError(p.t, err)
	require.Equal(p.t, words, p.table.Task())
	require.Equal(p.t, cells, p.table.DirtyCells())
}

func TestDeviceTellsWhatRulesLookAt(t *testing.T) {
	p := newPlant(t, `
devices: {roster: fleet.csv}
time: {wait_for_late: 0s, idle_after: 10m}
windows:
- {name: closing, metric: a, tumbling: 1m, compute: [mean, max]}
- {name: changing, metric: a, tumbling: 1m, compute: [max]}
- {name: rolling, metric: a, rolling: 5m, compute: [mean]}
rules:
- {name: last, when: a, levels: {low: {below: 5, clear_above: 6}, lower: {below: labels.floor}}}
- {name: closed, when: closing.max, levels: {high: {above: 50}}}
- {name: changed, when: changing.max, evaluate: change, levels: {high: {above: 50}}}
- {name: rolled, when: rolling.mean, levels: {high: {above: 50}}}
- {name: worked, when: a + labels.floor, levels: {high: {above: 50}}}
- {name: gone, no_data: {after: 1h, severity: high}}
`, plantOptions{roster: "device,floor\nx,3\n"})
	value := func(d DeviceState, rule string) any {
		for _, r := range d.Rules {
			if r.Rule == rule && r.Value != nil {
				return float64(*r.Value)
			}
		}
		return nil
	}
	r := reading{device: "x", metric: "a", at: scriptDay, appended: scriptDay, value: "10", seq: -1}
	require.NoError(t, p.fold(r.record()))
	d, ok := p.task.Device([]byte("x"))
	require.True(t, ok)
	require.Equal(t, map[string]string{"floor": "3"}, d.Labels)
	require.Equal(t, []any{10.0, nil, 10.0, 10.0, 13.0, nil}, []any{value(d, "last"), value(d, "closed"), value(d, "changed"), value(d, "rolled"), value(d, "worked"), value(d, "gone")})
	require.Equal(t, []string{"closing", "changing", "rolling"}, []string{d.Windows[0].Window, d.Windows[1].Window, d.Windows[2].Window})
	require.Empty(t, d.Windows[0].Past)

	r.at, r.appended, r.value = scriptDay+60_000, scriptDay+60_000, "20"
	require.NoError(t, p.fold(r.record()))
	d, _ = p.task.Device([]byte("x"))
	require.Equal(t, []any{20.0, 10.0, 20.0, 15.0, 23.0}, []any{value(d, "last"), value(d, "closed"), value(d, "changed"), value(d, "rolled"), value(d, "worked")})
	require.Equal(t, []PastWindow{{Start: stamp(scriptDay), End: stamp(scriptDay + 60_000), Count: 1, Values: map[string]Number{"mean": 10, "max": 10}}}, d.Windows[0].Past)
	five, six, three := 5.0, 6.0, 3.0
	require.Equal(t, []ThresholdState{{Level: "low", Below: &five, ClearAbove: &six}, {Level: "lower", Below: &three}}, d.Rules[0].Thresholds)
	require.Empty(t, d.Rules[5].Thresholds)

	// One that the roster has not: labels give nothing.
	r.device = "y"
	require.NoError(t, p.fold(r.record()))
	d, _ = p.task.Device([]byte("y"))
	require.Equal(t, ThresholdState{Level: "lower"}, d.Rules[0].Thresholds[1])
	require.Nil(t, value(d, "worked"))
	_, ok = p.task.Device([]byte("z"))
	require.False(t, ok)
	_, ok = p.task.Group(GroupName{"all", "all"})
	require.False(t, ok)
}

func TestNumbersThatAreNone(t *testing.T) {
	text, err := json.Marshal([]Number{1.5, Number(math.Inf(1)), Number(math.NaN()), 0})
	require.NoError(t, err)
	require.Equal(t, "[1.5,null,null,0]", string(text))
}
