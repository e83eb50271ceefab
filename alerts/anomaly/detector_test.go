package anomaly_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weirstream/weir/alerts/anomaly"
	"github.com/weirstream/weir/event"
)

func TestCompile(t *testing.T) {
	for _, per := range []event.Time{0, anomaly.Hour, anomaly.Month, 10 * anomaly.Year} {
		d := compiled(t, anomaly.Options{FalseAlarmsPer: per})
		require.LessOrEqual(t, 8*d.Words(), 4096)
		require.Less(t, d.HotWords(), d.Words())
	}
	for _, per := range []event.Time{-1, 1, anomaly.Hour - 1, 10*anomaly.Year + 1} {
		_, err := anomaly.Compile(anomaly.Options{FalseAlarmsPer: per})
		require.ErrorContains(t, err, "must be from one hour to ten years")
	}
}

func TestParseSensitivity(t *testing.T) {
	for text, want := range map[string]event.Time{
		"one false alarm per hour":  3_600_000,
		"one false alarm per day":   86_400_000,
		"one false alarm per week":  7 * 86_400_000,
		"one false alarm per month": 30 * 86_400_000,
		"one false alarm per year":  365 * 86_400_000,
	} {
		got, err := anomaly.ParseSensitivity(text)
		require.NoError(t, err)
		require.Equal(t, want, got, text)
	}
	for _, text := range []string{"", "high", "one false alarm per ", "one false alarm per century", "30d"} {
		_, err := anomaly.ParseSensitivity(text)
		require.ErrorContains(t, err, "one false alarm per", text)
	}
}

func TestKindNames(t *testing.T) {
	var names []string
	for k := anomaly.None; k <= anomaly.Stuck; k++ {
		names = append(names, k.String())
	}
	require.Equal(t, []string{"none", "spike", "noise", "seasonal", "level_shift", "drift", "stuck"}, names)
}

// TestSamplesThatAreNone feeds what changes nothing: numbers that are none, and
// samples that are not newer.
func TestSamplesThatAreNone(t *testing.T) {
	d := compiled(t, anomaly.Options{})
	w := make([]uint64, d.Words())
	require.Zero(t, d.Step(w, 1000, math.NaN()))
	require.Equal(t, make([]uint64, d.Words()), w)
	for i := range 500 {
		d.Step(w, event.Time(1000*i), float64(i%7))
	}
	before := slices.Clone(w)
	for _, at := range []event.Time{0, 498_999, 499_000} {
		require.Zero(t, d.Step(w, at, 1e9))
	}
	require.Zero(t, d.Step(w, 500_000, math.NaN()))
	require.Equal(t, before, w)
}

// TestWarmUp feeds noise: nothing is judged before 12 blocks of 16 samples are over,
// and from then on a band is stated that holds the values.
func TestWarmUp(t *testing.T) {
	d := compiled(t, anomaly.Options{})
	w := make([]uint64, d.Words())
	r := rand.New(rand.NewPCG(4, 4))
	for i := range 1000 {
		x := 20 + r.NormFloat64()
		v := d.Step(w, event.Time(60_000*i), x)
		require.Equal(t, i > 12*16, v.Warm, i)
		if !v.Warm {
			require.Zero(t, v.Band)
			require.False(t, v.Alarm)
			continue
		}
		require.InDelta(t, 20, v.Expected, 2)
		require.Less(t, math.Abs(x-v.Expected), v.Band)
		require.Less(t, v.Score, 0.5)
	}
	v := d.Step(w, 60_000_000, 40)
	require.True(t, v.Alarm)
	require.Equal(t, anomaly.Spike, v.Kind)
	require.Greater(t, v.Score, 0.5)
	v = d.Step(w, 60_060_000, 20)
	require.False(t, v.Alarm, "an anomaly alarms once")
	require.Equal(t, anomaly.Spike, v.Kind, "and lasts until the series is calm")
}

// TestWordsAreTheState stops a series anywhere, copies its words, and lets both go on.
func TestWordsAreTheState(t *testing.T) {
	d := compiled(t, anomaly.Options{FalseAlarmsPer: anomaly.Day})
	names := []string{"normal", "daily", "office", "quantized", "walk"}
	rapid.Check(t, func(t *rapid.T) {
		w := worldOf(rapid.SampledFrom(names).Draw(t, "world"))
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		one := make([]uint64, d.Words())
		cut := rapid.IntRange(0, 1500).Draw(t, "cut")
		var other []uint64
		for i := range 1600 {
			if i == cut {
				other = slices.Clone(one)
			}
			x := w.next(r, i, 1.0/144)
			got := d.Step(one, event.Time(600_000*i), x)
			if i >= cut {
				require.Equal(t, got, d.Step(other, event.Time(600_000*i), x))
			}
		}
		require.Equal(t, one, other)
	})
}

// TestUnitsDoNotMatter looks at a series upside down and in another unit.
func TestUnitsDoNotMatter(t *testing.T) {
	d := compiled(t, anomaly.Options{FalseAlarmsPer: anomaly.Day})
	rapid.Check(t, func(t *rapid.T) {
		w := worldOf(rapid.SampledFrom([]string{"normal", "daily", "office", "quantized"}).Draw(t, "world"))
		unit := math.Ldexp(rapid.SampledFrom([]float64{-1, 1}).Draw(t, "sign"), rapid.IntRange(-60, 60).Draw(t, "unit"))
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		one, other := make([]uint64, d.Words()), make([]uint64, d.Words())
		for i := range 1500 {
			x := w.next(r, i, 1.0/144)
			if i%400 == 399 {
				x += 30
			}
			want := d.Step(one, event.Time(600_000*i), x)
			got := d.Step(other, event.Time(600_000*i), x*unit)
			require.Equal(t, want.Score, got.Score, "sample %d", i)
			require.Equal(t, want.Kind, got.Kind)
			require.Equal(t, want.Alarm, got.Alarm)
			require.Equal(t, want.Expected*unit, got.Expected)
			require.Equal(t, want.Band*math.Abs(unit), got.Band)
		}
	})
}

// TestExtremes feeds what no sensor says, at times no clock has.
func TestExtremes(t *testing.T) {
	d := compiled(t, anomaly.Options{})
	values := []float64{0, math.Copysign(0, -1), 1, -1, 5e-324, 1e-300, 1e300, -1e300, math.MaxFloat64, -math.MaxFloat64,
		math.Inf(1), math.Inf(-1), 1e9, 1e9 + 1e-7}
	rapid.Check(t, func(t *rapid.T) {
		w := make([]uint64, d.Words())
		draw := rapid.SampledFrom(values)
		gap := rapid.SampledFrom([]event.Time{1, 1, 1000, 60_000, anomaly.Week, anomaly.Year})
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		a, b, g := draw.Draw(t, "a"), draw.Draw(t, "b"), gap.Draw(t, "gap")
		at := event.Time(0)
		for i := range 3000 {
			at += g
			x := a
			switch r.IntN(4) {
			case 0:
				x = b
			case 1:
				x = a * r.Float64()
			}
			if i > 1000 && i < 1500 {
				x = a
			}
			v := d.Step(w, at, x)
			require.False(t, math.IsNaN(v.Score) || v.Score < 0 || v.Score > 1, "score %v of sample %d", v.Score, i)
			require.False(t, math.IsNaN(v.Expected) || math.IsNaN(v.Band), "expected %v of sample %d", v, i)
			require.False(t, math.IsInf(v.Expected, 0), "expected %v of sample %d", v, i)
		}
	})
}

// TestHole changes the level behind a hole: levels from before it do not judge.
func TestHole(t *testing.T) {
	d := compiled(t, anomaly.Options{})
	for hole, alarms := range map[event.Time]bool{60_000: true, 2 * anomaly.Hour: false} {
		w := make([]uint64, d.Words())
		r := rand.New(rand.NewPCG(6, 6))
		at, alarmed := event.Time(0), false
		for i := range 2000 {
			at += 60_000
			x := r.NormFloat64()
			if i >= 1500 {
				x += 10
			}
			if i == 1500 {
				at += hole
			}
			alarmed = d.Step(w, at, x).Alarm || alarmed
		}
		require.Equal(t, alarms, alarmed, "hole of %d ms", hole)
	}
}

// TestConstant feeds a value that never changes: nothing to judge by, no alarm.
func TestConstant(t *testing.T) {
	d := compiled(t, anomaly.Options{FalseAlarmsPer: anomaly.Hour})
	w := make([]uint64, d.Words())
	for i := range 20_000 {
		v := d.Step(w, event.Time(60_000*i), 21.5)
		require.Equal(t, anomaly.Verdict{Expected: 21.5}, v)
	}
}

// FuzzStep steps words that no Step has written: whatever a store hands back, the
// detector does not panic.
func FuzzStep(f *testing.F) {
	f.Add(uint64(1), int64(1000), 3.5)
	f.Add(uint64(7), int64(math.MaxInt64), -1e300)
	f.Fuzz(func(t *testing.T, seed uint64, at int64, v float64) {
		d := compiled(t, anomaly.Options{})
		r := rand.New(rand.NewPCG(seed, 5))
		w := make([]uint64, d.Words())
		for i := range w {
			w[i] = r.Uint64()
		}
		w[1] = 0
		for i := range 64 {
			d.Step(w, event.Time(max(0, at>>32)+int64(i)), v)
		}
	})
}

// TestStepAllocatesNothing covers closing blocks, thinning out rings and seasons.
func TestStepAllocatesNothing(t *testing.T) {
	d := compiled(t, anomaly.Options{})
	w := make([]uint64, d.Words())
	r := rand.New(rand.NewPCG(9, 9))
	daily := worldOf("daily")
	i := 0
	require.Zero(t, testing.AllocsPerRun(50_000, func() {
		d.Step(w, event.Time(60_000*i), daily.next(r, i, 1.0/1440))
		i++
	}))
}

// TestColdWords counts how often the words behind the hot ones change: they are
// worth keeping apart.
func TestColdWords(t *testing.T) {
	d := compiled(t, anomaly.Options{})
	w := make([]uint64, d.Words())
	r := rand.New(rand.NewPCG(9, 9))
	daily, changed := worldOf("daily"), 0
	const samples = 20_000
	for i := range samples {
		before := slices.Clone(w)
		d.Step(w, event.Time(300_000*i), daily.next(r, i, 1.0/288))
		for k := d.HotWords(); k < len(w); k++ {
			if w[k] != before[k] {
				changed++
			}
		}
	}
	t.Logf("%.2f cold words a sample", float64(changed)/samples)
	require.Less(t, float64(changed)/samples, 1.0)
}
