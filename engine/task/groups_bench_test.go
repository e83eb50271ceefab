package task

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/event"
)

// Neither a reading that goes into the panes of windows over several devices nor
// a partial allocates anything, time and watermarks going on.
func TestGroupsDoNotAllocate(t *testing.T) {
	for name, pipeline := range map[string]string{"time": groupPipeline, "kinds": kindsPipeline, "late": latePipeline} {
		t.Run(name, func(t *testing.T) { groupsDoNotAllocate(t, pipeline) })
	}
}

func groupsDoNotAllocate(t *testing.T, pipeline string) {
	w := newWorks(t, pipeline, 1)
	device, group := w.devices[0], w.groups[0]
	at := scriptDay
	var readings [][]Record
	for i := range 600 {
		at += 700
		r := reading{device: fmt.Sprintf("h-%d", i%3), metric: "temperature", at: at, appended: at, value: "3", seq: -1}
		readings = append(readings, []Record{r.record()})
	}
	var partials []Record
	next := 0
	step := func() {
		if err := device.task.Fold(readings[next]); err != nil {
			panic(err)
		}
		next++
		for i := range device.out.Len() {
			if o := device.out.At(i); device.plan.IsPartials(o.Topic) {
				partials = append(partials, Record{Append: at, Key: slices.Clone(o.Key), Value: slices.Clone(o.Value)})
			}
		}
	}
	for range 200 {
		step()
		device.out.Reset()
	}
	before := len(partials)
	allocs := testing.AllocsPerRun(300, func() {
		if err := device.task.Fold(readings[next]); err != nil {
			panic(err)
		}
		next++
		device.out.Reset()
	})
	require.Zero(t, allocs)
	for range 90 {
		step()
		device.out.Reset()
	}
	require.Greater(t, len(partials), before+50)
	warm := len(partials) / 2
	require.NoError(t, group.task.Fold(partials[:warm]))
	group.out.Reset()
	i := warm
	allocs = testing.AllocsPerRun(len(partials)-warm-1, func() {
		if err := group.task.Fold(partials[i : i+1]); err != nil {
			panic(err)
		}
		i++
		group.out.Reset()
	})
	require.Zero(t, allocs)
	require.Zero(t, group.task.Counters().Bad)
}

// BenchmarkFoldPartials is the cost of a partial: one of a thousand devices in ten
// groups, every pane of which closes once all have sent it; where windows speak at
// every reading, one of a reading.
func BenchmarkFoldPartials(b *testing.B) {
	const head = `
dedupe: {by: off}
time: {wait_for_late: 5s, idle_after: 20s, max_future_skew: 1m}
windows:
`
	for _, c := range []struct{ name, pipeline string }{
		{"time", groupPipeline},
		{"session", head + "- {name: s, metric: temperature, session: 40s, by: all, compute: [count, sum, min, max], emit: {topic: aggregates}}"},
		{"change", head + "- {name: s, metric: temperature, tumbling: 40s, by: all, compute: [count, sum, min, max], emit: {topic: aggregates, on: change}}"},
		{"count", head + "- {name: s, metric: temperature, count: 10, by: all, compute: [count, sum, min, max], emit: {topic: aggregates}}"},
		{"integral", head + "- {name: s, metric: temperature, tumbling: 40s, by: all, compute: [integral], emit: {topic: aggregates}}"},
	} {
		b.Run(c.name, func(b *testing.B) { foldPartials(b, c.pipeline) })
	}
}

func foldPartials(b *testing.B, pipeline string) {
	w := newWorks(b, pipeline, 1)
	device, group := w.devices[0], w.groups[0]
	var records []Record
	collect := func() {
		for i := range device.out.Len() {
			if o := device.out.At(i); device.plan.IsPartials(o.Topic) {
				records = append(records, Record{Key: slices.Clone(o.Key), Value: slices.Clone(o.Value)})
			}
		}
		device.out.Reset()
	}
	at := scriptDay
	for len(records) < b.N {
		at += 5_000
		for i := range 1_000 {
			r := reading{device: fmt.Sprintf("h-%d", i), metric: "temperature", at: at + event.Time(i), appended: at + event.Time(i), value: "3", seq: -1}
			if err := device.task.Fold([]Record{r.record()}); err != nil {
				b.Fatal(err)
			}
			collect()
		}
	}
	b.ReportAllocs()
	b.ResetTimer()
	for from := 0; from < b.N; from += 1_024 {
		if err := group.task.Fold(records[from:min(from+1_024, b.N)]); err != nil {
			b.Fatal(err)
		}
		group.out.Reset()
	}
	b.StopTimer()
	if group.task.Counters().Bad > 0 {
		b.Fatal("bad partials")
	}
}

// BenchmarkGather is the cost of a reading of a device whose window is its own, or
// over the whole fleet: then its panes are sent, and the watermark waits for it.
func BenchmarkGather(b *testing.B) {
	const pipeline = `
source: {topic: readings, reading: {device: device, metric: metric, time: ts, unit: ms, value: value, seq: seq}}
time: {wait_for_late: 10s, idle_after: 2m}
windows:
- {name: t, metric: temperature, tumbling: 1m, %s compute: [mean, min, max, count], emit: {topic: aggregates}}
- {name: g, metric: other, tumbling: 1m, by: all, compute: [count], emit: {topic: aggregates}}
`
	for _, c := range []struct{ name, by string }{{"own", ""}, {"fleet", "by: all,"}} {
		b.Run(c.name, func(b *testing.B) {
			w := newWorks(b, fmt.Sprintf(pipeline, c.by), 1)
			f := newFleet(10_000, 4096)
			task := w.devices[0].task
			fold := func(n int) {
				if err := task.Fold(f.fill(n)); err != nil {
					b.Fatal(err)
				}
				task.Pending().Reset()
			}
			for range 8 * 10_000 / 4096 {
				fold(4096)
			}
			b.ReportAllocs()
			b.ResetTimer()
			for left := b.N; left > 0; left -= 4096 {
				fold(min(left, 4096))
			}
		})
	}
}
