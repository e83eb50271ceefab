package task

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weirstream/weir/event"
)

const kindsPipeline = `
dedupe: {by: off}
time: {wait_for_late: 5s, idle_after: 20s, max_future_skew: 1m}
windows:
- {name: visits, metric: temperature, session: 40s, by: all, compute: [count, sum, min, max, last], emit: {topic: aggregates}}
- {name: site_visits, metric: temperature, session: 25s, by: all, compute: [count, sum, first], emit: {topic: aggregates, on: change}}
- {name: recent, metric: temperature, rolling: {size: 40s, resolution: 10s}, by: all, compute: [count, sum], emit: {topic: aggregates}}
- {name: site_live, metric: humidity, hopping: {size: 40s, every: 20s}, by: all, compute: [count, sum], emit: {topic: aggregates, on: change}}
- {name: newest, metric: humidity, count: 5, by: all, compute: [count, sum], emit: {topic: aggregates}}
rules:
- {name: long, when: visits.count, levels: {alarm: {above: 3}}}
- {name: hot, when: newest.sum, levels: {warn: {above: 20}, alarm: {above: 40, hold: 10s}}}
`

// naiveKinds is what the windows of kindsPipeline that close hold in the end.
func naiveKinds(fleet [][]journey) map[string]string {
	said, series := map[string]string{}, map[string][]journey{}
	for _, j := range slices.Concat(fleet...) {
		groups := []string{"all"}
		if site := siteOf([]byte(j.device), "site"); site != nil {
			groups = append(groups, string(site))
		}
		for _, g := range groups {
			series[g+" "+j.metric] = append(series[g+" "+j.metric], j)
		}
	}
	for key, all := range series {
		group, metric, _ := strings.Cut(key, " ")
		slices.SortFunc(all, func(a, b journey) int { return cmp.Compare(a.at, b.at) })
		switch {
		case metric == "humidity" && group != "all":
			naiveSpans(said, "site_live "+group, all, 20_000)
		case metric == "humidity":
		case group == "all":
			naiveSessions(said, "visits "+group, all, 40_000)
			naiveSpans(said, "recent "+group, all, 10_000)
		default:
			naiveSessions(said, "site_visits "+group, all, 25_000)
		}
	}
	return said
}

// naiveSpans is windows of 40 seconds.
func naiveSpans(said map[string]string, name string, all []journey, every event.Time) {
	count, sum := map[event.Time]int{}, map[event.Time]int{}
	for _, j := range all {
		for start := j.at - j.at%every; start > j.at-40_000; start -= every {
			count[start]++
			sum[start] += j.value
		}
	}
	for start, n := range count {
		said[name+" "+stamp(start)] = fmt.Sprintf(`"count":%d,"sum":%d}`, n, sum[start])
	}
}

func naiveSessions(said map[string]string, name string, all []journey, gap event.Time) {
	for len(all) > 0 {
		n := 1
		for n < len(all) && all[n].at-all[n-1].at < gap {
			n++
		}
		sum, least, most := 0, all[0].value, all[0].value
		for _, j := range all[:n] {
			sum, least, most = sum+j.value, min(least, j.value), max(most, j.value)
		}
		text := fmt.Sprintf(`"count":%d,"sum":%d,"min":%d,"max":%d,"last":%d}`, n, sum, least, most, all[n-1].value)
		if strings.HasPrefix(name, "site") {
			text = fmt.Sprintf(`"count":%d,"sum":%d,"first":%d}`, n, sum, all[0].value)
		}
		said[name+" "+stamp(all[0].at)] = text
		all = all[n:]
	}
}

// Sessions, rolling windows and windows that speak at every reading are over several
// devices what they would be if all readings had gone into them one by one,
// whatever comes first, wherever tasks are recovered and whichever order partials
// have between two watermarks.
func TestKindsOfGroupsAreTheNaiveWindows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		partitions := rapid.IntRange(1, 3).Draw(t, "partitions")
		fleet := drawFleet(t, partitions)
		w := newWorks(t, kindsPipeline, partitions)
		w.wall = scriptDay + 43_200_000
		last := w.wall
		for at := make([]int, partitions); ; {
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
			j := fleet[p][at[p]]
			at[p]++
			last = max(last, j.appended)
			w.wall += event.Time(rapid.SampledFrom([]int{0, 1_000, 30_000}).Draw(t, "wall"))
			w.fold(p, j.record())
			switch rapid.IntRange(0, 9).Draw(t, "then") {
			case 0:
				w.devices[p].restart()
			case 1:
				w.groups[rapid.IntRange(0, partitions-1).Draw(t, "group")].restart()
			case 2:
				w.advance(w.devices[p], j.appended)
			case 3:
				w.advance(w.groups[0], w.wall)
			case 4, 5:
				w.shuffle(t)
			case 6:
				w.deliver(-1)
			}
		}
		for _, p := range w.devices {
			w.advance(p, last+200_000)
		}
		w.wall += 1_000
		w.shuffle(t)
		w.deliver(-1)
		require.Zero(t, w.total(w.groups).Late)
		require.Zero(t, w.total(w.groups).Bad)
		require.Zero(t, w.total(w.groups).Open)
		sameResults(t, naiveKinds(fleet), finals(t, unmerged(w.said)))
		growing(t, w.said)
		newest(t, fleet, w.said)
	})
}

func (j journey) record() Record {
	r := reading{device: j.device, metric: j.metric, at: j.at, appended: j.appended, value: strconv.Itoa(j.value), seq: -1}
	return r.record()
}

// shuffle puts the partials that group tasks have not folded yet in another order
// where no watermark parts them.
func (w *works) shuffle(t *rapid.T) {
	for q := range w.topic {
		rest := w.topic[q][w.folded[q]:]
		for len(rest) > 0 {
			n := slices.IndexFunc(rest, func(r Record) bool { return r.Key == nil })
			if n < 0 {
				n = len(rest)
			}
			copy(rest[:n], rapid.Permutation(slices.Clone(rest[:n])).Draw(t, "order"))
			rest = rest[min(n+1, len(rest)):]
		}
	}
}

// unmerged leaves out alerts, and what says that a session is part of another now.
func unmerged(all []said) []said {
	return slices.DeleteFunc(slices.Clone(all), func(o said) bool { return isAlert(o) || strings.Contains(o.value, `"merged_into"`) })
}

func isAlert(o said) bool { return strings.HasPrefix(o.value, `{"schema":"weir.alert`) }

// growing checks that revisions of each window of time grow, and that nothing
// follows a merged session.
func growing(t require.TestingT, all []said) {
	said := map[string]int{}
	for _, o := range all {
		if isAlert(o) {
			continue
		}
		var r struct {
			Window, Group, Start, End string
			Revision                  int
		}
		require.NoError(t, json.Unmarshal([]byte(o.value), &r))
		if r.Window == "newest" || r.Group == "" || r.Revision == 0 {
			continue
		}
		key := r.Window + r.Group + r.Start
		if !strings.Contains(r.Window, "visits") {
			key += r.End
		}
		require.Less(t, said[key], r.Revision, o.value)
		said[key] = r.Revision
	}
}

// newest checks what the count window said last.
func newest(t require.TestingT, fleet [][]journey, all []said) {
	var wet []journey
	for _, j := range slices.Concat(fleet...) {
		if j.metric == "humidity" {
			j.at = min(j.at, j.appended)
			wet = append(wet, j)
		}
	}
	var heard string
	for _, o := range all {
		if strings.Contains(o.value, `"window":"newest"`) && strings.Contains(o.value, `"revision":1`) {
			heard = o.value
		}
	}
	if len(wet) < 5 {
		require.Empty(t, heard)
		return
	}
	slices.SortStableFunc(wet, func(a, b journey) int { return cmp.Compare(a.at, b.at) })
	least, sum := wet[len(wet)-5].at, 0
	for _, j := range wet[len(wet)-5:] {
		sum += j.value
	}
	if len(wet) > 5 && wet[len(wet)-6].at == least {
		return // of equal times the later arrival counts
	}
	require.Contains(t, heard, fmt.Sprintf(`"start":"%s"`, stamp(least)))
	require.Contains(t, heard, fmt.Sprintf(`"sum":%d}`, sum))
}

const latePipeline = `
dedupe: {by: off}
time: {wait_for_late: 5s, idle_after: 20s, max_future_skew: 10s, late: update, allow_backfill: 1m}
state: {forget_after: 3m}
windows:
- {name: visits, metric: temperature, session: 40s, by: all, compute: [count, sum, integral], emit: {topic: aggregates}}
- {name: site_visits, metric: temperature, session: 7s, by: all, compute: [count, sum, p50], emit: {topic: aggregates, on: change}}
- {name: recent, metric: temperature, rolling: {size: 40s, resolution: 10s}, by: all, compute: [count, time_weighted_mean], emit: {topic: aggregates}}
- {name: site_live, metric: humidity, hopping: {size: 40s, every: 20s}, by: all, compute: [count, sum], emit: {topic: aggregates, on: change}}
- {name: site_newest, metric: humidity, count: 3, by: all, compute: [count, sum], emit: {topic: aggregates}}
rules:
- {name: long, when: visits.count, levels: {alarm: {above: 3}}}
- {name: live, when: site_live.count, levels: {alarm: {above: 1}}}
- {name: hot, when: site_newest.sum, levels: {warn: {above: 20}, alarm: {above: 40, hold: 10s}}}
`

// A group task that is recovered at any record goes on as if nothing had happened: it
// says the same, byte by byte, of readings that come as late as they like and of
// groups that are forgotten.
func TestRecoveredGroupsSayTheSame(t *testing.T) {
	seen := map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		one, other := newWorks(t, latePipeline, 2), newWorks(t, latePipeline, 2)
		both := []*works{one, other}
		appended := []event.Time{scriptDay + 43_200_000, scriptDay + 43_200_000}
		for range rapid.IntRange(1, 50).Draw(t, "readings") {
			p := rapid.IntRange(0, 1).Draw(t, "partition")
			appended[p] += event.Time(rapid.SampledFrom([]int{0, 1_000, 10_000, 60_000, 400_000}).Draw(t, "passed"))
			j := journey{
				device: fmt.Sprintf("%s-%d", rapid.SampledFrom([]string{"h", "b"}).Draw(t, "site"), rapid.IntRange(0, 1).Draw(t, "device")+10*p),
				metric: rapid.SampledFrom([]string{"temperature", "humidity"}).Draw(t, "metric"), appended: appended[p], value: rapid.IntRange(-9, 30).Draw(t, "value"),
				at: appended[p] - event.Time(rapid.SampledFrom([]int{0, 0, 700, 7_000, 20_000, 45_000, 100_000, -9_000}).Draw(t, "lag")),
			}
			deliver, then := rapid.IntRange(-1, 3).Draw(t, "deliver"), rapid.IntRange(0, 6).Draw(t, "then")
			for i, w := range both {
				w.wall = max(w.wall, appended[p])
				w.fold(p, j.record())
				w.deliver(deliver)
				switch then {
				case 0:
					w.advance(w.devices[p], appended[p])
				case 1:
					w.advance(w.groups[p], w.wall)
				case 2:
					w.deliver(-1)
				}
				if i == 1 {
					w.groups[0].restart()
					w.groups[1].restart()
				}
			}
		}
		for _, w := range both {
			for _, p := range w.devices {
				w.advance(p, slices.Max(appended)+600_000)
			}
			w.deliver(-1)
		}
		sameSaid(t, one.sent, other.sent)
		sameSaid(t, one.said, other.said)
		require.Equal(t, one.total(one.groups), other.total(other.groups))
		total := one.total(one.groups)
		require.True(t, total.Conserved())
		require.Zero(t, total.Open)
		require.Equal(t, uint64(0), total.Bad)
		for _, o := range one.said {
			for _, word := range []string{`"merged_into"`, `"reason":"forgotten"`, `"reason":"late"`, `"final":false`} {
				if strings.Contains(o.value, word) {
					seen[word]++
				}
			}
		}
		for _, p := range one.groups {
			for s := range p.table.Bound() {
				require.False(t, p.table.Live(s) && p.table.Name(s)[0] == aheadMark, "panes ahead")
			}
		}
	})
	require.Len(t, seen, 4, "%v", seen)
}
