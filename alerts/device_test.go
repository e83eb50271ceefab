package alerts_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weirstream/weir/alerts"
	"github.com/weirstream/weir/event"
)

// ownSpec takes all thresholds out of a spec: the device is to give them. The
// second result is what they were.
func ownSpec(s alerts.Spec) (alerts.Spec, []alerts.Threshold) {
	own := s
	own.Levels = nil
	var given []alerts.Threshold
	for _, l := range s.Levels {
		var t alerts.Threshold
		o := alerts.Level{Name: l.Name, Hold: l.Hold}
		for _, f := range []struct {
			value *float64
			field alerts.Fields
			into  *float64
		}{{l.Above, alerts.Above, &t.Enter}, {l.Below, alerts.Below, &t.Enter}, {l.ClearBelow, alerts.ClearBelow, &t.Leave}, {l.ClearAbove, alerts.ClearAbove, &t.Leave}} {
			if f.value != nil {
				o.PerDevice |= f.field
				*f.into = *f.value
			}
		}
		own.Levels, given = append(own.Levels, o), append(given, t)
	}
	return own, given
}

// A rule whose thresholds the device gives does what one does that has them
// written.
func TestResolvedIsAsWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := spec(t)
		written, err := alerts.Compile(s)
		require.NoError(t, err)
		require.False(t, written.PerDevice())
		without, given := ownSpec(s)
		own, err := alerts.Compile(without)
		require.NoError(t, err)
		require.True(t, own.PerDevice())
		require.Equal(t, written.Words(), own.Words())
		var into alerts.Rule
		v, w := make([]uint64, own.Words()), make([]uint64, own.Words())
		for _, sample := range samples(t) {
			r := own.Resolve(given, &into)
			require.Equal(t, written.Quiet(v, sample.Value), r.Quiet(w, sample.Value))
			require.Equal(t, written.Crossed(sample.Value), r.Crossed(sample.Value))
			_, want := written.Step(v, sample)
			_, have := r.Step(w, sample)
			require.Equal(t, want, have)
			require.Equal(t, v, w)
		}
	})
}

// ownModel is the machine as docs/SEMANTICS.md has it, for thresholds that may be
// others, in any order, at every sample.
type ownModel struct {
	spec    alerts.Spec
	latched []bool
	counter []event.Time // -1: does not run
	fires   int
	open    bool
	last    event.Time
	began   event.Time // of the last episode
}

type said struct {
	state alerts.EventState
	level int
	at    float64
}

func (m *ownModel) step(s alerts.Sample, given []alerts.Threshold) (list []said) {
	rising := m.spec.Levels[0].PerDevice.Has(alerts.Above)
	past := func(a, b float64) bool { return rising && a > b || !rising && a < b }
	lacks := func(i int) bool {
		clears := m.spec.Levels[i].PerDevice&(alerts.ClearBelow|alerts.ClearAbove) != 0
		return math.IsNaN(given[i].Enter) || clears && math.IsNaN(given[i].Leave)
	}
	holds := func(i int) bool { return !lacks(i) && past(s.Value, given[i].Enter) }
	any := false
	waited := 0
	for i := range given {
		any = any || holds(i)
		if m.counter[i] >= 0 {
			waited = i
		}
	}
	if !m.open && (!any || s.Time == m.began) {
		return nil
	}
	if !m.open {
		m.began = s.Time
	}
	worth := s.Time - m.last
	if !m.open || m.spec.IdleAfter > 0 && worth > m.spec.IdleAfter {
		worth = 0
	}
	m.last = s.Time
	top, waiting := -1, -1
	for i := range given {
		hold := m.spec.Levels[i].Hold
		switch {
		case m.latched[i]:
			if lacks(i) {
				break
			}
			if m.spec.Levels[i].PerDevice&(alerts.ClearBelow|alerts.ClearAbove) != 0 {
				m.latched[i] = !past(given[i].Leave, s.Value)
			} else {
				m.latched[i] = holds(i)
			}
		case !holds(i):
			m.counter[i] = -1
		case hold == 0:
			m.latched[i] = true
		default:
			if m.counter[i] < 0 {
				m.counter[i] = 0
			} else {
				m.counter[i] += worth
			}
			if m.counter[i] >= hold {
				m.latched[i], m.counter[i] = true, -1
			}
		}
		if m.latched[i] {
			top = i
		}
		if m.counter[i] >= 0 {
			waiting = i
		}
	}
	say := func(state alerts.EventState, level, named int) {
		list = append(list, said{state, level, given[named].Enter})
	}
	if top >= 0 {
		if top != m.fires {
			say(alerts.EventFiring, top, top)
		}
		m.fires, m.open = top, true
		return list
	}
	pending := m.open && m.fires < 0
	if m.fires >= 0 {
		say(alerts.EventResolved, m.fires, m.fires)
	}
	m.fires, m.open = -1, waiting >= 0
	switch {
	case pending && waiting < 0:
		say(alerts.EventOK, -1, waited)
	case !pending && waiting >= 0:
		say(alerts.EventPending, waiting, waiting)
	}
	return list
}

// Thresholds that change, are missing or stand in no order are each taken by
// themselves.
func TestThresholdsMayChange(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, given := ownSpec(spec(t))
		s.KeepFiring, s.OnGap = 0, alerts.Pause
		rule, err := alerts.Compile(s)
		require.NoError(t, err)
		m := ownModel{spec: s, latched: make([]bool, len(given)), counter: make([]event.Time, len(given)), fires: -1, last: -1}
		for i := range m.counter {
			m.counter[i] = -1
		}
		threshold := rapid.Custom(func(t *rapid.T) float64 {
			if rapid.IntRange(0, 3).Draw(t, "missing") == 0 {
				return math.NaN()
			}
			return float64(rapid.IntRange(-6, 6).Draw(t, "threshold"))
		})
		var into alerts.Rule
		w := make([]uint64, rule.Words())
		for _, sample := range samples(t) {
			if rapid.IntRange(0, 3).Draw(t, "change") == 0 {
				for i := range given {
					given[i] = alerts.Threshold{Enter: threshold.Draw(t, "enter"), Leave: threshold.Draw(t, "leave")}
				}
			}
			r := rule.Resolve(given, &into)
			var have []said
			if !r.Quiet(w, sample.Value) {
				_, ev := r.Step(w, sample)
				for _, e := range ev.All() {
					have = append(have, said{e.State, e.Level, e.Threshold})
				}
			}
			require.NoError(t, r.Check(w))
			sameSaid(t, m.step(sample, given), have)
		}
	})
}

func sameSaid(t require.TestingT, want, have []said) {
	require.Len(t, have, len(want), "want %v", want)
	for i := range want {
		require.Equal(t, math.IsNaN(want[i].at), math.IsNaN(have[i].at))
		if math.IsNaN(want[i].at) {
			want[i].at, have[i].at = 0, 0
		}
	}
	require.Equal(t, want, have)
}

// A device without the label: nothing begins, and what fires goes on.
func TestMissingThreshold(t *testing.T) {
	rule := compiled(t, alerts.Spec{Levels: []alerts.Level{
		{Name: "warning", PerDevice: alerts.Above}, {Name: "critical", Above: ptr(100), PerDevice: alerts.ClearBelow},
	}})
	var into alerts.Rule
	w := make([]uint64, rule.Words())
	var now event.Time
	step := func(v, limit, leave float64) []alerts.Event {
		now++
		r := rule.Resolve([]alerts.Threshold{{Enter: limit}, {Enter: 100, Leave: leave}}, &into)
		if r.Quiet(w, v) {
			return nil
		}
		_, ev := r.Step(w, alerts.Sample{Time: now, Value: v})
		return ev.All()
	}
	none := math.NaN()
	require.Empty(t, step(99, none, 50))
	require.Empty(t, step(150, none, none), "a level lacks its end")
	require.Equal(t, 1, step(150, none, 50)[0].Level, "one level does not wait for another's label")
	require.Empty(t, step(60, 80, 50))
	require.Empty(t, step(10, 80, none))
	resolved := step(10, 80, 50)
	require.Equal(t, alerts.EventResolved, resolved[0].State)

	require.Equal(t, 80.0, step(90, 80, 50)[0].Threshold)
	require.Empty(t, step(1, none, 50), "it goes on")
	require.Equal(t, 85.0, step(84, 85, 50)[0].Threshold, "of the limit in force")
}

func TestCompileRefusesPerDevice(t *testing.T) {
	for _, c := range []struct {
		want   string
		levels []alerts.Level
	}{
		{"levels.w: a threshold is written and per device as well", []alerts.Level{{Above: ptr(1), PerDevice: alerts.Above}}},
		{"levels.w: a level needs either above or below", []alerts.Level{{PerDevice: alerts.ClearBelow}}},
		{"levels.w: a level needs either above or below", []alerts.Level{{Above: ptr(1), PerDevice: alerts.Below}}},
		{"levels.w: above goes with clear_below, below with clear_above", []alerts.Level{{Above: ptr(1), PerDevice: alerts.ClearAbove}}},
		{"levels.w: above goes with clear_below, below with clear_above", []alerts.Level{{ClearBelow: ptr(1), PerDevice: alerts.Below}}},
		{"levels.c points the other way than levels.w: use two rules", []alerts.Level{{PerDevice: alerts.Above}, {Below: ptr(1)}}},
		{"levels.c points the other way than levels.w: use two rules", []alerts.Level{{Above: ptr(1)}, {PerDevice: alerts.Below}}},
	} {
		for i, name := range []string{"w", "c"}[:len(c.levels)] {
			c.levels[i].Name = name
		}
		_, err := alerts.Compile(alerts.Spec{Name: "r", Levels: c.levels})
		require.EqualError(t, err, `rule "r": `+c.want)
	}
}

func TestResolveAllocatesNothing(t *testing.T) {
	rule := compiled(t, alerts.Spec{Levels: []alerts.Level{{Name: "w", PerDevice: alerts.Above | alerts.ClearBelow}, {Name: "c", PerDevice: alerts.Above}}})
	given := []alerts.Threshold{{Enter: 8, Leave: 7}, {Enter: 10}}
	var into alerts.Rule
	rule.Resolve(given, &into)
	require.Zero(t, testing.AllocsPerRun(100, func() { rule.Resolve(given, &into) }))
}

// BenchmarkResolve is what a device's own thresholds cost where another device was
// looked at before.
func BenchmarkResolve(b *testing.B) {
	rule := compiled(b, alerts.Spec{Levels: []alerts.Level{{Name: "w", PerDevice: alerts.Above | alerts.ClearBelow}, {Name: "c", PerDevice: alerts.Above}}})
	given := []alerts.Threshold{{Enter: 8, Leave: 7}, {Enter: 10}}
	var into alerts.Rule
	b.ReportAllocs()
	for b.Loop() {
		rule.Resolve(given, &into)
	}
}
