package replay

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/engine/task"
	"github.com/weirstream/weir/event"
)

const historyPipeline = `
name: history
kafka: {brokers: ["localhost:9092"]}
source: {topic: readings}
time: {idle_after: 2m, wait_for_late: 5s}
windows:
- {name: w, metric: m, tumbling: 1m, compute: [max, count], emit: {topic: aggregates}}
rules:
- {name: high, when: w.max, levels: {warning: {above: 50, clear_below: 30}, alarm: {above: 80, hold: 2m}}}
- {name: low, when: m, levels: {warning: {below: 20}}}
state: {forget_after: 10m}
`

const day = event.Time(1_772_323_200_000)

// randomHistory is what some devices say in a few hours, with silences long enough
// to be noticed and to be forgotten over, in the order of time.
func randomHistory(seed uint64, devices int) (records []task.Record) {
	random := rand.New(rand.NewPCG(seed, 1))
	reading := configs.Reading{Device: "device", Metric: "metric", Time: "ts", Value: "value", Seq: "seq"}
	for d := range devices {
		at, device := day+event.Time(random.IntN(60_000)), fmt.Sprintf("d%d", d)
		for range 200 {
			switch random.IntN(40) {
			case 0:
				at += event.Time(random.IntN(600_000))
			case 1:
				at += event.Time(random.IntN(3_600_000))
			default:
				at += event.Time(random.IntN(20_000))
			}
			m := message{device: device, at: at - event.Time(random.IntN(3000)), seq: -1, values: []metricValue{{"m", float64(random.IntN(100))}}}
			records = append(records, task.Record{Append: at, Key: []byte(device), Value: m.encode(&reading)})
		}
	}
	slices.SortStableFunc(records, func(a, b task.Record) int { return cmp.Compare(a.Append, b.Append) })
	return records
}

// played is what came of a history.
type played struct {
	alerts   []string
	outputs  []string
	counters task.Counters
	devices  int
	episodes []Episode
}

// play folds records in batches, spread by device over so many tasks.
func play(t require.TestingT, p *configs.Pipeline, records []task.Record, partitions, batch int) (out played) {
	last := records[len(records)-1].Append
	for part := range partitions {
		log := NewLog(p)
		o := options(p)
		o.Watch = log.Watch
		o.Alert = func(a Alert) {
			log.Alert(a)
			out.alerts = append(out.alerts, fmt.Sprintf("%s %s %s %s %d %d", a.Device, a.Rule, a.State, a.Level, a.At, a.Number))
		}
		o.Output = func(topic string, r task.Output) {
			if topic == "aggregates" {
				out.outputs = append(out.outputs, string(r.Value))
			}
		}
		r, err := New(p, o)
		require.NoError(t, err)
		var own []task.Record
		for _, rec := range records {
			if int(rec.Key[1]-'0')%partitions == part {
				rec.Offset = int64(len(own))
				own = append(own, rec)
			}
		}
		for chunk := range slices.Chunk(own, batch) {
			require.NoError(t, r.Fold(chunk))
		}
		require.NoError(t, r.Advance(last))
		out.counters = out.counters.Add(r.Counters())
		out.devices += r.Devices()
		out.episodes = append(out.episodes, log.Close(last)...)
	}
	slices.Sort(out.alerts)
	slices.Sort(out.outputs)
	SortEpisodes(out.episodes)
	return out
}

// What comes of history depends neither on how it is cut into batches nor on how
// many tasks share it: silence and forgetting are a matter of each device.
func TestHistoryIsTheSameHoweverItIsShared(t *testing.T) {
	p := parse(t, "p.yaml", historyPipeline)
	rapid.Check(t, func(t *rapid.T) {
		records := randomHistory(rapid.Uint64().Draw(t, "seed"), 6)
		one := play(t, p, records, 1, len(records))
		require.True(t, one.counters.Conserved())
		require.Equal(t, 6, one.devices)
		require.Positive(t, one.counters.Forgotten)
		many := play(t, p, records, rapid.IntRange(1, 6).Draw(t, "tasks"), rapid.IntRange(1, 300).Draw(t, "batch"))
		require.Equal(t, one, many)
	})
}

// The peak of an episode is the worst of all that the rule looked at while it
// lasted, and an episode is open exactly where no event has ended it.
func TestPeaks(t *testing.T) {
	p := parse(t, "p.yaml", historyPipeline)
	records := randomHistory(5, 3)
	worst := map[string]float64{}
	log := NewLog(p)
	o := options(p)
	o.Alert = log.Alert
	o.Watch = func(w task.Watched) {
		log.Watch(w)
		key := fmt.Sprint(p.Rules[w.Rule].Name, string(w.Device), w.Episode)
		best, known := worst[key]
		if low := p.Rules[w.Rule].Name == "low"; !known || low && w.Value < best || !low && w.Value > best {
			worst[key] = w.Value
		}
	}
	r, err := New(p, o)
	require.NoError(t, err)
	require.NoError(t, r.Fold(records))
	all := log.Close(r.Clock())
	require.NotEmpty(t, all)
	levels := map[string]int{}
	for _, e := range all {
		assert.Equal(t, worst[fmt.Sprint(e.Rule, e.Device, e.Began)], e.Peak, "%+v", e)
		levels[e.Rule+" "+e.Level]++
		if e.Rule == "low" {
			assert.Less(t, e.Peak, 20.0)
		} else {
			assert.Greater(t, e.Peak, 50.0)
		}
		assert.GreaterOrEqual(t, e.End, e.Start)
	}
	assert.Positive(t, levels["high warning"])
	assert.Positive(t, levels["high alarm"])
	assert.Empty(t, log.peaks, "peaks of episodes that are over are forgotten")
}

func episode(device string, start, end event.Time) Episode {
	return Episode{Rule: "high", Device: device, Level: "warning", Fired: true, Start: start, End: end}
}

func TestSummary(t *testing.T) {
	p := parse(t, "p.yaml", historyPipeline)
	const minute = 60_000
	open := episode("a", 60*minute, 100*minute)
	open.Open = true
	all := []Episode{
		episode("a", 0, 5*minute), episode("b", 6*minute, 7*minute), episode("a", 15*minute-1, 16*minute), episode("a", 26*minute, 27*minute), open,
		{Rule: "high", Device: "c", Began: 3},
	}
	sums := Summarize(p, all, History{First: 0, Last: 7 * 86_400_000 / 2, Devices: 5})
	assert.Equal(t, []RuleSummary{
		{Rule: "high", Episodes: 5, Pending: 1, Open: 1, Devices: 2, Firing: 48*minute + 1, Flaps: 1, PerDeviceWeek: 2},
		{Rule: "low"},
	}, sums)
	assert.Zero(t, Summarize(p, all, History{})[0].PerDeviceWeek)
}

func TestCompare(t *testing.T) {
	then := []Episode{episode("a", 0, 10), episode("a", 20, 30), episode("b", 5, 5), episode("a", 40, 100), episode("c", 50, 60)}
	now := []Episode{episode("a", 0, 10), episode("a", 12, 18), episode("a", 25, 35), episode("b", 5, 5), episode("a", 45, 50), episode("a", 60, 70)}
	louder := episode("c", 50, 60)
	louder.Level = "alarm"
	now = append(now, louder, Episode{Rule: "high", Device: "d", Began: 3})
	var said []string
	for _, p := range Compare(then, now) {
		text := ""
		for _, e := range []*Episode{p.Then, p.Now} {
			if e == nil {
				text += " -"
				continue
			}
			text += fmt.Sprintf(" %s[%d,%d]", e.Device, e.Start, e.End)
		}
		said = append(said, [...]string{"same", "changed", "only then", "only now"}[p.Change]+text)
	}
	assert.Equal(t, []string{
		"same a[0,10] a[0,10]", "same b[5,5] b[5,5]", "only now - a[12,18]", "changed a[20,30] a[25,35]", "changed a[40,100] a[45,50]",
		"changed c[50,60] c[50,60]", "only now - a[60,70]",
	}, said)
}

// Every episode is in exactly one pair, and a run compared with itself is the same.
func TestComparePairsAll(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func(name string) (all []Episode) {
			at := map[string]event.Time{}
			for range rapid.IntRange(0, 12).Draw(t, name) {
				device := rapid.SampledFrom([]string{"a", "b"}).Draw(t, "device")
				start := at[device] + event.Time(rapid.IntRange(0, 5).Draw(t, "pause"))
				at[device] = start + event.Time(rapid.IntRange(0, 5).Draw(t, "length"))
				all = append(all, episode(device, start, at[device]))
			}
			SortEpisodes(all)
			return all
		}
		then, now := draw("then"), draw("now")
		seen := map[*Episode]int{}
		for _, p := range Compare(then, now) {
			for _, e := range []*Episode{p.Then, p.Now} {
				if e != nil {
					seen[e]++
				}
			}
			if p.Change == Same || p.Change == Changed {
				require.Equal(t, p.Then.Device, p.Now.Device)
				require.Less(t, max(p.Then.Start, p.Now.Start), min(p.Then.over(), p.Now.over()))
			}
		}
		require.Len(t, seen, len(then)+len(now))
		for _, n := range seen {
			require.Equal(t, 1, n)
		}
		for _, p := range Compare(then, then) {
			require.Equal(t, Same, p.Change)
		}
	})
}

// Folding history takes no memory for readings of devices that are quiet.
func TestFoldingAllocatesNothingPerReading(t *testing.T) {
	p := parse(t, "p.yaml", historyPipeline)
	log := NewLog(p)
	o := options(p)
	o.Alert, o.Watch = log.Alert, log.Watch
	r, err := New(p, o)
	require.NoError(t, err)
	reading := configs.Reading{Device: "device", Metric: "metric", Value: "value"}
	records := make([]task.Record, 1000)
	at := day
	fill := func() {
		for i := range records {
			at += 10
			records[i].Append = at
			records[i].Offset++
		}
	}
	for i := range records {
		records[i].Value = (&message{device: fmt.Sprint("d", i%10), seq: -1, values: []metricValue{{"m", 40}}}).encode(&reading)
	}
	for range 100 {
		fill()
		require.NoError(t, r.Fold(records))
	}
	allocs := testing.AllocsPerRun(20, func() {
		fill()
		if err := r.Fold(records); err != nil {
			panic(err)
		}
	})
	require.Less(t, allocs, 50.0, "of 1,000 readings: facts of the journal are encoded")
}
