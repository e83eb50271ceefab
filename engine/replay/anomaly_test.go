package replay

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/engine/task"
	"github.com/weirstream/weir/event"
)

// The peak of an anomaly is its most unusual value, above or below, and its kind is
// what it came to.
func TestPeakOfAnAnomaly(t *testing.T) {
	p := parse(t, "p.yaml", `
name: odd
kafka: {brokers: ["broker:9092"]}
source: {topic: readings}
time: {wait_for_late: 0s, idle_after: 1h}
rules:
- {name: odd, anomaly: {of: m, sensitivity: one false alarm per week}}
`)
	log := NewLog(p)
	o := options(p)
	o.Alert, o.Watch = log.Alert, log.Watch
	r, err := New(p, o)
	require.NoError(t, err)
	reading := configs.Reading{Device: "device", Metric: "metric", Value: "value", Time: "ts"}
	random := rand.New(rand.NewPCG(1, 2))
	var records []task.Record
	for i := range 900 {
		value := 20 + random.NormFloat64()
		switch {
		case i == 600:
			value = 2 // the lowest, and the most unusual
		case i == 601:
			value = 30
		case i > 800:
			value += 9 // it stays there
		}
		at := day + event.Time(i)*60_000
		records = append(records, task.Record{Offset: int64(i), Append: at, Value: (&message{
			device: "d", at: at, seq: -1, values: []metricValue{{"m", float64(int(value*100)) / 100}},
		}).encode(&reading)})
	}
	require.NoError(t, r.Fold(records))
	var told []string
	for _, e := range log.Close(records[len(records)-1].Append) {
		told = append(told, fmt.Sprintf("%s at %s to %s open %t", e.Kind, relative(e.Start-day), relative(e.End-day), e.Open))
		if e.Start == day+600*60_000 {
			require.Equal(t, 2.0, e.Peak)
		}
	}
	require.Len(t, told, 2, told)
	require.Contains(t, told[0], "spike at 10h to 10h")
	require.Contains(t, told[1], "level_shift at 13h21m to ")
}
