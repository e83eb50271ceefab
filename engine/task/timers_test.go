package task

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weirstream/weir/alerts/commands"
	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/statestore"
)

// However timers are set, each slot goes off at the least of what it was set to
// since it last did, and never later.
func TestTimersGoOffAtTheLeastOfTheirTimes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := timers{wheel: newWheel(event.Time(rapid.SampledFrom([]int{1, 1280, 100_000}).Draw(t, "span")))}
		want := map[statestore.Slot]event.Time{}
		now := event.Time(rapid.IntRange(1, 1_000_000).Draw(t, "start"))
		w.enter(now / w.granule)
		for range rapid.IntRange(1, 80).Draw(t, "steps") {
			for range rapid.IntRange(0, 4).Draw(t, "set") {
				slot := statestore.Slot(rapid.IntRange(0, 9).Draw(t, "slot"))
				due := now + event.Time(rapid.IntRange(0, 300_000).Draw(t, "due"))
				if at := want[slot]; at == 0 || due < at {
					want[slot] = due
				}
				w.set(slot, due)
			}
			now += event.Time(rapid.SampledFrom([]int{0, 1, 1000, 26_000, 400_000}).Draw(t, "passed"))
			last := event.Time(0)
			for at := w.soonest(now); at != event.Never; at = w.soonest(now) {
				e := w.pop()
				require.GreaterOrEqual(t, e.due, last, "in order")
				last = e.due
				if w.at[e.slot] != e.due {
					continue
				}
				w.at[e.slot] = 0
				require.Equal(t, want[e.slot], e.due)
				delete(want, e.slot)
			}
			for slot, due := range want {
				require.Greater(t, due, now, "slot %d was due", slot)
			}
		}
	})
}

const repeatingPipeline = `
time: {wait_for_late: 0s, idle_after: 1m}
rules:
- {name: hot, when: temperature, levels: {warning: {above: 50}}, repeat_every: 1h}
`

// Where a topic was quiet for years an alert is said 1,000 times, not without end.
func TestRepeatsEnd(t *testing.T) {
	p := mustPlant(t, repeatingPipeline)
	warm := reading{device: "a", metric: "temperature", at: at(0), appended: at(0), value: "60", seq: -1}
	require.NoError(t, p.fold(warm.record()))
	p.advance(Now{Wall: at(3 * 365 * 86_400)})
	said := p.taken()
	require.Len(t, said, 1+mostRepeats)
	require.Contains(t, said[mostRepeats].value, fmt.Sprintf(`"at":"%s"`, stamp(at(mostRepeats*3600))))
	require.Contains(t, said[mostRepeats].value, `"repeat":1000,`)
	p.restart()
	p.advance(Now{Wall: at(4 * 365 * 86_400)})
	require.Empty(t, p.taken())
	slot, _ := p.table.Lookup([]byte("a"))
	require.Zero(t, p.table.Row(headCol, slot)[headTimer], "nothing is due any more")
}

// What is due of a whole fleet at once comes bit by bit, whole devices at a time.
func TestTimersComeInRounds(t *testing.T) {
	p := mustPlant(t, repeatingPipeline)
	const devices = 20
	for i := range devices {
		warm := reading{device: fmt.Sprintf("d%02d", i), metric: "temperature", at: at(int64(i)), appended: at(int64(i)), value: "60", seq: -1}
		require.NoError(t, p.fold(warm.record()))
	}
	p.taken()
	now := Now{Wall: at(3 * 365 * 86_400)}
	total := 0
	for rounds := 1; ; rounds++ {
		p.advance(now)
		said := p.taken()
		size := 0
		for _, o := range said {
			size += len(o.value)
		}
		require.Less(t, size, timedBytes+10_000)
		if total += len(said); total == devices*mostRepeats {
			require.Greater(t, rounds, 2)
			break
		}
		require.LessOrEqual(t, p.task.NextTimer(), now.Wall)
		require.NotEmpty(t, said)
		// A device that speaks meanwhile says first what was due before.
		if rounds == 1 {
			cold := reading{device: "d19", metric: "temperature", at: now.Wall, appended: now.Wall, value: "1", seq: -1}
			require.NoError(t, p.fold(cold.record()))
			said := of("d19", p.taken())
			require.Contains(t, said[len(said)-1].value, `"state":"resolved"`)
			require.Contains(t, said[len(said)-2].value, `"repeat":1000,`)
			total += len(said) - 1
			p.take()
		}
	}
}

// What was due before a silence was known is not suppressed by it, also where there was
// so much that it waits for the next round.
func TestWhatWasDueIsNotSilenced(t *testing.T) {
	p := mustPlant(t, repeatingPipeline)
	p.commands = &commands.Set{}
	p.setCommands()
	const devices = 20
	for i := range devices {
		warm := reading{device: fmt.Sprintf("d%02d", i), metric: "temperature", at: at(int64(i)), appended: at(int64(i)), value: "60", seq: -1}
		require.NoError(t, p.fold(warm.record()))
	}
	p.taken()
	end := at(3 * 365 * 86_400)
	p.advance(Now{Wall: end})
	said := p.taken()
	require.Less(t, len(said), devices*mostRepeats, "some wait")
	s := commands.Silence{Kind: commands.KindSilence, Name: "late", Start: scriptDay, End: end + 1000, Matchers: []commands.Matcher{matcherOf(t, "rule=hot")}}
	p.command(s.Key(), string(s.AppendValue(nil)))
	p.setCommands()
	said = append(said, p.taken()...)
	require.Len(t, said, devices*mostRepeats+devices)
	for i, o := range said {
		if i < devices*mostRepeats {
			require.NotContains(t, o.value, "suppressed_by")
			continue
		}
		require.Contains(t, o.value, `"suppressed_by":["silence/late"]`)
		require.Contains(t, o.value, `"reason":"suppressed"}`)
	}
}

const watchedPipeline = `
source: {topic: readings, reading: {unit: ms}}
time: {wait_for_late: 5s, max_future_skew: 10s}
devices: {roster: roster.csv}
windows:
- {name: t, metric: temperature, tumbling: 1m, compute: [mean, min, max, count], emit: {topic: aggregates}}
- {name: h, metric: temperature, hopping: {size: 5m, every: 1m}, compute: [mean, min, max, count], emit: {topic: aggregates}}
rules:
- {name: hot, when: t.mean, levels: {alarm: {above: 80, clear_below: 75, hold: 5m}}, on_gap: reset, keep_firing: 5m, repeat_every: 1h, flapping: {changes: 5, within: 1h}, schedule: {days: mon-fri, timezone: Europe/Berlin}, escalate: [{after: 1h, severity: page}]}
- {name: soon, when: t.mean, evaluate: change, levels: {alarm: {above: 80, clear_below: 75}}, repeat_every: 1h, flapping: {changes: 5, within: 1h}}
- {name: silent, no_data: 15m}
- {name: missing, no_data: {after: 1h, expect: roster}, repeat_every: 1d}
inhibit: [{source: {rule: silent}, target: {rule: hot}, equal: device}]
`

// watchedTask is a task with rules of every manner that have nothing to say.
func watchedTask(t testing.TB, f *fleet) *Task {
	var csv strings.Builder
	csv.WriteString("device\n")
	for i := range f.devices {
		fmt.Fprintf(&csv, "d%07d\n", i)
	}
	p := newPlant(t, watchedPipeline, plantOptions{roster: csv.String()})
	for left := 40 * f.devices; left > 0; {
		n := min(left, len(f.records))
		require.NoError(t, p.task.Fold(f.fill(n)))
		p.out.Reset()
		left -= n
	}
	return p.task
}

func TestQuietRulesOfEveryMannerAllocateNothing(t *testing.T) {
	f := newFleet(1000, 1000)
	task := watchedTask(t, f)
	require.Zero(t, testing.AllocsPerRun(60, func() {
		if err := task.Fold(f.fill(1000)); err != nil {
			panic(err)
		}
		task.Pending().Reset()
	}))
	require.Zero(t, task.Counters().Alerts)
}

// BenchmarkWatchedFold is BenchmarkFold with rules of every manner.
func BenchmarkWatchedFold(b *testing.B) {
	f := newFleet(10_000, 4096)
	task := watchedTask(b, f)
	b.ReportAllocs()
	b.ResetTimer()
	for left := b.N; left > 0; {
		b.StopTimer()
		n := min(left, len(f.records))
		records := f.fill(n)
		b.StartTimer()
		if err := task.Fold(records); err != nil {
			b.Fatal(err)
		}
		task.Pending().Reset()
		left -= n
	}
}

// A fact that says more than where the clock went stays a fact of its own: what
// rules on silence say depends on when it was.
func TestFactsThatRulesOnSilenceNeed(t *testing.T) {
	p := newPlant(t, `
time: {wait_for_late: 0s, idle_after: 10s}
state: {forget_after: 2h}
devices: {roster: roster.csv}
rules:
- {name: hot, when: temperature, levels: {warning: {above: 50}}}
- {name: missing, no_data: {after: 1m, expect: roster}}
- {name: silent, no_data: 1m}
`, plantOptions{roster: "device\na\n"})
	p.setRoster("device\nb\n")
	p.setRoster("device\na\n")
	spoke(p, "a", at(0))
	p.advance(Now{Wall: at(20), Mono: 0, Position: 1})
	p.advance(Now{Wall: at(20_000), Mono: 20_000_000, Position: 1})
	p.advance(Now{Wall: at(20_100), Mono: 20_100_000, Position: 1})
	require.Equal(t, []Fact{
		{Position: 0, Roster: print64(t, "device\na\n")}, {Position: 0, Roster: print64(t, "device\nb\n")}, {Position: 0, Roster: print64(t, "device\na\n")},
		{Position: 1, Wall: at(20_000), Forgotten: []string{"a"}}, {Position: 1, Wall: at(20_100)},
	}, decodeFacts(t, p.task.TakeFacts()))
	said := p.taken()
	require.Contains(t, said[len(said)-1].value, fmt.Sprintf(`"endsAt":"%s"`, stamp(at(20_000))))
}
