package oracle

import (
	"math"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/event"
)

// arrived are readings in the order of arrival: seconds and values in turn.
func arrived(pairs ...float64) (samples []sample) {
	for i := 0; i < len(pairs); i += 2 {
		samples = append(samples, sample{time: event.Time(pairs[i] * 1000), value: pairs[i+1], order: int64(i)})
	}
	return samples
}

func TestResults(t *testing.T) {
	c := &configs.Window{Size: 40_000}
	// 2 at 10 s, 4 at 20 s and, arrived last, 8 at 0 s and 6 at 20 s
	four := arrived(10, 2, 20, 4, 0, 8, 20, 6)
	one := arrived(5, -3)
	for name, expected := range map[string][2]float64{
		"count": {4, 1}, "sum": {20, -3}, "mean": {5, -3}, "min": {2, -3}, "max": {8, -3}, "range": {6, 0},
		"first": {8, -3}, "last": {6, -3}, "delta": {-2, 0}, "rate": {-0.1, 0},
		"variance": {20.0 / 3, 0}, "stddev": {math.Sqrt(20.0 / 3), 0},
		"median": {4, -3}, "p5": {4, -3}, "p05": {2, -3}, "p67": {6, -3}, "p99": {6, -3}, "p999": {6, -3},
		"mode": {2, -3}, "distinct": {4, 1},
		// ages 20, 10, 0 and 0 s, a half life of 10 s
		"ewma": {(0.25*8 + 0.5*2 + 4 + 6) / 2.75, -3},
		// mean time 12.5: (-12.5, 3), (-2.5, -3), (7.5, -1), (7.5, 1)
		"slope": {-30.0 / 275, 0},
		// 8 to 2 in 10 s, 2 to 4 in 10 s, and 4 to 6 at once
		"integral": {50 + 30, 0}, "time_weighted_mean": {4, -3},
	} {
		m := compute(c, name, four)
		assert.InDelta(t, expected[0], m.value, 1e-12, name)
		assert.True(t, m.takes(expected[0]) && !m.takes(expected[0]+0.1), name)
		assert.InDelta(t, expected[1], compute(c, name, one).value, 1e-12, name)
	}
	assert.Equal(t, -3.0, compute(&configs.Window{Gap: 1}, "ewma", one).value)
	assert.Panics(t, func() { compute(c, "pressure", one) })
	assert.Panics(t, func() { compute(c, "best", one) })
}

// Nothing on the way to a result is beyond float64, so that a rule sees the right side of its threshold.
func TestResultsOfTheGreatestNumbers(t *testing.T) {
	c := &configs.Window{Size: 40_000}
	great := arrived(0, 1e308, 10, -1e308, 20, 1e308, 30, 1.5e308)
	for name, expected := range map[string]float64{
		"delta": 0.5e308, "range": math.MaxFloat64, "rate": 0.5e308 / 30, "stddev": math.Sqrt(3.6875/3) * 1e308, "variance": math.MaxFloat64,
		"ewma": (1e308/8 - 1e308/4 + 1e308/2 + 1.5e308) / 1.875, "slope": 3.5e306, "integral": math.MaxFloat64, "time_weighted_mean": 12.5 / 30 * 1e308,
	} {
		assert.InEpsilon(t, expected, compute(c, name, great).value, 1e-12, name)
	}
	assert.Equal(t, math.MaxFloat64, compute(c, "variance", arrived(0, 95, 1, 91, 2, 1e308)).value)
	assert.Equal(t, -1e-300, compute(c, "delta", arrived(0, 1e-300, 1, 1e308, 2, 0)).value)
	assert.InEpsilon(t, 2e307, compute(c, "rate", arrived(0, -1e308, 10, 1e308)).value, 1e-12)
	assert.Zero(t, compute(c, "slope", arrived(0, 1e308, 1, -1e308, 2, 1e308)).value)
}

// The spread of readings that are far from 0 and near to each other is worked out
// to the last digits.
func TestVarianceFarFromZero(t *testing.T) {
	m := variance(arrived(0, 1e9+4, 1, 1e9+7, 2, 1e9+13, 3, 1e9+16))
	assert.InDelta(t, 30, m.value, 1e-9)
	assert.False(t, m.takes(m.value+2e3+1))
	m = deviation(arrived(0, 5, 1, 5))
	assert.Zero(t, m.value)
	assert.True(t, m.takes(1e-7) && !m.takes(1e-6)) // 1e-15 of 25, and the root of that
}

func TestQuantiles(t *testing.T) {
	var samples []sample
	for i := range 101 {
		samples = append(samples, sample{time: event.Time(i), value: float64(100 - i), order: int64(i)})
	}
	m := quantile("95", samples)
	assert.Equal(t, 95.0, m.value)
	assert.True(t, m.takes(95.9) && m.takes(94.1) && !m.takes(96.1) && !m.takes(93.9))
	m = quantile("29", samples) // 0.29 * 100 is less than 29 in float64: both will do
	assert.True(t, m.takes(28.8) && m.takes(29.2) && m.takes(27.8) && !m.takes(27.5) && !m.takes(29.4))
	assert.Zero(t, quantile("0", arrived(0, 0, 1, 5)).value)
	assert.InDelta(t, 5, quantile("5", arrived(0, 5)).guess(), 0.05)
	assert.InDelta(t, -5, quantile("5", arrived(0, -5)).guess(), 0.05)
}

// Each bucket that values fall into counts, the ones below 0 and the one around it
// as well; pairs of them are joined when there are more than 126.
func TestSketchErrors(t *testing.T) {
	const g = 1.01 / 0.99
	values := func(positive, negative, zeros int) (all []float64) {
		for i := range positive {
			all = append(all, math.Pow(g, float64(i)-0.5), math.Pow(g, float64(i)-0.4))
		}
		for i := range negative {
			all = append(all, -math.Pow(g, float64(i)-0.5))
		}
		for range zeros {
			all = append(all, 1e-101)
		}
		slices.Sort(all)
		return all
	}
	once, twice := joined(0.01), joined(joined(0.01))
	assert.InDelta(t, 0.019998, once, 1e-6)
	for _, c := range []struct {
		positive, negative, zeros int
		expected                  sketchErrors
	}{
		{100, 0, 3, sketchErrors{0.01, 0.01}},
		{60, 59, 0, sketchErrors{0.01, 0.01}},
		{60, 59, 1, sketchErrors{0.01, once}},
		{63, 62, 1, sketchErrors{0.01, once}},
		{66, 65, 1, sketchErrors{once, once}},
		{80, 80, 0, sketchErrors{once, once}},
		{150, 150, 1, sketchErrors{twice, twice}},
	} {
		assert.Equal(t, c.expected, sketchError(values(c.positive, c.negative, c.zeros)), "%v", c)
	}
}

func TestManyValues(t *testing.T) {
	several := func(n int) (samples []sample) {
		for i := range 2 * n {
			samples = append(samples, sample{time: event.Time(i), value: float64(i % n), order: int64(i)})
		}
		return append(samples, sample{time: event.Time(2 * n), value: 1, order: int64(2 * n)})
	}
	m := mode(several(32))
	assert.Equal(t, measure{value: 1}, m)
	assert.True(t, mode(several(33)).takes(7))
	assert.Equal(t, measure{value: 120}, distinct(several(120)))
	m = distinct(several(200))
	assert.True(t, m.takes(229) && m.takes(171) && !m.takes(231) && !m.takes(169))
}

// A reading may be put in its place behind 14 later ones, not behind 15.
func TestDisorder(t *testing.T) {
	later := func(n int) (samples []sample) {
		for i := range n {
			samples = append(samples, sample{time: event.Time(1000 - i%2), value: 1, order: int64(i)})
		}
		return append(samples, sample{time: 500, value: 1, order: int64(n)})
	}
	assert.False(t, disordered(later(14)))
	assert.True(t, disordered(later(15)))
	assert.False(t, disordered(append(later(14), sample{time: 999, value: 1, order: 99}, sample{time: 1000, value: 1, order: 100})))
	assert.True(t, disordered(append(later(14), sample{time: 500, value: 1, order: 99}, sample{time: 400, value: 1, order: 100})))
	assert.True(t, integral(later(15)).takes(1e9))
	assert.False(t, integral(later(14)).takes(1e9))
}

// Results whose way leads beyond float64 may be said, or not.
func TestHugeResults(t *testing.T) {
	huge := arrived(0, -math.MaxFloat64, 1, math.MaxFloat64)
	for _, name := range []string{"range", "delta", "rate", "variance", "stddev"} {
		assert.True(t, compute(&configs.Window{Size: 1000}, name, huge).huge, name)
	}
}

// Days of a zone begin where its clocks say so.
func TestDays(t *testing.T) {
	for _, c := range []struct {
		zone, at   string
		offset     time.Duration
		start, end string
	}{
		{"Europe/Berlin", "2026-03-28T22:59:59Z", 0, "2026-03-27T23:00:00Z", "2026-03-28T23:00:00Z"},
		{"Europe/Berlin", "2026-03-28T23:00:00Z", 0, "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"}, // 23 hours
		{"Europe/Berlin", "2026-10-25T12:00:00Z", 0, "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"}, // 25 hours
		// 02:30 is skipped, and the first instant behind the gap is 03:00 CEST
		{"Europe/Berlin", "2026-03-29T01:00:00Z", 150 * time.Minute, "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"},
		{"Europe/Berlin", "2026-03-29T00:59:59Z", 150 * time.Minute, "2026-03-28T01:30:00Z", "2026-03-29T01:00:00Z"},
		// 02:30 comes twice, and the first one counts
		{"Europe/Berlin", "2026-10-25T00:30:00Z", 150 * time.Minute, "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"},
		{"Europe/Berlin", "2026-10-25T00:29:59Z", 150 * time.Minute, "2026-10-24T00:30:00Z", "2026-10-25T00:30:00Z"},
		// midnight is skipped
		{"America/Sao_Paulo", "2018-11-04T12:00:00Z", 0, "2018-11-04T03:00:00Z", "2018-11-05T02:00:00Z"},
		// midnight comes twice
		{"America/Havana", "2026-11-01T12:00:00Z", 0, "2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z"},
		// a day that never was
		{"Pacific/Apia", "2011-12-30T09:59:59Z", 0, "2011-12-29T10:00:00Z", "2011-12-30T10:00:00Z"},
		{"Pacific/Apia", "2011-12-30T10:00:00Z", 0, "2011-12-30T10:00:00Z", "2011-12-31T10:00:00Z"},
		{"UTC", "1970-01-01T00:00:00Z", time.Hour, "1969-12-31T01:00:00Z", "1970-01-01T01:00:00Z"},
		{"Asia/Kathmandu", "2026-03-01T18:15:00Z", 0, "2026-03-01T18:15:00Z", "2026-03-02T18:15:00Z"},
	} {
		place, err := time.LoadLocation(c.zone)
		require.NoError(t, err)
		ms := func(s string) event.Time {
			at, err := time.Parse(time.RFC3339, s)
			require.NoError(t, err)
			return event.Time(at.UnixMilli())
		}
		w := &configs.Window{Location: place, Offset: event.Time(c.offset.Milliseconds())}
		got := dayOf(w, ms(c.at))
		assert.Equal(t, [2]string{written(ms(c.start)), written(ms(c.end))}, [2]string{written(got.start), written(got.end)}, "%s %s", c.zone, c.at)
	}
}

// Windows of time begin at their offset, before 1970 too.
func TestSpans(t *testing.T) {
	model := &task{p: &configs.Pipeline{Windows: []configs.Window{{Size: 20, Every: 10, Offset: 3}}}, days: make([]span, 1)}
	assert.Equal(t, []span{{0, -7, 13}, {0, 3, 23}}, model.spans(0, 12))
	assert.Equal(t, []span{{0, -17, 3}, {0, -7, 13}}, model.spans(0, 2))
	assert.Equal(t, []span{{0, 3, 23}, {0, 13, 33}}, model.spans(0, 13))
	assert.Equal(t, event.Time(-10), floor(-1, 10))
	assert.Equal(t, event.Time(-10), floor(-10, 10))
	assert.Equal(t, event.Time(0), floor(9, 10))
}

func TestRepeatsByTime(t *testing.T) {
	var m moments
	assert.False(t, m.repeated(1000, 100))
	assert.True(t, m.repeated(1000, 100))
	assert.False(t, m.repeated(899, 100))
	assert.False(t, m.repeated(899, 100), "too old to be remembered")
	assert.False(t, m.repeated(900, 100))
	assert.True(t, m.repeated(900, 100))
	for i := range event.Time(61) {
		assert.False(t, m.repeated(2000+i, 10_000))
	}
	require.Len(t, m, 63)
	assert.True(t, m.repeated(900, 10_000), "63 are remembered")
	assert.False(t, m.repeated(899, 10_000))
	assert.False(t, m.repeated(899, 10_000), "it is less than all of 63")
	assert.False(t, m.repeated(950, 10_000))
	assert.True(t, m.repeated(950, 10_000))
	assert.False(t, m.repeated(900, 10_000), "the least made room")
}

// The mean over time is a number where the area is beyond float64.
func TestTimeWeightedMeanOfHugeValues(t *testing.T) {
	huge := arrived(0, 0, 4, 1e308, 8, 0)
	assert.True(t, integral(huge).huge)
	m := timeWeighted(huge)
	assert.True(t, m.takes(5e307) && !m.takes(math.MaxFloat64/8))
}

// Of readings of several devices at one time any may be the first or the last; of
// one device it is the order of arrival that tells.
func TestEndsOfSeveralDevices(t *testing.T) {
	c := &configs.Window{Size: 40_000, By: configs.GroupAll}
	all := []sample{
		{time: 1000, value: 5, order: 3, of: "a"}, {time: 1000, value: 6, order: 4, of: "a"}, {time: 1000, value: 7, order: 1, of: "b"},
		{time: 3000, value: 20, order: 8, of: "b"}, {time: 3000, value: 30, order: 9, of: "b"}, {time: 3000, value: 50, order: 2, of: "a"}, {time: 2000, value: 90, order: 5, of: "c"},
	}
	for name, right := range map[string][]float64{"first": {5, 7}, "last": {30, 50}, "delta": {25, 45, 23, 43}, "rate": {12.5, 22.5, 11.5, 21.5}} {
		m := compute(c, name, all)
		for _, v := range []float64{5, 6, 7, 20, 30, 50, 25, 45, 23, 43, 44, 12.5, 22.5, 11.5, 21.5, 90} {
			assert.Equal(t, slices.Contains(right, v), m.takes(v), "%s %v", name, v)
		}
	}
	assert.Equal(t, measure{}, compute(c, "rate", all[:2]))
	many := make([]sample, 0, 400)
	for i := range 200 {
		many = append(many, sample{time: 0, value: float64(i), of: strconv.Itoa(i)}, sample{time: 1000, value: float64(1000 + i), of: strconv.Itoa(i)})
	}
	m := compute(c, "delta", many)
	assert.True(t, m.takes(801) && m.takes(1199) && !m.takes(800) && !m.takes(1200))
}
