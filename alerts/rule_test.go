package alerts_test

import (
	"encoding/binary"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/alerts"
	"github.com/weirstream/weir/event"
)

func ptr(f float64) *float64 { return &f }

func compiled(t testing.TB, s alerts.Spec) *alerts.Rule {
	t.Helper()
	r, err := alerts.Compile(s)
	require.NoError(t, err)
	return r
}

func TestCompileRefuses(t *testing.T) {
	above := func(name string, v float64) alerts.Level { return alerts.Level{Name: name, Above: ptr(v)} }
	below := func(name string, v float64) alerts.Level { return alerts.Level{Name: name, Below: ptr(v)} }
	many := make([]alerts.Level, 16)
	for i := range many {
		many[i] = above("", float64(i))
	}
	for _, c := range []struct {
		want string
		spec alerts.Spec
	}{
		{"levels: a rule needs at least one", alerts.Spec{}},
		{"levels: 16 are too many, at most 15", alerts.Spec{Levels: many}},
		{"idle_after=-1ms must not be negative", alerts.Spec{Levels: many[:1], IdleAfter: -1}},
		{"keep_firing=-1ms must not be negative", alerts.Spec{Levels: many[:1], KeepFiring: -1}},
		{"on_gap=3 must be pause, reset or hold", alerts.Spec{Levels: many[:1], OnGap: 3}},
		{"levels.w: a level needs above or below", alerts.Spec{Levels: []alerts.Level{{Name: "w"}}}},
		{"levels[0]: a level needs above or below", alerts.Spec{Levels: []alerts.Level{{}}}},
		{"levels.w: above=8 and below=3 exclude each other", alerts.Spec{Levels: []alerts.Level{{Name: "w", Above: ptr(8), Below: ptr(3)}}}},
		{"levels.w.hold=-5ms must not be negative", alerts.Spec{Levels: []alerts.Level{{Name: "w", Above: ptr(8), Hold: -5}}}},
		{"levels.w.above=NaN must be a finite number", alerts.Spec{Levels: []alerts.Level{above("w", math.NaN())}}},
		{"levels.w.below=-Inf must be a finite number", alerts.Spec{Levels: []alerts.Level{below("w", math.Inf(-1))}}},
		{"levels.w.clear_below=+Inf must be a finite number", alerts.Spec{Levels: []alerts.Level{{Name: "w", Above: ptr(8), ClearBelow: ptr(math.Inf(1))}}}},
		{"levels.w.clear_above=NaN must be a finite number", alerts.Spec{Levels: []alerts.Level{{Name: "w", Below: ptr(8), ClearAbove: ptr(math.NaN())}}}},
		{"levels.w.clear_above=9 does not fit above=8: use clear_below", alerts.Spec{Levels: []alerts.Level{{Name: "w", Above: ptr(8), ClearAbove: ptr(9)}}}},
		{"levels.w.clear_below=7 does not fit below=8: use clear_above", alerts.Spec{Levels: []alerts.Level{{Name: "w", Below: ptr(8), ClearBelow: ptr(7)}}}},
		{"levels.w.clear_below=9 must not be greater than above=8", alerts.Spec{Levels: []alerts.Level{{Name: "w", Above: ptr(8), ClearBelow: ptr(9)}}}},
		{"levels.w.clear_above=7 must not be less than below=8", alerts.Spec{Levels: []alerts.Level{{Name: "w", Below: ptr(8), ClearAbove: ptr(7)}}}},
		{"levels.c.below=1 points the other way than levels.w.above=8: use two rules", alerts.Spec{Levels: []alerts.Level{above("w", 8), below("c", 1)}}},
		{"levels.c.above=9 points the other way than levels.w.below=8: use two rules", alerts.Spec{Levels: []alerts.Level{below("w", 8), above("c", 9)}}},
		{"levels.c.above=7 must not be less than levels.w.above=8: levels are written lowest first", alerts.Spec{Levels: []alerts.Level{above("w", 8), above("c", 7)}}},
		{"levels.c.below=9 must not be greater than levels.w.below=8: levels are written lowest first", alerts.Spec{Levels: []alerts.Level{below("w", 8), below("c", 9)}}},
	} {
		c.spec.Name = "too-warm"
		_, err := alerts.Compile(c.spec)
		require.EqualError(t, err, `rule "too-warm": `+c.want)
	}
}

func TestWordsAreCountedByUse(t *testing.T) {
	s := alerts.Spec{Levels: []alerts.Level{{Above: ptr(1)}, {Above: ptr(2), Hold: 1}, {Above: ptr(3), Hold: 1}}}
	require.Equal(t, 4, compiled(t, alerts.Spec{Levels: s.Levels[:1]}).Words())
	require.Equal(t, 6, compiled(t, s).Words())
	s.KeepFiring = 1
	require.Equal(t, 7, compiled(t, s).Words())
}

func TestFifteenLevels(t *testing.T) {
	var s alerts.Spec
	for i := range alerts.MaxLevels {
		s.Levels = append(s.Levels, alerts.Level{Above: ptr(float64(i)), Hold: 1})
	}
	r := compiled(t, s)
	w := make([]uint64, r.Words())
	r.Step(w, alerts.Sample{Time: 1, Value: 100})
	require.Equal(t, alerts.View{State: alerts.Pending, Level: 14, EpisodeStart: 1, Last: 1, Value: 100, Number: 1}, r.View(w))
	_, ev := r.Step(w, alerts.Sample{Time: 2, Value: 100})
	require.Equal(t, 1, ev.N)
	require.Equal(t, alerts.View{State: alerts.Firing, Level: 14, EpisodeStart: 1, Last: 2, Value: 100, Number: 2}, r.View(w))
	_, ev = r.Step(w, alerts.Sample{Time: 3, Value: 3.5})
	require.Equal(t, 3, ev.List[0].Level)
}

func TestCrossed(t *testing.T) {
	r := compiled(t, alerts.Spec{Levels: []alerts.Level{{Above: ptr(8), Hold: 9}, {Above: ptr(10), Hold: 9}}})
	for v, want := range map[float64]int{7: -1, 8: -1, 8.1: 0, 10: 0, 10.1: 1, math.Inf(1): 1, math.Inf(-1): -1} {
		require.Equal(t, want, r.Crossed(v), v)
	}
	require.Equal(t, -1, r.Crossed(math.NaN()))
	r = compiled(t, alerts.Spec{Levels: []alerts.Level{{Below: ptr(0)}, {Below: ptr(-2)}}})
	for v, want := range map[float64]int{1: -1, 0: -1, -0.1: 0, -2: 0, -3: 1} {
		require.Equal(t, want, r.Crossed(v), v)
	}
}

func TestNaNIsNoSample(t *testing.T) {
	r := compiled(t, alerts.Spec{Levels: []alerts.Level{{Above: ptr(8), Hold: 10}}})
	w := make([]uint64, r.Words())
	require.True(t, r.Quiet(w, math.NaN()))
	r.Step(w, alerts.Sample{Time: 1, Value: 9})
	changed, ev := r.Step(w, alerts.Sample{Time: 5, Value: math.NaN()})
	require.False(t, changed)
	require.Zero(t, ev.N)
	_, ev = r.Step(w, alerts.Sample{Time: 11, Value: 9})
	require.Equal(t, alerts.EventFiring, ev.List[0].State)
}

// Thresholds at the ends of the float range, where a neighbour is hard to find.
func TestExtremeThresholds(t *testing.T) {
	for _, at := range []float64{0, math.Copysign(0, -1), math.MaxFloat64, -math.MaxFloat64, math.SmallestNonzeroFloat64} {
		for _, l := range []alerts.Level{{Above: ptr(at)}, {Below: ptr(at)}} {
			r := compiled(t, alerts.Spec{Levels: []alerts.Level{l}})
			past := math.Nextafter(at, math.Inf(1))
			if l.Below != nil {
				past = math.Nextafter(at, math.Inf(-1))
			}
			w := make([]uint64, r.Words())
			_, ev := r.Step(w, alerts.Sample{Time: 1, Value: at})
			require.Zero(t, ev.N)
			_, ev = r.Step(w, alerts.Sample{Time: 2, Value: past})
			require.Equal(t, alerts.EventFiring, ev.List[0].State)
			_, ev = r.Step(w, alerts.Sample{Time: 3, Value: past})
			require.Zero(t, ev.N)
			_, ev = r.Step(w, alerts.Sample{Time: 4, Value: at})
			require.Equal(t, alerts.EventResolved, ev.List[0].State)
		}
	}
}

func TestViewOfPending(t *testing.T) {
	r := compiled(t, alerts.Spec{IdleAfter: 100, Levels: []alerts.Level{{Above: ptr(8), Hold: 90}, {Above: ptr(10), Hold: 90}}})
	w := make([]uint64, r.Words())
	require.Equal(t, alerts.View{Level: -1}, r.View(w))
	for _, s := range []alerts.Sample{{Time: 1000, Value: 9}, {Time: 1040, Value: 11}, {Time: 1060, Value: 12}} {
		r.Step(w, s)
	}
	require.Equal(t, alerts.View{
		State: alerts.Pending, Level: 1, EpisodeStart: 1000, Last: 1060, Value: 12, Covered: 20, Number: 1,
	}, r.View(w))
}

func TestNames(t *testing.T) {
	var states, events []string
	for s := alerts.OK; s <= alerts.Recovering+1; s++ {
		states = append(states, s.String())
	}
	for s := alerts.EventPending; s <= alerts.EventOK+1; s++ {
		events = append(events, s.String())
	}
	require.Equal(t, []string{"ok", "pending", "firing", "recovering", "unknown"}, states)
	require.Equal(t, []string{"pending", "firing", "recovering", "resolved", "ok", "unknown"}, events)
}

// The ids are in downstream systems: a changed id is a broken promise.
func TestEpisodeIDIsStable(t *testing.T) {
	id := alerts.EpisodeID("cold-chain", "too-warm", "truck-7", 1_700_000_000_000, 0)
	require.Equal(t, "f1ff6cf2f61dcdbbfa57f1d1c45446d4", id)
	require.Equal(t, "f51a11ab75a264ef36960306a36af6f9", alerts.EpisodeID("cold-chain", "too-warm", "truck-7", 1_700_000_000_000, 1))
	for _, other := range []string{
		alerts.EpisodeID("cold-chain", "too-warm", "truck-7", 1_700_000_000_000, 1),
		alerts.EpisodeID("cold-chain", "too-warm", "truck-7", 1_700_000_000_000, 2),
		alerts.EpisodeID("cold-chain", "too-warm", "truck-7", 1_700_000_000_001, 0),
		alerts.EpisodeID("cold-chain", "too-warm", "truck-8", 1_700_000_000_000, 0),
		alerts.EpisodeID("cold-chain", "too-warmt", "ruck-7", 1_700_000_000_000, 0),
		alerts.EpisodeID("cold-chaint", "oo-warm", "truck-7", 1_700_000_000_000, 0),
	} {
		require.NotEqual(t, id, other)
		require.Len(t, other, 32)
	}
}

// busy is a rule that uses every word it can.
func busy(t testing.TB) *alerts.Rule {
	return compiled(t, alerts.Spec{
		IdleAfter: 1000, OnGap: alerts.Reset, KeepFiring: 20,
		Levels: []alerts.Level{
			{Above: ptr(8), ClearBelow: ptr(7), Hold: 5},
			{Above: ptr(10), ClearBelow: ptr(8)},
			{Above: ptr(12), ClearBelow: ptr(9), Hold: 7},
		},
	})
}

func TestStepAllocatesNothing(t *testing.T) {
	r := busy(t)
	w := make([]uint64, r.Words())
	values := []float64{3, 9, 9, 11, 13, 13, 13, 9, 8, 5, 5}
	s, total := alerts.Sample{}, 0
	require.Zero(t, testing.AllocsPerRun(1000, func() {
		for _, v := range values {
			s.Time, s.Value = s.Time+4, v
			if r.Quiet(w, v) {
				continue
			}
			_, ev := r.Step(w, s)
			for _, e := range ev.All() {
				total += e.Number
			}
		}
	}))
	require.NotZero(t, total)
}

// FuzzStep hands the machine words that no machine wrote: it must take them for
// some state and go on.
func FuzzStep(f *testing.F) {
	f.Add([]byte{}, int64(5), 9.5)
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, int64(-1), 11.0)
	f.Add([]byte{2, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}, int64(math.MaxInt64), 0.0)
	f.Add([]byte{3 | 15<<3&0xff, 0, 0, 0, 0, 0, 0, 0}, int64(100), 0.0) // recovering at level 14 of 3
	f.Fuzz(func(t *testing.T, raw []byte, at int64, v float64) {
		r := busy(t)
		w := make([]uint64, r.Words())
		for i := range w {
			if len(raw) >= 8 {
				w[i], raw = binary.LittleEndian.Uint64(raw), raw[8:]
			}
		}
		quiet, before := r.Quiet(w, v), append([]uint64(nil), w...)
		r.View(w)
		for i := range int64(4) {
			changed, ev := r.Step(w, alerts.Sample{Time: event.Time(at + 3*i), Value: v})
			if i == 0 && (quiet || !changed) {
				require.Equal(t, before, w)
			}
			for _, e := range ev.All() {
				require.Less(t, e.Level, 3)
			}
			r.View(w)
		}
		r.Forget(w, event.Time(at))
		require.Equal(t, make([]uint64, r.Words()), w)
	})
}
