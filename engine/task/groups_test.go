package task

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weirstream/weir/event"
)

const groupPipeline = `
dedupe: {by: off}
time: {wait_for_late: 5s, idle_after: 20s, max_future_skew: 1m}
windows:
- {name: all, metric: temperature, tumbling: 30s, offset: 7s, by: all, compute: [count, sum, min, max], emit: {topic: aggregates}}
- {name: site, metric: temperature, hopping: {size: 40s, every: 10s}, by: all, compute: [count, sum, last, ewma], emit: {topic: aggregates}}
- {name: site2, metric: humidity, tumbling: 1m, by: all, compute: [max, count], emit: {topic: aggregates}}
- {name: own, metric: temperature, tumbling: 30s, compute: [count], emit: {topic: own}}
`

// journey is a reading on its way to the group tasks.
type journey struct {
	device, metric string
	at, appended   event.Time
	value          int
}

// drawFleet draws the readings of each partition, none of them later than
// wait_for_late behind its append time.
func drawFleet(t *rapid.T, partitions int) [][]journey {
	fleet := make([][]journey, partitions)
	for p := range fleet {
		appended := scriptDay + 43_200_000
		used := map[event.Time]bool{} // no two at one time, so that the last one is one
		for range rapid.IntRange(0, 40).Draw(t, "readings") {
			appended += event.Time(rapid.SampledFrom([]int{0, 500, 3_000, 9_999, 30_000, 70_000}).Draw(t, "passed"))
			j := journey{
				device:   fmt.Sprintf("%s-%d", rapid.SampledFrom([]string{"h", "b", "x"}).Draw(t, "site"), 2*rapid.IntRange(0, 1).Draw(t, "device")+10*p),
				metric:   rapid.SampledFrom([]string{"temperature", "temperature", "humidity"}).Draw(t, "metric"),
				appended: appended, value: rapid.IntRange(-50, 50).Draw(t, "value"),
				at: appended - event.Time(rapid.SampledFrom([]int{0, 10, 2_000, 5_000, -3_000, -59_000}).Draw(t, "lag")),
			}
			for used[j.at] || int(j.at)%partitions != p {
				j.at++
			}
			used[j.at] = true
			fleet[p] = append(fleet[p], j)
		}
	}
	return fleet
}

// content is what a window over several devices holds in the end.
type content struct {
	values []int
	times  []event.Time
	last   event.Time
	lastV  int
}

// faded is the mean with weights that halve with every quarter of the window's length
// that a reading is older than the newest.
func (c *content) faded(size time.Duration) float64 {
	total, weights := 0.0, 0.0
	for i, v := range c.values {
		w := math.Exp2(-float64(c.last-c.times[i]) / float64(size.Milliseconds()/4))
		total, weights = total+w*float64(v), weights+w
	}
	return toMillionth(total / weights)
}

func toMillionth(v float64) float64 { return math.Round(v*1e6)/1e6 + 0 }

// naive is what the windows of groupPipeline over several devices hold in the end.
func naive(fleet [][]journey) map[string]string {
	windows := map[string]*content{}
	add := func(name, group string, start event.Time, j journey) {
		key := fmt.Sprint(name, " ", group, " ", stamp(start))
		if windows[key] == nil {
			windows[key] = &content{}
		}
		c := windows[key]
		c.values, c.times = append(c.values, j.value), append(c.times, j.at)
		if j.at >= c.last {
			c.last, c.lastV = j.at, j.value
		}
	}
	for _, journeys := range fleet {
		for _, j := range journeys {
			site := string(siteOf([]byte(j.device), "site"))
			if j.metric == "humidity" {
				if site != "" {
					add("site2", site, j.at-j.at%60_000, j)
				}
				continue
			}
			add("all", "all", j.at-(j.at-7_000)%30_000, j)
			for start := j.at - j.at%10_000; start > j.at-40_000 && site != ""; start -= 10_000 {
				add("site", site, start, j)
			}
		}
	}
	said := map[string]string{}
	for key, c := range windows {
		sum := 0
		for _, v := range c.values {
			sum += v
		}
		n, least, most := len(c.values), slices.Min(c.values), slices.Max(c.values)
		switch name, _, _ := strings.Cut(key, " "); name {
		case "all":
			said[key] = fmt.Sprintf(`"count":%d,"sum":%d,"min":%d,"max":%d}`, n, sum, least, most)
		case "site":
			said[key] = fmt.Sprintf(`"count":%d,"sum":%d,"last":%d,"ewma":%g}`, n, sum, c.lastV, c.faded(40*time.Second))
		default:
			said[key] = fmt.Sprintf(`"max":%d,"count":%d}`, most, n)
		}
	}
	return said
}

// rounded cuts the last digits of ewma, which depend on the order of additions.
func rounded(results string) string {
	before, value, found := strings.Cut(results, `"ewma":`)
	if v, err := strconv.ParseFloat(strings.TrimSuffix(value, "}"), 64); found && err == nil {
		return fmt.Sprintf(`%s"ewma":%g}`, before, toMillionth(v))
	}
	return results
}

// finals are the final results of windows over several devices, each of which
// there is once.
func finals(t require.TestingT, all []said) map[string]string {
	found := map[string]string{}
	for _, o := range all {
		var r struct {
			Window, Group, Start string
			Final                bool
		}
		require.NoError(t, json.Unmarshal([]byte(o.value), &r), o.value)
		if r.Group == "" || !r.Final {
			continue
		}
		key := r.Window + " " + r.Group + " " + r.Start
		require.NotContains(t, found, key, "twice")
		_, results, _ := strings.Cut(o.value, `"final":true,`)
		found[key] = rounded(strings.TrimPrefix(results, `"corrects_alert":true,`))
	}
	return found
}

// Whatever the order in which partitions get on, however far one of them is
// behind, and wherever tasks are recovered: as long as no reading comes later
// than wait_for_late, a window over several devices is what it would be if all
// readings had gone into it one by one, and nobody is late.
func TestGroupsAreTheNaiveWindows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		partitions := rapid.IntRange(1, 3).Draw(t, "partitions")
		fleet := drawFleet(t, partitions)
		w := newWorks(t, groupPipeline, partitions)
		at := make([]int, partitions)
		w.wall = scriptDay + 43_200_000
		last := w.wall
		for {
			var behind []int
			for p := range fleet {
				if at[p] < len(fleet[p]) {
					behind = append(behind, p)
				}
			}
			if len(behind) == 0 {
				break
			}
			p := rapid.SampledFrom(behind).Draw(t, "next")
			n := rapid.IntRange(1, len(fleet[p])-at[p]).Draw(t, "records")
			var records []Record
			for _, j := range fleet[p][at[p] : at[p]+n] {
				r := reading{device: j.device, metric: j.metric, at: j.at, appended: j.appended, value: strconv.Itoa(j.value), seq: -1}
				records = append(records, r.record())
				last = max(last, j.appended)
			}
			at[p] += n
			w.wall += event.Time(rapid.SampledFrom([]int{0, 1_000, 30_000}).Draw(t, "wall"))
			w.fold(p, records...)
			switch rapid.IntRange(0, 7).Draw(t, "then") {
			case 0:
				w.devices[p].restart()
			case 1:
				w.groups[rapid.IntRange(0, partitions-1).Draw(t, "group")].restart()
			case 2:
				w.advance(w.devices[p], records[len(records)-1].Append)
			case 3:
				w.advance(w.groups[0], w.wall)
			default:
				w.deliver(rapid.IntRange(-1, 5).Draw(t, "deliver"))
			}
		}
		for _, p := range w.devices {
			w.advance(p, last+200_000)
		}
		w.wall += 1_000
		w.deliver(-1)
		require.Zero(t, w.total(w.groups).Late)
		require.Zero(t, w.total(w.groups).Bad)
		require.Zero(t, w.total(w.groups).Open)
		for _, p := range w.groups {
			require.Empty(t, p.task.groups.ahead)
		}
		sameResults(t, naive(fleet), finals(t, w.said))
		ungrouped := uint64(0)
		for _, j := range slices.Concat(fleet...) {
			if siteOf([]byte(j.device), "site") == nil {
				ungrouped++
			}
		}
		require.Equal(t, ungrouped, w.total(w.devices).Ungrouped)
	})
}

func sameResults(t require.TestingT, want, got map[string]string) {
	var keys []string
	for key := range want {
		keys = append(keys, key)
	}
	for key := range got {
		if _, ok := want[key]; !ok {
			keys = append(keys, key)
		}
	}
	sort.Strings(keys)
	for _, key := range keys {
		require.Equal(t, want[key], got[key], key)
	}
}

// How records are cut into batches changes neither partials nor watermarks, nor
// what groups make of them.
func TestChunksOfGroupsGiveTheSameBytes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var records []Record
		for _, j := range drawFleet(t, 1)[0] {
			r := reading{device: j.device, metric: j.metric, at: j.at, appended: j.appended, value: strconv.Itoa(j.value), seq: -1}
			records = append(records, r.record())
		}
		one, all := newWorks(t, groupPipeline, 1), newWorks(t, groupPipeline, 1)
		for _, r := range records {
			one.fold(0, r)
			one.deliver(-1)
		}
		all.fold(0, records...)
		all.deliver(-1)
		sameSaid(t, one.sent, all.sent)
		require.Equal(t, one.groups[0].task.Counters(), all.groups[0].task.Counters())
		sort := func(list []said) []said { // of two tasks, in the order of topics
			slices.SortStableFunc(list, func(a, b said) int { return strings.Compare(a.topic, b.topic) })
			return list
		}
		sameSaid(t, sort(one.said), sort(all.said))
	})
}

// Readings that come as late as they like are each in a final result, or in
// a partial that came too late, or were late for their device.
func TestNoReadingOfAGroupIsLost(t *testing.T) {
	const pipeline = `
dedupe: {by: off}
time: {wait_for_late: 5s, idle_after: 20s, max_future_skew: 1m%s}
windows:
- {name: all, metric: temperature, tumbling: 30s, by: all, compute: [count], emit: {topic: aggregates}}
`
	rapid.Check(t, func(t *rapid.T) {
		update := rapid.Bool().Draw(t, "update")
		text := fmt.Sprintf(pipeline, "")
		if update {
			text = fmt.Sprintf(pipeline, ", late: update, allow_backfill: 2m")
		}
		w := newWorks(t, text, 2)
		appended := []event.Time{scriptDay + 43_200_000, scriptDay + 43_200_000}
		w.wall = appended[0]
		for range rapid.IntRange(1, 60).Draw(t, "readings") {
			p := rapid.IntRange(0, 1).Draw(t, "partition")
			appended[p] += event.Time(rapid.SampledFrom([]int{0, 1_000, 10_000, 60_000}).Draw(t, "passed"))
			lag := event.Time(rapid.SampledFrom([]int{0, 0, 7_000, 40_000, 100_000, 3_600_000, -30_000}).Draw(t, "lag"))
			r := reading{device: fmt.Sprintf("d-%d%d", rapid.IntRange(0, 1).Draw(t, "device"), p), metric: "temperature", at: appended[p] - lag, appended: appended[p], value: "1", seq: -1}
			w.wall = max(w.wall, appended[p])
			w.fold(p, r.record())
			switch rapid.IntRange(0, 5).Draw(t, "then") {
			case 0:
				w.advance(w.devices[p], appended[p])
			case 1:
				w.devices[p].restart()
			case 2:
				w.groups[0].restart()
			default:
				w.deliver(-1)
			}
		}
		for _, p := range w.devices {
			w.advance(p, slices.Max(appended)+600_000)
		}
		w.deliver(-1)
		latest, late := map[string]uint64{}, uint64(0)
		revisions := map[string]int{}
		for _, o := range w.said {
			var r struct {
				Start, Reason, Group string
				Count, Readings      uint64
				Revision             int
				Final                bool
				Upstream             *int `json:"upstream_partition"`
			}
			require.NoError(t, json.Unmarshal([]byte(o.value), &r))
			if r.Upstream != nil {
				late += r.Readings
				continue
			}
			if r.Group == "" {
				continue
			}
			require.Less(t, revisions[r.Start], r.Revision, o.value)
			require.GreaterOrEqual(t, r.Count, latest[r.Start])
			revisions[r.Start], latest[r.Start] = r.Revision, r.Count
		}
		sum := late
		for _, n := range latest {
			sum += n
		}
		require.Equal(t, w.total(w.devices).Processed, sum)
		require.Zero(t, w.total(w.groups).Open)
		require.True(t, w.total(w.groups).Conserved())
	})
}

// The record of a partial reads back as it was, and what is no such record is
// refused.
func FuzzPartialRecord(f *testing.F) {
	p := newWorks(f, groupPipeline, 1).devices[0]
	r := reading{device: "h-1", metric: "temperature", at: scriptDay, appended: scriptDay, value: "3", seq: -1}
	require.NoError(f, p.task.Fold([]Record{r.record()}))
	p.task.Advance(Now{Wall: scriptDay + 100_000})
	for i := range p.out.Len() {
		f.Add(p.out.At(i).Value)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var r partialRecord
		w := newWorks(t, groupPipeline, 2)
		require.NoError(t, w.groups[1].fold(Record{Append: scriptDay, Key: []byte("all"), Value: b}))
		if r.parse(b) != nil {
			require.Equal(t, uint64(1), w.groups[1].task.Counters().Bad)
			return
		}
		var again []byte
		if r.kind == kindWatermark {
			again = appendWatermark(nil, upstream{r.partition, r.partitions}, r.watermark)
		} else {
			again = appendPartial(nil, partialHead{window: r.window, device: r.device, shape: r.shape, partition: r.partition}, &r.partial)
		}
		var back partialRecord
		require.NoError(t, back.parse(again))
		require.Equal(t, r, back)
	})
}
