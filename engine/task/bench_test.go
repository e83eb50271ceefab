package task

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/event"
)

// A tumbling and a hopping window with four results each, and a rule that has
// nothing to say.
const quietPipeline = `
source: {topic: readings, reading: {unit: ms}}
time: {wait_for_late: 5s, max_future_skew: 10s}
windows:
- {name: t, metric: temperature, tumbling: 1m, compute: [mean, min, max, count], emit: {topic: aggregates}}
- {name: h, metric: temperature, hopping: {size: 5m, every: 1m}, compute: [mean, min, max, count], emit: {topic: aggregates}}
rules:
- {name: hot, when: t.mean, levels: {alarm: {above: 80, clear_below: 75}}}
`

// fleet makes records of devices that speak in turn, in memory of its own. The
// clock of every device lags by its number modulo 6, times ten seconds: in each
// round one device in six has windows to close, and none has them with all others.
type fleet struct {
	devices, next int
	every         event.Time // between two readings of a device
	now           event.Time
	seq           int
	records       []Record
}

const (
	fleetPayload = `{"device":"d0000000","metric":"temperature","ts":0000000000000,"value":21.5,"seq":000000001}`
	fleetDevice  = 12
	fleetTime    = 49
	fleetSeq     = 82
)

func newFleet(devices, batch int) *fleet {
	f := &fleet{devices: devices, every: 10_000, now: scriptDay, seq: 100_000_000, records: make([]Record, batch)}
	for i := range f.records {
		f.records[i].Value = []byte(fleetPayload)
	}
	return f
}

// strides spread devices that speak one after the other over memory, each round in another order: in a real fleet no device follows another for
// long. They are prime and divide no number of devices used here.
var strides = [...]int{618_041, 381_977, 271_829}

// fill stamps the next n records.
func (f *fleet) fill(n int) []Record {
	for i := range f.records[:n] {
		if f.next == f.devices {
			f.next, f.now, f.seq = 0, f.now+f.every, f.seq+1
		}
		r := &f.records[i]
		digits(r.Value[fleetDevice:fleetDevice+7], f.next*strides[f.seq%len(strides)]%f.devices)
		digits(r.Value[fleetTime:fleetTime+13], int(f.now-event.Time(f.next%6)*10_000))
		digits(r.Value[fleetSeq:fleetSeq+9], f.seq)
		r.Append = f.now
		r.Offset++
		f.next++
	}
	return f.records[:n]
}

func digits(b []byte, n int) {
	for i := len(b) - 1; i >= 0; i-- {
		b[i] = byte('0' + n%10)
		n /= 10
	}
}

// steadyTask is a task that knows all devices of the fleet and has been at work
// for a while.
func steadyTask(t testing.TB, f *fleet, rounds int) *Task {
	return steadyTaskOf(t, f, quietPipeline, rounds)
}

func TestASteadyTaskAllocatesNothing(t *testing.T) {
	f := newFleet(1000, 1000)
	task := steadyTask(t, f, 40)
	windows := task.Counters().Windows
	allocs := testing.AllocsPerRun(60, func() {
		if err := task.Fold(f.fill(1000)); err != nil {
			panic(err)
		}
		task.Pending().Reset()
	})
	require.Zero(t, allocs, "allocations of 1,000 readings")
	require.Greater(t, task.Counters().Windows, windows+10_000, "windows were to close on the way")
}

// Messages of several readings, alone or in an array, take no memory either.
func TestSortingAMessageAllocatesNothing(t *testing.T) {
	p := mustPlant(t, `
source: {topic: readings, reading: {device: id, metrics: [a, b]}}
dedupe: {by: off}
windows:
- {name: a, metric: a, tumbling: 1m, compute: [max]}
- {name: b, metric: b, count: 4, compute: [max], emit: {topic: aggregates}}
rules:
- {name: x, when: a.max, levels: {alarm: {above: 80}}}
- {name: y, when: b.max, levels: {alarm: {above: 80}}}
- {name: z, when: b, levels: {alarm: {above: 80}}}
`)
	value := fmt.Appendf(nil, `[{"id":"d","ts":%q,"a":1,"b":2},{"id":"d","ts":%q,"a":1,"b":2}]`, stamp(scriptDay+1000), stamp(scriptDay+1001))
	records := []Record{{Append: scriptDay + 1001, Value: value}}
	allocs := testing.AllocsPerRun(100, func() {
		if err := p.task.Fold(records); err != nil {
			panic(err)
		}
		p.out.Reset()
	})
	require.Zero(t, allocs)
}

// BenchmarkFold is the cost of a reading, from its bytes to the results of its
// windows. B/device is all that the state table takes, names included.
func BenchmarkFold(b *testing.B) {
	for _, devices := range []int{10_000, 1_000_000} {
		var f *fleet
		var task *Task
		b.Run(fmt.Sprintf("devices=%d", devices), func(b *testing.B) {
			if testing.Short() && devices > 100_000 {
				b.Skip("a million devices take a while")
			}
			if task == nil { // b.N is tried out, from 1 up: all tries go on with one task
				f = newFleet(devices, 4096)
				task = steadyTask(b, f, 8)
			}
			windows := task.Counters().Windows
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
			b.ReportMetric(float64(task.Counters().Windows-windows)/float64(b.N), "windows/op")
			b.ReportMetric(float64(task.table.ResidentBytes())/float64(devices), "B/device")
		})
	}
}
