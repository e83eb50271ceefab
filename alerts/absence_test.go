package alerts_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weirstream/weir/alerts"
	"github.com/weirstream/weir/event"
)

func TestAbsence(t *testing.T) {
	rule, err := alerts.CompileAbsence("silent", 900_000)
	require.NoError(t, err)
	w := make([]uint64, rule.Words())
	_, open := rule.End(w, alerts.Sample{Time: 1})
	require.False(t, open)
	changed, ev := rule.Step(w, alerts.Sample{Time: 1_000_000, Value: 900})
	require.True(t, changed)
	require.Equal(t, []alerts.Event{{State: alerts.EventFiring, Previous: -1, Value: 900, Threshold: 900, Time: 1_000_000, EpisodeStart: 1_000_000, Number: 1}}, ev.All())
	require.Equal(t, alerts.View{State: alerts.Firing, EpisodeStart: 1_000_000, Last: 1_000_000, Value: 900, Number: 1}, rule.View(w))
	e, ok := rule.Again(w, 1_500_000)
	require.True(t, ok)
	require.Equal(t, alerts.Event{State: alerts.EventFiring, Value: 900, Threshold: 900, Time: 1_500_000, EpisodeStart: 1_000_000, Number: 2, Again: true}, e)
	e, open = rule.End(w, alerts.Sample{Time: 2_000_000, Value: 1900})
	require.True(t, open)
	require.Equal(t, alerts.Event{State: alerts.EventResolved, Value: 1900, Threshold: 900, Time: 2_000_000, EpisodeStart: 1_000_000, Number: 3}, e)
	require.Equal(t, make([]uint64, rule.Words()), w)
	_, err = alerts.CompileAbsence("silent", 0)
	require.EqualError(t, err, `rule "silent": no_data.after=0ms must be at least 1ms`)
	require.Zero(t, testing.AllocsPerRun(10, func() {
		rule.Step(w, alerts.Sample{Time: 1_000_000, Value: 900})
		rule.Again(w, 1_500_000)
		rule.End(w, alerts.Sample{Time: 2_000_000, Value: 1900})
	}))
}

// Saying it again changes the number of the event and nothing else, and marks change
// nothing at all, whatever state the machine is in: what it says later is the same, but
// for the numbers and the marks, which are those of the episode.
func TestAgainChangesTheNumberAndMarksNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rule, err := alerts.Compile(spec(t))
		require.NoError(t, err)
		w, plain := make([]uint64, rule.Words()), make([]uint64, rule.Words())
		extra, marks := 0, uint8(0)
		for _, s := range samples(t) {
			if rapid.IntRange(0, 2).Draw(t, "again") == 0 {
				before := rule.View(w)
				due := s.Time - event.Time(rapid.IntRange(0, 10).Draw(t, "before"))
				e, ok := rule.Again(w, due)
				require.Equal(t, before.State != alerts.OK, ok)
				if ok {
					extra++
					require.Equal(t, before.Number+1, e.Number)
					require.Equal(t, before.Value, e.Value)
					require.Equal(t, max(due, before.Last), e.Time)
					require.Equal(t, before.Level, e.Level)
					require.True(t, e.Again)
					previous := before.Level
					if before.State == alerts.Pending {
						previous = -1
					}
					require.Equal(t, previous, e.Previous)
					require.Equal(t, marks, e.Marks)
					require.Equal(t, before.EpisodeStart, e.EpisodeStart)
					require.Equal(t, before.State.String(), e.State.String())
				}
				require.NoError(t, rule.Check(w))
			}
			if alerts.StateOf(w) != alerts.OK && rapid.IntRange(0, 2).Draw(t, "mark") == 0 {
				marks = rapid.Uint8().Draw(t, "marks")
				alerts.SetMarks(w, marks)
			}
			require.Equal(t, marks, alerts.Marks(w))
			_, ev := rule.Step(w, s)
			_, want := rule.Step(plain, s)
			require.Equal(t, want.N, ev.N)
			for i, e := range want.All() {
				e.Number += extra
				e.Marks = marks
				require.Equal(t, e, ev.List[i])
				if e.State == alerts.EventResolved || e.State == alerts.EventOK {
					extra, marks = 0, 0
				}
			}
		}
	})
}

// A ring of as many times as there have to be changes does what a list of all of
// them does.
func TestFlappingEqualsAList(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := alerts.Flapping{Changes: rapid.IntRange(1, 6).Draw(t, "changes"), Within: event.Time(rapid.IntRange(1, 20).Draw(t, "within"))}
		w := make([]uint64, f.Words())
		var all []event.Time
		flapping, now := false, event.Time(0)
		for range rapid.IntRange(0, 60).Draw(t, "events") {
			now = max(now+event.Time(rapid.SampledFrom([]int{0, 1, 2, 5, 30, -3}).Draw(t, "passed")), 0)
			near := 0
			for _, at := range all[max(len(all)-f.Changes, 0):] {
				if at >= now-f.Within {
					near++
				}
			}
			if flapping {
				flapping = 2*near >= f.Changes
			} else {
				flapping = near == f.Changes
			}
			all = append(all, now)
			require.Equal(t, flapping, f.Step(w, now))
			require.Equal(t, flapping, f.Is(w))
		}
	})
}
