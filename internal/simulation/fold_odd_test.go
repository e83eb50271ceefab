package simulation

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/engine/task"
	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/internal/oracle"
)

// extend adds to a drawn pipeline what worlds have got later, too.
func (f *folded) extend() {
	p, diagnostics := configs.Parse("fold.yaml", []byte(f.shape.text), configs.Options{ReadFile: func(string) ([]byte, error) { return f.version, nil }})
	require.False(f.t, diagnostics.HasErrors(), "%s\n%s", diagnostics, f.shape.text)
	f.shape.text = additions{f.more, p}.to(f.shape.text, 3)
	f.meter = &meter{rng: f.more}
	f.measured = 0
}

// measure folds what a device measures that does so often and in order, and is odd now and then.
func (f *folded) measure() {
	if !strings.Contains(f.shape.text, "anomaly:") || f.more.IntN(24) > 0 && f.measured > 0 {
		return
	}
	step := event.Time([]int{50, 300, 1_000, 4_000}[f.more.IntN(4)])
	for range 10 + f.more.IntN(60) {
		var all []string
		for range 10 {
			f.wall += step
			f.measured++
			all = append(all, f.measurement())
		}
		f.mono = int64(f.wall)
		r := oracle.SourceRecord{Offset: f.in.Committed, Append: f.wall, Stamped: true, Key: []byte("k"), Value: []byte("[" + strings.Join(all, ",") + "]")}
		f.in.Source = append(f.in.Source, r)
		f.in.Committed++
		require.NoError(f.t, f.task.Fold([]task.Record{{Offset: r.Offset, Append: r.Append, Key: r.Key, Value: r.Value}}))
	}
	require.True(f.t, f.task.Counters().Conserved())
}

func (f *folded) measurement() string {
	value := f.meter.next(f.measured)
	if f.shape.wide {
		return fmt.Sprintf(`{"device":"meter","a":%.3f,"b":%.3f,"ts":%d,"seq":%d}`, value, value+1, f.wall, f.measured)
	}
	metric := "a"
	if f.more.IntN(4) == 0 {
		metric = "b"
	}
	return fmt.Sprintf(`{"device":"meter","metric":%q,"value":%.3f,"ts":%d,"seq":%d}`, metric, value, f.wall, f.measured)
}

// alarms counts the anomalies that began.
func (f *folded) alarms() (n int) {
	for _, r := range f.in.Outputs[f.plan.Pipeline.Alerts.Topic] {
		if bytes.Contains(r.Value, []byte(`"anomaly":`)) && began(r.Value) {
			n++
		}
	}
	return n
}

// moreOf is a stream of chance for what has been added later.
func moreOf(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 100)) }
