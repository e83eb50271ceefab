package engine

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/event"
)

func TestLagTime(t *testing.T) {
	const now = event.Time(1_000_000)
	for _, c := range []struct {
		name   string
		status TaskStatus
		want   time.Duration
	}{
		{"caught up", TaskStatus{Position: 5, End: 5, waiting: 1000}, 0},
		{"position not known", TaskStatus{Position: -1, End: 5}, 0},
		{"end not known", TaskStatus{Position: 5, End: -1}, 0},
		{"fetched", TaskStatus{Position: 4, End: 5, waiting: now - 7000}, 7 * time.Second},
		{"clocks differ", TaskStatus{Position: 4, End: 5, waiting: now + 7000}, 0},
	} {
		assert.Equal(t, c.want, c.status.LagTime(now), c.name)
	}
	s := TaskStatus{Position: 4, End: 5}
	s.noteBehind()
	since := s.behind
	s.noteBehind()
	assert.Equal(t, since, s.behind, "it has been behind for longer")
	s.behind = s.behind.Add(-time.Minute)
	assert.InDelta(t, 60, s.LagTime(now).Seconds(), 30, "nothing is fetched")
	s.Position = 5
	s.noteBehind()
	assert.Zero(t, s.behind)
}

// What the outside may know of a task: what it recovered from, what fires, how long the journal is; over three lives.
func TestStatusOverLives(t *testing.T) {
	b := newBench(t, benchOptions{pipeline: testPipeline})
	store, base := newMemoryStore(), time.Now().UnixMilli()
	hot := func(device string, at int64, value float64, seq int) string {
		return reading{device: device, at: base + at, value: value, seq: seq}.String()
	}
	live := func(origin Origin, firing int64, values ...string) *running {
		run := b.start(b.options(store))
		b.produce(0, values...)
		run.settled(0, b.sent)
		assert.EqualValues(t, 1, run.engine.Totals().Recovered[origin], origin)
		assert.Positive(t, run.engine.Totals().Rebalances)
		rules, counted := run.engine.Rules()
		assert.True(t, counted)
		assert.Equal(t, []string{"critical"}, rules[0].Levels)
		assert.Equal(t, []int64{firing}, rules[0].Firing)
		return run
	}
	run := live(FromNothing, 2, hot("a", 0, 90, 1), hot("b", 0, 95, 1), hot("c", 0, 50, 1))
	rules, _ := run.engine.Rules()
	assert.EqualValues(t, 2, rules[0].Events[1], "two began to fire")
	s := run.engine.Status()[0]
	assert.EqualValues(t, base, s.Newest)
	assert.Zero(t, s.Lag())
	assert.WithinDuration(t, time.Now(), s.Committed, time.Minute)
	eventually(t, "the length of the journal", func() bool { return run.engine.Status()[0].JournalBytes > 0 })
	require.NoError(t, run.wait())

	run = live(FromCopy, 2)
	rules, _ = run.engine.Rules()
	assert.Zero(t, rules[0].Events, "nothing was said in this life")
	require.NoError(t, run.wait())

	store = newMemoryStore()
	run = live(FromJournal, 1, hot("a", 1000, 20, 2), `{`)
	assert.EqualValues(t, 1, run.engine.Quarantined()[event.Malformed.Index()])
	require.NoError(t, run.wait())
}

// A commit that hangs is seen while it does.
func TestCommitUnderWayIsSeen(t *testing.T) {
	b := newBench(t, benchOptions{pipeline: patient})
	o := b.options(newMemoryStore())
	hung, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	hits := 0
	o.Failpoint = func(p string, _ int32) {
		if p != "begun" {
			return
		}
		if hits++; hits == 2 {
			once.Do(func() { close(hung) })
			<-release
		}
	}
	run := b.start(o)
	run.settled(0, 0)
	assert.Zero(t, run.engine.Status()[0].InFlight)
	b.produce(0, history(50)...)
	<-hung
	assert.WithinDuration(t, time.Now(), run.engine.Status()[0].InFlight, 10*time.Second)
	close(release)
	run.settled(0, b.sent)
	eventually(t, "confirmed", func() bool { return run.engine.Status()[0].InFlight.IsZero() })
	require.NoError(t, run.wait())
}

// Between two slabs nothing is fetched: then a backlog is as old as what was folded last, and what comes after a pause is new.
func TestLagTimeBetweenSlabs(t *testing.T) {
	now := event.Time(1_700_000_000_000)
	backlog := TaskStatus{Position: 900, End: 1000, clock: now - 5_000, behind: time.Now().Add(-3 * time.Hour)}
	require.Equal(t, 5*time.Second, backlog.LagTime(now))
	pause := TaskStatus{Position: 900, End: 901, clock: now - 3*3_600_000, behind: time.Now()}
	require.Less(t, pause.LagTime(now), time.Minute)
	require.Zero(t, (&TaskStatus{Position: 900, End: 900, clock: now - 5_000}).LagTime(now))
}

func TestSpareOnlyWhileNothingMoves(t *testing.T) {
	var s spare
	require.False(t, s.is(1_000_000), "no member yet")
	s.assigned(0)
	require.False(t, s.is(spareAfter.Milliseconds()-2))
	require.True(t, s.is(60_000))
	s.revoked(60_000)
	require.False(t, s.is(60_001), "partitions are on their way")
	require.True(t, s.is(120_000))
	s.lost()
	s.revoked(130_000)
	require.False(t, s.is(200_000), "no member any more")
}
