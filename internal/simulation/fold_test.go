package simulation

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/engine/task"
	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/ingest/codec"
	"github.com/weirstream/weir/internal/oracle"
	"github.com/weirstream/weir/operators/roster"
	"github.com/weirstream/weir/statestore"
)

// folded is a task in memory, without brokers, and what the verifier needs to judge
// it. So it runs through a thousand times as many pipelines as a world of brokers.
type folded struct {
	*rand.Rand
	t       *testing.T
	shape   foldedShape
	plan    *task.Plan
	table   *statestore.Table
	task    *task.Task
	out     *task.Outputs
	in      oracle.Input
	wall    event.Time
	mono    int64
	version []byte
	sent    [][]byte
	behind  [5]event.Time
	age     int // of the names of devices: one who was forgotten does not come back, or says again what it said at the same times. But those of whom something is kept may

	commands  desk
	forgotten uint64
	seqs      [5]int

	more     *rand.Rand // another stream of chance
	meter    *meter
	measured int
}

// foldedShape is a pipeline that uses many features beside each other.
type foldedShape struct {
	text  string
	wide  bool
	named bool // a rule is on the silence of those whom the roster names
}

// TestFoldsAreVerified folds random readings under random pipelines. SEED=n runs
// one, SEEDS=n so many.
func TestFoldsAreVerified(t *testing.T) {
	from, n := uint64(1), 100
	if s := os.Getenv("SEEDS"); s != "" {
		n, _ = strconv.Atoi(s)
	}
	if s := os.Getenv("SEED"); s != "" {
		from, _ = strconv.ParseUint(s, 10, 64)
		n = 1
	}
	odd := 0
	defer func() { t.Logf("%d of %d folds had anomalies", odd, n) }()
	for seed := from; seed < from+uint64(n); seed++ {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			f := newFolded(t, seed)
			for range 20 + f.IntN(200) {
				f.step()
				f.measure()
			}
			f.advance(event.Time(f.IntN(3)) * 40_000)
			f.seal()
			report := oracle.Check(f.in)
			odd += min(1, f.alarms())
			if len(report.Differences) > 0 {
				t.Fatalf("SEED=%d\n%s\n%s", seed, f.shape.text, oracle.Lines(report.Differences[:min(3, len(report.Differences))]))
			}
		})
	}
}

func newFolded(t *testing.T, seed uint64) *folded {
	f := &folded{Rand: rand.New(rand.NewPCG(seed, 99)), t: t, more: moreOf(seed)}
	f.shape = f.drawShape()
	f.wall = []event.Time{1_772_366_400_000, 1_774_746_000_000 - 30_000, 1_793_494_800_000 - 30_000}[f.IntN(3)]
	f.version = f.drawRoster()
	f.extend()
	p, diagnostics := configs.Parse("fold.yaml", []byte(f.shape.text), configs.Options{ReadFile: func(string) ([]byte, error) { return f.version, nil }})
	require.False(t, diagnostics.HasErrors(), "%s\n%s", diagnostics, f.shape.text)
	p.State.ForgetAfter = []event.Time{150_000, 3_600_000}[f.IntN(2)] // soon enough to happen, though days are longer
	plan, err := task.Compile(p)
	require.NoError(t, err)
	f.plan = plan
	f.in = oracle.Input{Pipeline: p, Outputs: map[string][]oracle.OutputRecord{}}
	f.table = f.newTable()
	f.begin()
	f.seal()
	return f
}

func (f *folded) newTable() *statestore.Table {
	table, err := statestore.NewTable(f.plan.Layout, statestore.Options{TaskWords: task.TaskWords()})
	require.NoError(f.t, err)
	return table
}

func (f *folded) begin() {
	f.out = &task.Outputs{}
	f.out.Reset()
	p := f.plan.Pipeline
	r := p.Source.Reading
	decoder, err := codec.NewScanner(codec.Options{
		Device: r.Device, Metric: r.Metric, Time: r.Time, Unit: r.Unit, Value: r.Value, Seq: r.Seq, Wide: r.Metrics, Metrics: p.Metrics,
	})
	require.NoError(f.t, err)
	f.task = task.New(f.plan, f.table, f.out, task.Options{Decoder: decoder, HeaderDecoder: decoder})
	f.setCommands()
	f.setRoster()
}

func (f *folded) setRoster() {
	if f.plan.Pipeline.Roster == nil {
		return
	}
	r, err := roster.Parse(f.version)
	require.NoError(f.t, err)
	r, err = f.plan.FitRoster(r)
	require.NoError(f.t, err)
	f.in.Rosters = append(f.in.Rosters, f.version)
	f.task.SetRoster(r, f.in.Committed)
}

func (f *folded) drawRoster() []byte {
	var b strings.Builder
	b.WriteString("device,site,low,high,on\n")
	for i := range 4 {
		if i > 0 && f.IntN(6) == 0 {
			continue // nobody names it
		}
		limit := func() string {
			if f.IntN(4) == 0 {
				return ""
			}
			return strconv.Itoa(f.IntN(100))
		}
		site := []string{"a", "b", ""}[f.IntN(3)]
		if i == 0 && site == "" {
			site = "a" // or nothing shows that it is a column of texts
		}
		fmt.Fprintf(&b, "d%d-%d,%s,%s,%s,%v\n", i, f.age, site, limit(), limit(), f.IntN(2) == 0)
	}
	return []byte(b.String())
}

// take moves the outputs to the topics.
func (f *folded) take() {
	for i := range f.out.Len() {
		o := f.out.At(i)
		topic := f.plan.TopicName(o.Topic)
		if topic == f.plan.Pipeline.CommandsTopic {
			f.command(string(o.Key), slices.Clone(o.Value))
			continue
		}
		r := oracle.OutputRecord{Offset: int64(len(f.in.Outputs[topic])), Key: slices.Clone(o.Key), Value: slices.Clone(o.Value), ID: string(o.ID)}
		if o.Topic == task.AlertsTopic {
			r.Seq = strconv.FormatUint(o.Seq, 10)
		}
		f.in.Outputs[topic] = append(f.in.Outputs[topic], r)
	}
	f.out.Reset()
}

func (f *folded) seal() {
	f.take()
	h := statestore.Header{Seq: f.table.Seq() + 1, From: f.table.Header().To, To: f.in.Committed, Wall: f.task.Clock()}
	sealed := f.table.Seal(h, statestore.SealOptions{MaxPart: 100_000, Note: f.task.TakeFacts()})
	for _, part := range sealed.Parts {
		f.in.Journal = append(f.in.Journal, oracle.JournalRecord{Offset: int64(len(f.in.Journal)), Value: slices.Clone(part)})
	}
	f.table.Confirm(h.Seq)
}

func (f *folded) restart() {
	f.seal()
	f.table = f.newTable()
	var assembler statestore.Assembler
	for _, part := range f.in.Journal {
		record, err := assembler.Add(part.Value)
		require.NoError(f.t, err)
		if record != nil {
			require.NoError(f.t, f.table.Apply(record))
		}
	}
	require.NoError(f.t, f.table.FinishReplay())
	f.begin()
}

func (f *folded) advance(by event.Time) {
	f.wall += by
	f.mono += int64(by)
	f.task.Advance(task.Now{Wall: f.wall, Mono: f.mono, Position: f.in.Committed})
	forgotten := f.task.Counters().Forgotten
	if forgotten != f.forgotten && (!f.shape.named || f.IntN(2) == 0) {
		f.age, f.sent = f.age+1, nil
	}
	f.forgotten = forgotten
}

// step folds a few records, or does something else.
func (f *folded) step() {
	switch f.IntN(40) {
	case 0:
		f.restart()
	case 1:
		f.seal()
	case 2, 3:
		f.version = f.drawRoster()
		f.setRoster()
	case 4, 5, 6:
		f.advance(event.Time(f.IntN(20_000)))
	case 7:
		f.advance(200_000)
	case 8, 9, 10:
		f.operate()
	case 11: // both at once, and first of all that the next journal record tells: as at a start
		f.seal()
		f.operate()
		f.version = f.drawRoster()
		f.setRoster()
	}
	var records []task.Record
	for range 1 + f.IntN(4) {
		f.wall += event.Time([]int{0, 0, 100, 1_000, 3_000, 8_000}[f.IntN(6)])
		f.mono = int64(f.wall)
		value := f.message()
		r := oracle.SourceRecord{Offset: f.in.Committed, Append: f.wall, Stamped: true, Key: []byte("k"), Value: value}
		f.in.Source = append(f.in.Source, r)
		records = append(records, task.Record{Offset: r.Offset, Append: r.Append, Key: r.Key, Value: r.Value})
		f.in.Committed++
	}
	require.NoError(f.t, f.task.Fold(records))
	require.True(f.t, f.task.Counters().Conserved())
}

func (f *folded) message() []byte {
	if len(f.sent) > 0 && f.IntN(12) == 0 {
		return f.sent[max(0, len(f.sent)-1-f.IntN(10))]
	}
	text := f.object()
	if f.IntN(6) == 0 {
		for range f.IntN(4) {
			text += "," + f.object()
		}
		text = "[" + text + "]"
	}
	f.sent = append(f.sent, []byte(text))
	return []byte(text)
}

func (f *folded) object() string {
	d := f.IntN(5)
	if f.IntN(60) == 0 {
		f.behind[d] = []event.Time{0, 60_000, 3_600_000, 1_772_000_000_000}[f.IntN(4)]
	}
	at := f.wall - f.behind[d] - event.Time([]int{0, 0, 0, 500, 2_000, 6_000, 15_000, 40_000, -2_000, -6_000}[f.IntN(10)]) + event.Time(f.IntN(3))
	f.seqs[d]++
	time := fmt.Sprintf(`,"ts":%d`, at)
	if f.IntN(15) == 0 {
		time = ""
	}
	if f.IntN(40) == 0 {
		time = `,"ts":"x"`
	}
	seq := fmt.Sprintf(`,"seq":%d`, f.seqs[d])
	if f.IntN(15) == 0 {
		seq = ""
	}
	value := func() string {
		switch f.IntN(20) {
		case 0:
			return `"x"`
		case 1:
			return "null"
		case 2:
			return "true"
		case 3:
			return "-1.5e3"
		default:
			return strconv.Itoa(f.IntN(1000)-50) + "e-1"
		}
	}
	if !f.shape.wide {
		return fmt.Sprintf(`{"device":"d%d-%d","metric":%q,"value":%s%s%s}`, d, f.age, []string{"a", "a", "b", "c", "z"}[f.IntN(5)], value(), time, seq)
	}
	fields := ""
	for _, name := range []string{"a", "b", "c"} {
		if f.IntN(4) > 0 {
			fields += fmt.Sprintf(`,%q:%s`, name, value())
		}
	}
	return fmt.Sprintf(`{"device":"d%d-%d"%s%s%s}`, d, f.age, fields, time, seq)
}

func (f *folded) one(of ...string) string { return of[f.IntN(len(of))] }

func (f *folded) drawShape() foldedShape {
	s := foldedShape{wide: f.IntN(3) == 0}
	var b strings.Builder
	b.WriteString("name: fold\nkafka: {brokers: [\"b:9092\"]}\n")
	if s.wide {
		b.WriteString("source: {topic: readings, reading: {unit: ms, metrics: [a, b, c]}}\n")
	} else {
		b.WriteString("source: {topic: readings, reading: {unit: ms}}\n")
	}
	fmt.Fprintf(&b, "time: {wait_for_late: %s, idle_after: %s, max_future_skew: %s%s%s}\n", f.one("0s", "1s", "5s"), f.one("6s", "15s", "1m"), f.one("1s", "5s", "10s"),
		f.one("", ", late: update, allow_backfill: 7s", ", late: update, allow_backfill: 1m"), f.one("", ", reset_clock_after: 6s", ", reset_clock_after: 20s"))
	fmt.Fprintf(&b, "dedupe: {by: %s}\nstate: {forget_after: 7d}\n", f.one("off", "seq", "[device, metric, time]", "[device, metric, time], remember: 10s"))
	rosters := f.IntN(2) == 0
	if rosters {
		b.WriteString("devices: {roster: fleet.csv}\n")
	}
	label := func(with, without string) string {
		if rosters {
			return with
		}
		return without
	}
	if f.IntN(3) == 0 {
		where := f.one("value > -20", `metric != "b" or value < 60`, "time % 10 != 3", label(`labels.site != "b"`, "value != 3"), label("labels.on or value > labels.low", "100 / value > 1.5"))
		if s.wide && f.IntN(2) == 0 {
			where = f.one("not (a < 10)", "a + b > 30 or c > 0", "int(c) % 3 != 0")
		}
		fmt.Fprintf(&b, "where: %q\n", where)
	}
	metrics := []string{"a", "a", "b"}
	if f.IntN(2) == 0 {
		values := []string{"value * 2 - 20", "1 / (value - 50)", "value > 50 ? 100 : time % 50", label("value - labels.low", "value ** 2")}
		b.WriteString("derive:\n")
		for i := range 1 + f.IntN(2) {
			value := values[f.IntN(len(values))]
			if s.wide && f.IntN(2) == 0 {
				value = f.one("a - b", "c * 2 + a", "max(a, b, c)")
			}
			fmt.Fprintf(&b, "  x%d: {from: %s, value: %q}\n", i, f.one("a", "b"), value)
			metrics = append(metrics, fmt.Sprintf("x%d", i), fmt.Sprintf("x%d", i))
		}
	}
	windows := f.drawFoldWindows(&b, metrics)
	f.drawFoldRules(&b, windows, metrics, label)
	s.text = b.String()
	s.named = strings.Contains(s.text, "expect: roster")
	return s
}

// foldWindow is a window, and the result that rules look at.
type foldWindow struct {
	name, result string
	closes       bool
}

// drawFoldWindows draws windows, one of each metric at least.
func (f *folded) drawFoldWindows(b *strings.Builder, metrics []string) []foldWindow {
	b.WriteString("windows:\n")
	var windows []foldWindow
	used := map[string]bool{}
	kinds := []string{"tumbling: 10s", "tumbling: 7s, offset: 2s", "tumbling: 20s", "hopping: {size: 12s, every: 4s}", "hopping: {size: 20s, every: 10s}", "hopping: {size: 20s, every: 10s}, offset: 5s", "hopping: {size: 6s, every: 2s}, offset: 1s",
		"session: {gap: 3s}", "session: {gap: 8s}", "session: {gap: 20s}", "count: 1", "count: 4", "rolling: {size: 10s, resolution: 2s}", "rolling: 1s",
		"tumbling: 1d, timezone: Europe/Berlin, offset: 2h", "tumbling: 1d, timezone: Europe/Berlin, offset: 3h", "tumbling: 1d, timezone: Asia/Kolkata, offset: 6h30m"}
	if f.IntN(3) == 0 {
		kinds = []string{"tumbling: 10s", "tumbling: 20s", "hopping: {size: 20s, every: 10s}", "hopping: {size: 40s, every: 20s}"} // which share panes
	}
	add := func(metric string) {
		w := foldWindow{name: fmt.Sprintf("w%d", len(windows))}
		kind := f.one(kinds...)
		emit := f.one(", emit: {topic: out}", ", emit: {topic: out}", ", emit: {topic: other}", "")
		if !strings.HasPrefix(kind, "count") && !strings.HasPrefix(kind, "rolling") {
			emit = f.one(emit, ", emit: {topic: out, on: change}")
			w.closes = true
		}
		all := []string{"count", "sum", "min", "max", "mean", "range", "first", "last", "delta", "rate", "variance", "stddev", "median", "mode", "distinct", "slope", "integral",
			"time_weighted_mean", "p5", "p95", "p999"}
		if !strings.HasPrefix(kind, "count") {
			all = append(all, "ewma", "ewma", "ewma", "ewma", "ewma", "ewma") // whose states windows must not share
		}
		f.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		all = slices.Compact(all[:1+f.IntN(4)])
		slices.Sort(all)
		all = slices.Compact(all)
		w.result = f.one("max", "last", "min")
		if !slices.Contains(all, w.result) {
			all = append(all, w.result)
		}
		fmt.Fprintf(b, "  - {name: %s, metric: %s, %s, compute: [%s]%s}\n", w.name, metric, kind, strings.Join(all, ", "), emit)
		used[metric] = true
		windows = append(windows, w)
	}
	for range 1 + f.IntN(6) {
		add(metrics[f.IntN(len(metrics))])
	}
	for _, m := range metrics {
		if !used[m] {
			add(m)
		}
	}
	return windows
}

// drawFoldRules draws rules on all windows and some metrics.
func (f *folded) drawFoldRules(b *strings.Builder, windows []foldWindow, metrics []string, label func(with, without string) string) {
	b.WriteString("rules:\n")
	levels := func() string {
		return f.one("{warning: {above: 40, clear_below: 30}, critical: {above: 70}}", "{warning: {above: 30}, critical: {above: 50, clear_below: 20, hold: 4s}}", "{low: {below: 20, clear_above: 40, hold: 2s}}",
			label("{warning: {above: labels.low}, critical: {above: labels.high, clear_below: labels.low, hold: 3s}}", "{low: {below: 10}}"),
			label("{low: {below: labels.high, hold: 1s}}", "{low: {below: 50, hold: 9s}}"))
	}
	for i, w := range windows {
		for k := range 1 + f.IntN(2) {
			message := ""
			if f.IntN(3) == 0 {
				message = ", message: \"{{device}} {{level}} {{value}} {{threshold}} {{active_for}} {{window.start}} " + label("{{labels.site}}{{labels.low}}", "") + "\""
			}
			fmt.Fprintf(b, "  - {name: r%d-%d, when: %s.%s, levels: %s%s%s}\n", i, k, w.name, w.result, levels(), manner(ruled{closes: w.closes}, f.Rand), message)
		}
	}
	for i, m := range slices.Compact(slices.Sorted(slices.Values(metrics))) {
		if f.IntN(2) == 0 {
			fmt.Fprintf(b, "  - {name: m%d, when: %s, levels: %s%s}\n", i, m, levels(), manner(ruled{}, f.Rand))
		}
	}
	onSilence(b, label("named", "") != "", 15, f.Rand)
	f.drawFormulas(b, windows, metrics, label)
	drawInhibit(b, label("named", "") != "", f.Rand)
}
