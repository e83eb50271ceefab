package window_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/operators"
	"github.com/weirstream/weir/operators/window"
)

// drawSessionTime keeps closed sessions often and long enough for late readings to
// find several of them.
func drawSessionTime(t *rapid.T) window.Time {
	return window.Time{
		WaitForLate:   event.Time(rapid.SampledFrom([]int{0, 1, 5, 13}).Draw(t, "wait")),
		MaxFutureSkew: event.Time(rapid.SampledFrom([]int{0, 1, 20}).Draw(t, "skew")),
		Backfill:      event.Time(rapid.SampledFrom([]int{0, 1, 30, 100}).Draw(t, "backfill")),
	}
}

func drawSession(t *rapid.T) window.SessionSpec {
	return window.SessionSpec{
		Name:    "s",
		Gap:     event.Time(rapid.SampledFrom([]int{1, 3, 10, 25, 40}).Draw(t, "gap")),
		Compute: rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"count", "sum", "min", "max", "mean", "last"}), 1, 6, rapid.ID[string]).Draw(t, "compute"),
		Change:  rapid.Bool().Draw(t, "change"),
	}
}

// Sessions say what the naive model says: readings in any order that extend,
// precede and bridge sessions, silences at any moment, long gaps, late ones that
// revise what had closed and open it again.
func TestSessionsEqualModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		spec, times := drawSession(t), drawSessionTime(t)
		d, err := newSessionDevice(spec, times)
		require.NoError(t, err)
		m := newSessionModel(spec, times)
		d.digest, m.digest = digestOf, digestOf
		now := event.Time(rapid.SampledFrom([]int{0, 3, 1000}).Draw(t, "begin"))
		for range rapid.IntRange(1, 100).Draw(t, "steps") {
			d.said, m.said = nil, nil
			switch rapid.SampledFrom([]string{"reading", "reading", "reading", "reading", "reading", "reading", "silent", "gap", "forget"}).Draw(t, "move") {
			case "gap":
				now += event.Time(rapid.SampledFrom([]int{5, 15, 60, 31_536_000_000}).Draw(t, "gap"))
			case "silent":
				d.silent()
				m.silent()
			case "forget":
				if rapid.IntRange(0, 5).Draw(t, "really") == 0 {
					d.forget()
					m.forget()
				}
			case "reading":
				now += event.Time(rapid.SampledFrom([]int{0, 0, 1, 4, 12, 50}).Draw(t, "pass"))
				a := operators.Arrival{Append: now, Event: max(0, now+event.Time(rapid.IntRange(-100, 3).Draw(t, "ahead")))}
				v := float64(rapid.IntRange(-9, 9).Draw(t, "value"))
				f, ok := d.reading(a, v)
				m.reading(a, v)
				if ok {
					requireSameChange(t, d, m, sessionTaken{at: a.Event, cell: f.Cell})
				}
			}
			requireSameSessions(t, d, m)
		}
	})
}

func requireSameSessions(t *rapid.T, d *sessionDevice, m *sessionModel) {
	require.Equal(t, m.said, d.said)
	require.Equal(t, m.clock, d.clock)
	require.NoError(t, d.Check(d.row.words, d.clock))
	open := m.openCuts()
	require.Equal(t, len(open), d.open)
	due := event.Never
	if len(open) > 0 {
		due = open[0].end + m.time.WaitForLate
	}
	require.Equal(t, due, d.NextDue(d.row.words, d.clock))
	require.LessOrEqual(t, d.due, due, "what the caller keeps of Due is never too late")
	running, ok := d.Running(d.row.words, d.clock)
	require.Equal(t, len(open) > 0, ok)
	if ok {
		want := m.result(open[len(open)-1])
		require.Equal(t, sessionLine(m.spec, &want), sessionLine(d.spec, &running))
	}
}

type sessionTaken struct {
	at   event.Time
	cell int
}

// requireSameChange compares what a window says at every reading.
func requireSameChange(t *rapid.T, d *sessionDevice, m *sessionModel, taken sessionTaken) {
	var want, got []string
	for _, c := range m.openCuts() {
		if c.start <= taken.at && taken.at < c.end {
			r := m.result(c)
			r.Revision = len(c.readings) + r.Reopened
			want = append(want, sessionLine(m.spec, &r))
		}
	}
	d.Change(d.row, taken.cell, d.clock, func(r *window.Result) uint8 {
		got = append(got, sessionLine(d.spec, r))
		return 0
	})
	require.Equal(t, want, got)
	if open, ok := d.Open(d.row.words, taken.cell, d.clock); ok {
		open.Revision = int(open.Count) + open.Reopened
		got = []string{sessionLine(d.spec, &open)}
	} else {
		got = nil
	}
	require.Equal(t, want, got)
}

// Whatever order readings come in, as long as none is late: the sessions are those
// of the sorted readings, and none is left of what they were on the way.
func TestOrderOfSessionsDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		spec := drawSession(t)
		spec.Compute = []string{"count", "min", "max", "mean"}
		const span = 200
		at := rapid.SliceOfN(rapid.IntRange(0, span), 1, 60).Draw(t, "times")
		finals := func() []string {
			d, err := newSessionDevice(spec, window.Time{WaitForLate: 2 * span})
			require.NoError(t, err)
			for _, at := range at {
				d.reading(operators.Arrival{Event: event.Time(at), Append: span}, float64(at*7%13))
			}
			d.said = nil
			d.forget()
			return d.said
		}
		drawn := finals()
		slices.Sort(at)
		require.Equal(t, finals(), drawn)
	})
}

// What consumers of a window with on: change see of one session are growing
// revisions, through closing, opening again and being swallowed.
func TestChangingSessionsNeverRepeatARevision(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		spec := drawSession(t)
		spec.Change = true
		s, err := window.NewSession(spec, window.Time{WaitForLate: 3, MaxFutureSkew: 5, Backfill: 60})
		require.NoError(t, err)
		row := newMovingRow(s.Cells(), s.Words())
		seen := map[event.Time]int{}
		ended := map[event.Time]bool{}
		say := func(start event.Time, revision int) {
			require.Greater(t, revision, seen[start])
			require.False(t, ended[start], "nothing follows what was merged")
			seen[start] = revision
		}
		emit := func(r *window.Result) uint8 {
			switch {
			case r.Merged:
				say(r.Start, r.Revision)
				ended[r.Start] = true
			case r.Final:
				say(r.Start, int(r.Count)+r.Reopened+1)
			}
			return 0
		}
		var clock event.Time
		now := event.Time(100)
		for range rapid.IntRange(1, 80).Draw(t, "readings") {
			now += event.Time(rapid.IntRange(0, 9).Draw(t, "pass"))
			a := operators.Arrival{Append: now, Event: now + event.Time(rapid.IntRange(-70, 5).Draw(t, "ahead"))}
			if s.Late(row.words, a.Event, clock) {
				continue
			}
			from := clock
			clock = operators.Advance(clock, a)
			s.Close(row, window.Span{From: from, To: clock}, emit)
			f := s.Fold(row, a.Event, 1, clock, emit)
			s.Revise(row, f.Cell, clock, emit)
			s.Change(row, f.Cell, clock, func(r *window.Result) uint8 { say(r.Start, r.Revision); return 0 })
		}
	})
}
