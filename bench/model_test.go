package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// The times are behind a multiple of 60 s, so that windows begin at round numbers.
const zero = int64(1_772_366_400_000)

func at(seconds float64, value float64) reading {
	return reading{device: 3, ts: zero + int64(seconds*1000), milli: int32(value * 1000)}
}

func TestModelByHand(t *testing.T) {
	readings := []reading{
		at(1, 20), at(9.999, 40), at(10, 85), at(8, 30), // the last is out of order and belongs to the first window
		at(12, 75), // hysteresis: still firing
		at(12, 69.999), at(12.5, 80), at(12.6, 80.001), at(12.55, 60) /* older: does not move the rule */, at(600, 20),
	}
	w := func(k kind, seconds int64, mean float64) tuple {
		return tuple{key: key{device: 3, kind: k, at: zero + seconds*1000}, mean: mean}
	}
	first, second := w(tenKind, 0, 30), w(tenKind, 10, (85+75+69.999+80+80.001+60)/6)
	first.count, first.min, first.max = 3, 20, 40
	second.count, second.min, second.max = 6, 60, 85
	all := (20 + 40 + 30 + 85 + 75 + 69.999 + 80 + 80.001 + 60) / 9
	want := []tuple{first, second, w(hopKind, -50, 30)}
	for start := int64(-40); start <= 0; start += 10 {
		want = append(want, w(hopKind, start, all))
	}
	want = append(want, w(hopKind, 10, second.mean),
		w(firingKind, 10, 85), tuple{key: key{3, resolvedKind, zero + 12_000}, mean: 69.999},
		tuple{key: key{3, firingKind, zero + 12_600}, mean: 80.001}, w(resolvedKind, 600, 20))
	got := expect(readings, zero+80_000)
	require.Len(t, got, len(want))
	for i := range want {
		require.Equal(t, want[i].key, got[i].key)
		require.InDelta(t, want[i].mean, got[i].mean, 1e-9)
		want[i].mean, got[i].mean = 0, 0
		require.Equal(t, want[i], got[i])
	}
}

func TestComparisonFindsWhatIsWrong(t *testing.T) {
	in := newInput(inputOptions{Devices: 50, IntervalMs: 1000})
	o := sheetOptions{Readings: 2_000, Closing: true}
	right := newSheet(in, o).want
	cases := []struct {
		name   string
		change func([]tuple) []tuple
		want   verdict
	}{
		{"nothing", func(all []tuple) []tuple { return all }, verdict{}},
		{"a drop", func(all []tuple) []tuple { return all[1:] }, verdict{Missing: 1}},
		{"a repeat", func(all []tuple) []tuple { return append(all, all[7]) }, verdict{Repeated: 1}},
		{"a count", func(all []tuple) []tuple { all[0].count++; return all }, verdict{WrongValue: 1}},
		{"a mean", func(all []tuple) []tuple { all[9].mean *= 1 + 1e-8; return all }, verdict{WrongValue: 1}},
		{"a mean within rounding", func(all []tuple) []tuple { all[9].mean *= 1 + 1e-12; return all }, verdict{}},
		{"a time", func(all []tuple) []tuple { all[0].at++; return all }, verdict{Missing: 1, Unexpected: 1}},
		{"a window of the closing readings", func(all []tuple) []tuple {
			return append(all, tuple{key: key{0, tenKind, in.closing(0, o.Readings).ts / 10_000 * 10_000}})
		}, verdict{}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := newSheet(in, o)
			for _, tuple := range c.change(append([]tuple(nil), right...)) {
				s.take(tuple)
			}
			got := *s.judge()
			require.Equal(t, c.want.Missing+c.want.Repeated+c.want.Unexpected+c.want.WrongValue == 0, got.right(), "%v", &got)
			c.want.Compared, c.want.OneIn, got.Examples = int64(len(right)), 1, nil
			require.Equal(t, c.want, got)
		})
	}
}

func TestSheetOfNothingIsNotRight(t *testing.T) { require.False(t, new(verdict).right()) }
