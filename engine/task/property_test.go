package task

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weirstream/weir/event"
)

// The pipelines that properties are tried on.
func propertyPipelines() []string {
	return []string{`
time: {wait_for_late: 5s, idle_after: 20s, max_future_skew: 1m}
windows:
- {name: t, metric: temperature, tumbling: 30s, compute: [count, sum, min, max, mean, last], emit: {topic: aggregates}}
- {name: h, metric: temperature, hopping: {size: 40s, every: 10s}, compute: [mean, count], emit: {topic: aggregates}}
- {name: n, metric: humidity, count: 3, compute: [mean, last], emit: {topic: counted}}
rules:
- {name: hot, when: t.max, levels: {warning: {above: 20, clear_below: 15}, critical: {above: 40, hold: 30s}}}
- {name: wet, when: n.mean, levels: {alarm: {above: 20}}}
- {name: cold, when: temperature, levels: {alarm: {below: 5, clear_above: 10, hold: 5s}}}
`, `
time: {wait_for_late: 2s, idle_after: 15s, max_future_skew: 5s, late: update, allow_backfill: 1m}
windows:
- {name: t, metric: temperature, tumbling: 20s, compute: [mean, count], emit: {topic: aggregates}}
- {name: c, metric: humidity, hopping: {size: 30s, every: 10s}, compute: [max], emit: {topic: aggregates, on: change}}
rules:
- {name: hot, when: t.mean, levels: {warning: {above: 20}, critical: {above: 40}}}
- {name: wet, when: c.max, levels: {alarm: {above: 20}}}
`, `
source: {topic: readings}
dedupe: {by: off}
time: {wait_for_late: 0s, idle_after: 1m}
rules:
- {name: hot, when: temperature, levels: {warning: {above: 20, clear_below: 15}, critical: {above: 40, clear_below: 30, hold: 10s}}}
`, `
time: {wait_for_late: 5s, idle_after: 20s, max_future_skew: 1m, late: update, allow_backfill: 2m}
windows:
- {name: s, metric: temperature, session: {gap: 10s}, compute: [count, sum, min, max, mean, last], emit: {topic: aggregates}}
- {name: c, metric: temperature, session: {gap: 18s}, compute: [count], emit: {topic: changes, on: change}}
- {name: n, metric: humidity, session: {gap: 3s}, compute: [max]}
- {name: t, metric: humidity, tumbling: 20s, compute: [mean], emit: {topic: aggregates}}
rules:
- {name: hot, when: s.max, levels: {warning: {above: 20, clear_below: 15}, critical: {above: 40, hold: 15s}}}
- {name: wet, when: n.max, levels: {alarm: {above: 20}}}
`, `
time: {wait_for_late: 2s, idle_after: 15s, late: update, allow_backfill: 1m}
devices: {roster: roster.csv}
windows:
- {name: t, metric: temperature, tumbling: 20s, compute: [mean], emit: {topic: aggregates}}
rules:
- {name: hot, when: t.mean, levels: {warning: {above: labels.low}, critical: {above: labels.high, clear_below: labels.low, hold: 10s}}}
- {name: cold, when: humidity, levels: {alarm: {below: labels.low, clear_above: labels.high}}}
`, `
time: {wait_for_late: 1s, idle_after: 20s, max_future_skew: 1m, reset_clock_after: 3s}
dedupe: {by: [device, metric, time], remember: 1m}
windows:
- {name: t, metric: temperature, tumbling: 30s, compute: [count, sum, last], emit: {topic: aggregates}}
- {name: n, metric: humidity, count: 3, compute: [mean, last], emit: {topic: counted}}
rules:
- {name: hot, when: t.last, levels: {warning: {above: 20, clear_below: 15}, critical: {above: 40, hold: 30s}}}
- {name: cold, when: temperature, levels: {alarm: {below: 5, clear_above: 10, hold: 5s}}}
`, `
time: {wait_for_late: 5s, idle_after: 20s, max_future_skew: 1m}
windows:
- {name: o, metric: temperature, tumbling: 30s, offset: 7s, compute: [count, mean], emit: {topic: aggregates}}
- {name: h, metric: temperature, hopping: {size: 40s, every: 20s}, offset: 17s, compute: [max], emit: {topic: aggregates}}
- {name: r, metric: temperature, rolling: {size: 40s, resolution: 5s}, compute: [mean, max, count], emit: {topic: lately}}
- {name: q, metric: humidity, rolling: 30s, compute: [sum, last]}
rules:
- {name: hot, when: o.mean, levels: {warning: {above: 20}, critical: {above: 40, hold: 30s}}}
- {name: lately, when: r.mean, levels: {warning: {above: 20, clear_below: 15}, critical: {above: 40, hold: 10s}}}
- {name: wet, when: q.sum, levels: {alarm: {above: 50}}}
`, `
time: {wait_for_late: 20s, idle_after: 30s, max_future_skew: 10s, late: update, allow_backfill: 1m}
windows:
- {name: noon, metric: temperature, tumbling: 1d, timezone: Europe/Berlin, offset: 13h5m, compute: [mean, count], emit: {topic: aggregates}}
- {name: skipped, metric: temperature, tumbling: 1d, timezone: Europe/Berlin, offset: 2h30m, compute: [last], emit: {topic: aggregates, on: change}}
- {name: r, metric: humidity, rolling: 5s, compute: [mean], emit: {topic: aggregates}}
rules:
- {name: hot, when: noon.mean, levels: {warning: {above: 20}}}
- {name: late, when: skipped.last, levels: {warning: {above: 20}}}
`, `
time: {wait_for_late: 3s, idle_after: 15s, max_future_skew: 1m, late: update, allow_backfill: 40s}
dedupe: {by: [device, metric, time], remember: 30s}
derive: {double: {from: temperature, value: "value > 50 ? 1 / (value - 55) : 2 * value"}, sum: {from: humidity, value: value + time % 7}}
windows:
- {name: s, metric: temperature, session: {gap: 7s}, compute: [mean, p95, integral, ewma], emit: {topic: aggregates, on: change}}
- {name: d, metric: double, session: {gap: 4s}, compute: [slope, distinct, mode], emit: {topic: aggregates}}
- {name: r, metric: double, rolling: {size: 20s, resolution: 4s}, compute: [median, ewma, time_weighted_mean], emit: {topic: lately}}
- {name: h, metric: sum, hopping: {size: 12s, every: 4s}, offset: 1s, compute: [ewma, stddev, integral], emit: {topic: aggregates}}
- {name: g, metric: sum, hopping: {size: 24s, every: 8s}, offset: 1s, compute: [ewma, p5, mode], emit: {topic: changes, on: change}}
- {name: y, metric: sum, tumbling: 1d, timezone: Pacific/Apia, compute: [distinct, count], emit: {topic: aggregates}}
rules:
- {name: hot, when: s.p95, levels: {warning: {above: 20, clear_below: 15}, critical: {above: 40, hold: 15s}}}
- {name: lately, when: r.median, levels: {alarm: {above: 30, hold: 5s}}}
- {name: high, when: h.ewma, levels: {alarm: {above: 20}}}
- {name: bare, when: double, levels: {alarm: {above: 60}}}
`, `
time: {wait_for_late: 0s, idle_after: 15s, max_future_skew: 5s, late: update, allow_backfill: 30s}
devices: {roster: roster.csv}
where: labels.site != "c" and (labels.low < 30 or value > -5)
derive: {over: {from: temperature, value: value - labels.low}}
windows:
- {name: s, metric: over, session: {gap: 5s}, compute: [mean], emit: {topic: aggregates}}
- {name: t, metric: temperature, tumbling: 20s, compute: [mean, max], emit: {topic: aggregates, on: change}}
- {name: n, metric: over, count: 4, compute: [median, slope], emit: {topic: counted}}
rules:
- {name: hot, when: s.mean, levels: {warning: {above: labels.low}, critical: {above: labels.high, clear_below: labels.low, hold: 4s}}}
- {name: odd, when: t.max, levels: {warning: {above: labels.low, clear_below: 10}}}
- {name: over, when: over, levels: {alarm: {above: 0, clear_below: -10}}}
`, `
time: {wait_for_late: 2s, idle_after: 15s}
devices: {roster: roster.csv}
windows:
- {name: t, metric: temperature, tumbling: 20s, compute: [mean], emit: {topic: aggregates}}
- {name: s, metric: temperature, session: {gap: 10s}, compute: [max]}
rules:
- {name: soon, when: t.mean, evaluate: change, levels: {warning: {above: 20}, critical: {above: 40, hold: 10s}}, keep_firing: 20s, on_gap: reset, repeat_every: 1m, flapping: {changes: 3, within: 1m}}
- {name: closed, when: t.mean, levels: {warning: {above: 20}, critical: {above: 40, hold: 30s}}, on_gap: hold, repeat_every: 1m}
- {name: session, when: s.max, evaluate: change, levels: {warning: {above: 20, hold: 10s}}, keep_firing: 1m, repeat_every: 90s}
- {name: silent, no_data: 10s, flapping: {changes: 2, within: 1m}}
- {name: quiet, no_data: 15s, repeat_every: 1m}
- {name: missing, no_data: {after: 50s, severity: critical, expect: roster}, repeat_every: 2m, flapping: {changes: 2, within: 10m}}
- {name: dry, when: humidity, levels: {alarm: {below: labels.low, clear_above: labels.high, hold: 5s}}, keep_firing: 10s, repeat_every: 1m}
`, `
time: {wait_for_late: 1s, idle_after: 20s, max_future_skew: 1m, reset_clock_after: 3s, late: update, allow_backfill: 1m}
devices: {roster: roster.csv}
windows:
- {name: h, metric: temperature, hopping: {size: 40s, every: 10s}, compute: [max], emit: {topic: aggregates}}
rules:
- {name: soon, when: h.max, evaluate: change, levels: {warning: {above: 20}, critical: {above: 40, hold: 10s}}, keep_firing: 5s, on_gap: hold, repeat_every: 1m, flapping: {changes: 4, within: 30s}}
- {name: missing, no_data: {after: 20s, expect: roster}, repeat_every: 1m}
`, formulaProperties}
}

// propertyRoster gives every device limits of its own, or none.
const propertyRoster = "device,low,high,site\nd1,20,40,a\nd2,10,,b\nd3,30,15,\nd4,,,c\n"

// changedClocks is ten minutes before clocks go forward in Berlin, on the 29th.
const changedClocks = scriptDay + 28*86_400_000 + 50*60_000

// drawStream is a stream of up to five devices as a topic has it: append times
// never go back, event times lag, run ahead and repeat, and some messages are of
// no use.
func drawStream(t *rapid.T) []Record {
	var records []Record
	appended := rapid.SampledFrom([]event.Time{scriptDay + 43_200_000, changedClocks}).Draw(t, "begin")
	seqs := map[string]int64{}
	var sent []reading
	for range rapid.IntRange(1, 80).Draw(t, "records") {
		appended += event.Time(rapid.SampledFrom([]int{0, 1, 500, 3_000, 10_000, 19_999, 20_000, 45_000}).Draw(t, "passed"))
		kind := rapid.IntRange(0, 19).Draw(t, "kind")
		switch {
		case kind == 0:
			records = append(records, Record{Append: appended, Value: []byte(`{"device":`)})
			continue
		case kind == 1 && len(sent) > 0:
			r := rapid.SampledFrom(sent).Draw(t, "repeat")
			r.appended = appended
			records = append(records, r.record())
			continue
		case kind == 2:
			records = append(records, drawArray(t, appended))
			continue
		}
		device := fmt.Sprintf("d%d", rapid.IntRange(1, 5).Draw(t, "device"))
		lag := event.Time(rapid.SampledFrom([]int{0, 0, 0, 100, 2_000, 15_000, 60_000, -2_000, -4_999, -60_001}).Draw(t, "lag"))
		r := reading{
			device: device, metric: rapid.SampledFrom([]string{"temperature", "temperature", "humidity", "door"}).Draw(t, "metric"),
			at: appended - lag, appended: appended, value: fmt.Sprint(rapid.IntRange(-100, 600).Draw(t, "value") / 10), seq: -1,
		}
		if rapid.IntRange(0, 9).Draw(t, "numbered") > 0 {
			seqs[device]++
			r.seq = seqs[device]
		}
		sent = append(sent, r)
		records = append(records, r.record())
	}
	return records
}

// drawArray is a message with a few readings of several devices in any order.
func drawArray(t *rapid.T, appended event.Time) Record {
	var parts []string
	for range rapid.IntRange(0, 5).Draw(t, "readings") {
		r := reading{
			device: fmt.Sprintf("d%d", rapid.IntRange(1, 5).Draw(t, "device")), metric: "temperature", seq: -1,
			at: appended - event.Time(rapid.IntRange(0, 30_000).Draw(t, "lag")), value: fmt.Sprint(rapid.IntRange(0, 60).Draw(t, "value")),
		}
		parts = append(parts, string(r.record().Value))
	}
	return Record{Append: appended, Value: []byte("[" + strings.Join(parts, ",") + "]")}
}

func drawPipeline(t *rapid.T) string {
	return rapid.SampledFrom(propertyPipelines()).Draw(t, "pipeline")
}

// uninterrupted folds the records one by one and lets them all fall silent.
func uninterrupted(t *rapid.T, pipeline string, records []Record) *plant {
	p := newPlant(t, pipeline, plantOptions{roster: propertyRoster})
	for i := range records {
		require.NoError(t, p.fold(records[i]))
	}
	p.advance(later(records, 3_600_000))
	return p
}

func later(records []Record, by event.Time) Now {
	wall := records[len(records)-1].Append + by
	return Now{Wall: wall, Mono: int64(wall - scriptDay)}
}

func TestAnyChunkingGivesTheSameBytes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pipeline, records := drawPipeline(t), drawStream(t)
		want := uninterrupted(t, pipeline, records)
		got := newPlant(t, pipeline, plantOptions{roster: propertyRoster})
		for rest := slices.Clone(records); len(rest) > 0; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "chunk")
			require.NoError(t, got.fold(rest[:n]...))
			rest = rest[n:]
		}
		got.advance(later(records, 3_600_000))
		sameSaid(t, want.said, got.said)
		require.Equal(t, want.task.Counters(), got.task.Counters())
	})
}

// A task that is sealed, lost and recovered says of each device what one does
// that was not. Between devices, and between topics, the order may differ: who
// fell silent unnoticed is noticed at its next reading.
func TestRestartAnywhereChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pipeline, records := drawPipeline(t), drawStream(t)
		want := uninterrupted(t, pipeline, records)
		got := newPlant(t, pipeline, plantOptions{roster: propertyRoster})
		got.tallies = rapid.IntRange(0, 2).Draw(t, "tallies")
		for i := range records {
			switch rapid.IntRange(0, 5).Draw(t, "then") {
			case 0:
				got.restart()
			case 1:
				got.seal()
			case 2:
				got.advance(Now{Wall: records[i].Append})
			}
			require.NoError(t, got.fold(records[i]))
		}
		got.restart()
		got.advance(later(records, 3_600_000))
		for _, device := range []string{"", "d1", "d2", "d3", "d4", "d5"} {
			sameSaid(t, of(device, want.said), of(device, got.said))
		}
		require.Equal(t, want.task.Counters(), got.task.Counters())
	})
}

// Live, wall time comes in often; a replay sees append times alone. The windows
// are the same, to the byte.
func TestReplayEqualsLive(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pipeline, records := drawPipeline(t), drawStream(t)
		want := uninterrupted(t, pipeline, records)
		live := newPlant(t, pipeline, plantOptions{roster: propertyRoster})
		wall := records[0].Append
		for i := range records {
			for wall < records[i].Append && rapid.IntRange(0, 3).Draw(t, "advance") > 0 {
				wall += event.Time(rapid.IntRange(1, int(records[i].Append-wall)).Draw(t, "by"))
				live.advance(Now{Wall: wall, Mono: int64(wall - scriptDay)})
			}
			wall = records[i].Append
			require.NoError(t, live.fold(records[i]))
		}
		live.advance(later(records, 3_600_000))
		sameSaid(t, want.said, live.said)
		require.Equal(t, want.task.Counters(), live.task.Counters())
	})
}

// However far off one device's clock is, what is said of the others is the same.
func TestAWrongClockTouchesNoOtherDevice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pipeline, records := drawPipeline(t), drawStream(t)
		off := event.Time(rapid.SampledFrom([]int{86_400_000, 4_000, -86_400_000}).Draw(t, "off"))
		want := uninterrupted(t, pipeline, records)
		shifted := slices.Clone(records)
		for i := range shifted {
			if strings.HasPrefix(string(shifted[i].Value), `{"device":"d1"`) {
				shifted[i].Value = shiftTime(t, shifted[i].Value, off)
			}
		}
		got := uninterrupted(t, pipeline, shifted)
		for _, device := range []string{"", "d2", "d3", "d4", "d5"} {
			sameSaid(t, of(device, want.said), of(device, got.said))
		}
	})
}

func shiftTime(t *rapid.T, value []byte, by event.Time) []byte {
	before, rest, ok := strings.Cut(string(value), `"ts":"`)
	require.True(t, ok)
	text, after, _ := strings.Cut(rest, `"`)
	at, err := time.Parse(time.RFC3339, text)
	require.NoError(t, err)
	return []byte(before + `"ts":"` + stamp(event.Time(at.UnixMilli())+by) + `"` + after)
}

// of is what was said of one device, topic by topic and in order, without the
// numbers that run through all devices.
func of(device string, all []said) []said {
	var list []said
	for _, o := range all {
		if o.key == device {
			o.seq = 0
			list = append(list, o)
		}
	}
	slices.SortStableFunc(list, func(a, b said) int { return strings.Compare(a.topic, b.topic) })
	return list
}

// sameSaid shows the first output that differs.
func sameSaid(t *rapid.T, want, got []said) {
	for i := range max(len(want), len(got)) {
		switch {
		case i >= len(want):
			t.Fatalf("output %d is too much: %+v", i, got[i])
		case i >= len(got):
			t.Fatalf("output %d is missing: %+v", i, want[i])
		case want[i] != got[i]:
			t.Fatalf("output %d differs:\n%+v\n%+v", i, want[i], got[i])
		}
	}
}

// Tasks of one plan run at the same time, and what they compute in must be each
// one's own: -race sees it where it is not.
func TestTasksOfOnePlanShareNoScratch(t *testing.T) {
	plan := mustPlant(t, propertyPipelines()[0]).plan
	var group sync.WaitGroup
	for range 2 {
		p := &plant{t: t, plan: plan, o: Options{Decoder: decoderOf(t, plan.Pipeline, "device")}}
		p.table = p.newTable()
		p.begin()
		require.NotSame(t, plan.rings[0].Ring, p.task.plan.rings[0].Ring)
		require.NotSame(t, plan.followers[0].following, p.task.plan.followers[0].following)
		group.Go(func() {
			for i := range event.Time(500) {
				at := scriptDay + i*1000
				r := reading{device: "d1", metric: "temperature", at: at, appended: at, value: "1", seq: -1}
				if err := p.task.Fold([]Record{r.record()}); err != nil {
					panic(err)
				}
			}
		})
	}
	group.Wait()
}

// What a task says does not depend on when it was lost and recovered, nor does it
// when rosters change meanwhile and devices are silent for long.
func TestRestartsUnderChangingRosters(t *testing.T) {
	rosters := []string{propertyRoster, "device,high,low,site\nd5,10,5,x\nd1,,30,c\nd2,20,20,\n", "device,low,high,site,more\nd3,0,1,b,1\n"}
	all := propertyPipelines()
	rapid.Check(t, func(t *rapid.T) {
		pipeline, records := rapid.SampledFrom([]string{all[4], all[len(all)-1]}).Draw(t, "pipeline"), drawStream(t)
		want, got := newPlant(t, pipeline, plantOptions{roster: propertyRoster}), newPlant(t, pipeline, plantOptions{roster: propertyRoster})
		for i := range records {
			switch rapid.IntRange(0, 6).Draw(t, "then") {
			case 0, 1:
				got.restart()
			case 2:
				next := rapid.SampledFrom(rosters).Draw(t, "roster")
				want.setRoster(next)
				got.setRoster(next)
				want.take()
				got.take()
			}
			require.NoError(t, want.fold(records[i]))
			require.NoError(t, got.fold(records[i]))
		}
		got.restart()
		got.advance(later(records, 3_600_000))
		want.advance(later(records, 3_600_000))
		for _, device := range []string{"", "d1", "d2", "d3", "d4", "d5"} {
			sameSaid(t, of(device, want.said), of(device, got.said))
		}
		require.Equal(t, want.task.Counters(), got.task.Counters())
	})
}
