package window_test

import (
	"fmt"
	"hash/fnv"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/operators"
	"github.com/weirstream/weir/operators/window"
)

func drawSpecs(t *rapid.T) []window.Spec {
	specs := make([]window.Spec, rapid.IntRange(1, 5).Draw(t, "windows"))
	for i := range specs {
		every := event.Time(rapid.SampledFrom([]int{1, 2, 3, 4, 6, 10, 12}).Draw(t, "every"))
		specs[i] = window.Spec{
			Name:    fmt.Sprintf("w%d", i),
			Every:   every,
			Offset:  event.Time(rapid.IntRange(0, int(every)-1).Draw(t, "offset")),
			Size:    every * event.Time(rapid.SampledFrom([]int{1, 1, 2, 3, 5}).Draw(t, "panes")),
			Compute: rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"count", "sum", "min", "max", "mean", "last"}), 1, 6, rapid.ID[string]).Draw(t, "compute"),
		}
	}
	return specs
}

func drawTime(t *rapid.T) window.Time {
	return window.Time{
		WaitForLate:   event.Time(rapid.SampledFrom([]int{0, 1, 5, 13}).Draw(t, "wait")),
		MaxFutureSkew: event.Time(rapid.SampledFrom([]int{0, 1, 20}).Draw(t, "skew")),
		Backfill:      event.Time(rapid.SampledFrom([]int{0, 0, 1, 30}).Draw(t, "backfill")),
	}
}

// digestOf is 0 for a good part of all lines, which is the case that is not
// written down.
func digestOf(line string) uint8 {
	h := fnv.New32a()
	h.Write([]byte(line))
	if sum := h.Sum32(); sum%3 != 0 {
		return uint8(sum >> 8)
	}
	return 0
}

// Rings say what the naive model says: readings in any order, silences at any
// moment, long gaps, windows that share panes and windows that do not.
func TestRingsEqualModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		specs, times := drawSpecs(t), drawTime(t)
		d, err := newDevice(specs, times)
		require.NoError(t, err)
		m := newModel(specs, times)
		d.digest, m.digest = digestOf, digestOf
		now := event.Time(rapid.SampledFrom([]int{0, 3, 1000}).Draw(t, "begin"))
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			d.said, m.said = nil, nil
			switch rapid.SampledFrom([]string{"reading", "reading", "reading", "reading", "reading", "silent", "gap", "forget"}).Draw(t, "move") {
			case "gap":
				now += event.Time(rapid.SampledFrom([]int{15, 60, 31_536_000_000}).Draw(t, "gap"))
			case "silent":
				d.silent()
				m.silent()
			case "forget":
				if rapid.IntRange(0, 3).Draw(t, "really") == 0 {
					d.forget()
					m.forget()
				}
			case "reading":
				now += event.Time(rapid.IntRange(0, 4).Draw(t, "pass"))
				a := operators.Arrival{Append: now, Event: max(0, now+event.Time(rapid.IntRange(-25, 3).Draw(t, "ahead")))}
				v := float64(rapid.IntRange(-9, 9).Draw(t, "value"))
				d.reading(a, v)
				m.reading(a, v)
				requireSamePresent(t, d, m, a.Event)
			}
			requireSame(t, d, m)
		}
	})
}

// requireSame compares what was said, ring by ring: each speaks in order.
func requireSame(t *rapid.T, d *device, m *model) {
	require.Equal(t, m.clock, d.clock)
	due := event.Never
	for k, r := range d.rings {
		require.NoError(t, r.Check(d.rows[k].words, d.clock))
		require.Equal(t, d.of(k, m.said), d.of(k, d.said))
		due = min(due, r.NextDue(d.rows[k].words, d.clock))
		require.Equal(t, r.NextDue(d.rows[k].words, d.clock), d.due[k], "Due of each reading, kept by the caller")
	}
	require.Equal(t, m.nextDue(), due)
}

// ringAt is one of a device's rings and the time of a reading.
type ringAt struct {
	ring int
	at   event.Time
}

// requireSameLeast compares, for each window of a ring, which one ends first of
// those that are open and contain the reading.
func requireSameLeast(t *rapid.T, d *device, m *model, r ringAt) {
	present := m.present(r.at)
	for i, spec := range d.member[r.ring] {
		want, got := "none", "none"
		if k := slices.IndexFunc(present, func(w instance) bool { return w.spec == spec }); k >= 0 {
			want = m.describe(present[k], m.open[present[k]], false)
		}
		if least, ok := d.rings[r.ring].Least(d.rows[r.ring].words, i, r.at, d.clock); ok {
			got = d.line(spec, &least)
		}
		require.Equal(t, want, got)
	}
}

// requireSamePresent compares what can be asked after a reading of time at.
func requireSamePresent(t *rapid.T, d *device, m *model, at event.Time) {
	if len(m.said) > 0 && (m.said[0] == "late" || m.said[0] == "future") {
		require.Equal(t, m.said, d.said)
		return
	}
	for k, r := range d.rings {
		var want, got []string
		opened := 0
		for _, w := range m.present(at) {
			i := slices.Index(d.member[k], w.spec)
			if i < 0 {
				continue
			}
			c := m.open[w]
			if len(c.readings) == 1 {
				opened++
			}
			now := *c
			now.revision, now.digest = len(c.readings), 0
			want = append(want, m.describe(w, &now, false))
			if all := m.ends(m.specs[w.spec], at); w.end == all[len(all)-1] {
				running, ok := r.Running(d.rows[k].words, i, at)
				require.True(t, ok)
				require.Equal(t, m.describe(w, c, false), d.line(w.spec, &running))
			}
		}
		r.Change(d.rows[k], at, d.clock, func(res *window.Result) uint8 {
			got = append(got, d.line(d.member[k][res.Window], res))
			return 0
		})
		require.Equal(t, want, got)
		requireSameLeast(t, d, m, ringAt{k, at})
		require.Equal(t, opened, r.Opened(d.rows[k].words, at, d.clock))
	}
}

// Within wait_for_late the order of arrival changes no final value.
func TestOrderWithinBoundDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const wait = 20
		specs := drawSpecs(t)
		for i := range specs {
			specs[i].Compute = []string{"count", "min", "max", "mean"}
		}
		type reading struct{ at, by event.Time }
		readings := make([]reading, rapid.IntRange(1, 60).Draw(t, "readings"))
		var now event.Time
		for i := range readings {
			now += event.Time(rapid.IntRange(0, 5).Draw(t, "pass"))
			readings[i] = reading{now, now + event.Time(rapid.IntRange(0, wait).Draw(t, "delay"))}
		}
		finals := func() []string {
			d, err := newDevice(specs, window.Time{WaitForLate: wait})
			require.NoError(t, err)
			for _, r := range readings {
				d.reading(operators.Arrival{Event: r.at, Append: now + wait}, float64(r.at*7%13))
			}
			d.forget()
			slices.Sort(d.said)
			return d.said
		}
		inOrder := finals()
		slices.SortStableFunc(readings, func(a, b reading) int { return int(a.by - b.by) })
		require.Equal(t, inOrder, finals())
		require.NotContains(t, inOrder, "late")
	})
}
