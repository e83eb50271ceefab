package engine

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/engine/task"
)

const groupsPipeline = `
name: test
kafka: {brokers: [localhost:9092]}
source:
  topic: readings
  reading: {device: device, metric: metric, time: ts, unit: ms, value: value, seq: seq}
time: {wait_for_late: 1s, idle_after: 10m, max_future_skew: 10s}
windows:
  - {name: fleet, metric: temperature, tumbling: 1s, by: all, compute: [count, sum, min, max], emit: {topic: aggregates}}
  - {name: site, metric: temperature, hopping: {size: 3s, every: 1s}, by: labels.site, compute: [count, sum], emit: {topic: aggregates}}
rules:
  - {name: hot, when: site.sum, levels: {critical: {above: 2600}}}
alerts: {topic: alerts}
commit_interval: 10ms
state: {dir: ./state, forget_after: 1h}
`

// works is a bench with two plans: that of the devices, which is the bench's, and
// that of the groups.
type works struct {
	*bench
	groups     *task.Plan
	partitions int32
}

func newWorks(t testing.TB, pipeline string, partitions int32) *works {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sites.csv")
	csv := "device,site\n"
	for i := range 100 {
		csv += fmt.Sprintf("pump-%02d,%s\n", i, site(fmt.Sprint(i)))
	}
	require.NoError(t, os.WriteFile(path, []byte(csv), 0o644))
	pipeline = "devices: {roster: " + path + "}\n" + pipeline
	p, diagnostics := configs.Parse("test.yaml", []byte(pipeline), configs.Options{ReadFile: os.ReadFile})
	require.False(t, diagnostics.HasErrors(), "%s", diagnostics)
	b := newBench(t, benchOptions{partitions: partitions})
	var err error
	b.plan, err = task.Compile(p)
	require.NoError(t, err)
	w := &works{bench: b, partitions: partitions}
	w.groups, err = task.CompileGroups(p)
	require.NoError(t, err)
	return w
}

// site: the fleet is in two places.
func site(device string) string { return []string{"Hamburg", "Bremen"}[device[len(device)-1]%2] }

func (w *works) deviceOptions(store Store) Options {
	o := w.options(store)
	o.GroupPartition = func(group []byte, n int) int {
		h := fnv.New32a()
		h.Write(group)
		return int(h.Sum32() % uint32(n))
	}
	return o
}

func (w *works) groupOptions(store Store) Options {
	o := w.options(store)
	o.Plan, o.NewDecoder = w.groups, nil
	return o
}

// convoy is n readings for each partition, minutes in the past: devices that speak
// in turn, 40 ms apart.
func convoy(partitions, n int) [][]reading {
	r := rand.New(rand.NewPCG(3, 3))
	start := time.Now().Add(-30*time.Minute).UnixMilli() / 1000 * 1000
	all := make([][]reading, partitions)
	for p := range all {
		for i := range n {
			all[p] = append(all[p], reading{fmt.Sprintf("pump-%d%d", p, i%7), start + int64(i)*40, float64(r.IntN(90)), i / 7})
		}
	}
	return all
}

// begin appends the first readings of every device: these are half an hour old, and
// while a partition has none, its watermark follows wall time.
func (w *works) begin(all [][]reading) {
	for p := range all {
		w.produce(int32(p), linesOf(all[p][:50])...)
	}
}

func linesOf(readings []reading) []string {
	lines := make([]string, len(readings))
	for i, r := range readings {
		lines[i] = r.String()
	}
	return lines
}

// expected are the results of windows that end at least wait_for_late before the
// last reading of every device.
func expected(all [][]reading) []string {
	type key struct {
		window, group string
		start, size   int64
	}
	found := map[key][]float64{}
	last := map[string]int64{}
	for _, r := range slices.Concat(all...) {
		last[r.device] = r.at
		k := key{"fleet", "all", r.at / 1000 * 1000, 1000}
		found[k] = append(found[k], r.value)
		for start := r.at / 1000 * 1000; start > r.at-3000; start -= 1000 {
			k := key{"site", site(r.device), start, 3000}
			found[k] = append(found[k], r.value)
		}
	}
	until := int64(1 << 60)
	for _, at := range last {
		until = min(until, at)
	}
	var lines []string
	for k, values := range found {
		if k.start+k.size+1000 > until {
			continue
		}
		sum := 0.0
		for _, v := range values {
			sum += v
		}
		line := fmt.Sprintf("%s %s %d count=%d sum=%v", k.window, k.group, k.start, len(values), sum)
		if k.window == "fleet" {
			line += fmt.Sprintf(" min=%v max=%v", slices.Min(values), slices.Max(values))
		}
		lines = append(lines, line)
	}
	sort.Strings(lines)
	return lines
}

// results are those that are there, as expected has them.
func (w *works) results() []string {
	w.t.Helper()
	var lines []string
	for q := range w.partitions {
		ends := map[string]time.Time{}
		for _, text := range w.read("aggregates", q) {
			var r struct {
				Window, Group, By    string
				Start, End           time.Time
				Revision             int
				Final                bool
				Count, Sum, Min, Max float64
			}
			require.NoError(w.t, json.Unmarshal([]byte(text), &r), text)
			require.True(w.t, r.Final && r.Revision == 1, text)
			require.False(w.t, r.End.Before(ends[r.Group]), "in order of ends: %s", text)
			ends[r.Group] = r.End
			line := fmt.Sprintf("%s %s %d count=%v sum=%v", r.Window, r.Group, r.Start.UnixMilli(), r.Count, r.Sum)
			if r.Window == "fleet" {
				require.Equal(w.t, "all", r.By)
				line += fmt.Sprintf(" min=%v max=%v", r.Min, r.Max)
			}
			lines = append(lines, line)
		}
	}
	sort.Strings(lines)
	return lines
}

// complete waits until all results are there, and looks that there are no others.
func (w *works) complete(all [][]reading, engines ...*running) {
	w.t.Helper()
	want := expected(all)
	require.NotEmpty(w.t, want)
	require.Eventually(w.t, func() bool { return len(w.results()) >= len(want) }, 40*time.Second, 50*time.Millisecond, "results")
	for _, r := range engines {
		require.NoError(w.t, r.wait())
	}
	sameLines(w.t, "results", want, w.results())
	w.alerts(all)
	for q := range w.partitions {
		require.Empty(w.t, w.read("weir.test.groups.quarantine", q))
	}
}

// alerts looks at the events of groups: each once, fired and resolved in turn, as
// often as the sum of the site crosses the threshold.
func (w *works) alerts(all [][]reading) {
	w.t.Helper()
	want := 0
	for _, name := range []string{"Hamburg", "Bremen"} {
		hot := false
		for _, line := range expected(all) {
			var start int64
			var count, sum float64
			if n, _ := fmt.Sscanf(line, "site "+name+" %d count=%f sum=%f", &start, &count, &sum); n == 3 && (sum > 2600) != hot {
				hot = !hot
				want++
			}
		}
	}
	require.Positive(w.t, want)
	var have []string
	for q := range w.partitions {
		for i, text := range w.read("alerts", q) {
			require.Contains(w.t, text, `"by":"labels.site"`, "event %d", i)
			have = append(have, text)
		}
	}
	require.Len(w.t, have, want)
	seen := map[string]bool{}
	for _, text := range have {
		id, _, _ := strings.Cut(text, `"value"`)
		require.False(w.t, seen[id], "twice: %s", text)
		seen[id] = true
	}
}

// Whatever step a process of either engine freezes at, its successor finishes the
// work, and windows over several devices hold every reading once.
func TestGroupsFreezeAtEveryStep(t *testing.T) {
	for _, whose := range []string{"devices", "groups"} {
		for i, point := range []string{"begun", "produced", "offset_sent", "ended", "confirmed"} {
			t.Run(whose+" "+point, func(t *testing.T) {
				t.Parallel()
				w := newWorks(t, groupsPipeline, 2)
				all := convoy(2, 700)
				devices, groups := newMemoryStore(), newMemoryStore()
				frozen, thaw := make(chan struct{}), make(chan struct{})
				freeze := func(o Options) Options {
					var once sync.Once
					var hits atomic.Int32
					o.Failpoint = func(p string, _ int32) {
						if p == point && hits.Add(1) == 4 {
							once.Do(func() { close(frozen) })
							<-thaw
						}
					}
					return o
				}
				dOptions, gOptions := w.deviceOptions(devices), w.groupOptions(groups)
				if whose == "devices" {
					dOptions = freeze(dOptions)
				} else {
					gOptions = freeze(gOptions)
				}
				w.begin(all)
				d := w.start(dOptions)
				g := w.start(gOptions)
				go func() {
					for i := 50; i < len(all[0]); i += 50 {
						for p := range all {
							w.produce(int32(p), linesOf(all[p][i:i+50])...)
						}
					}
				}()
				select {
				case <-frozen:
				case <-time.After(60 * time.Second):
					require.Fail(t, "never reached "+point)
				}
				// Each second process has lost its disk.
				copyOf := func(s *memoryStore) Store {
					if i%2 == 1 {
						return newMemoryStore()
					}
					return s.copy()
				}
				var zombie *running
				if whose == "devices" {
					zombie, d = d, w.start(w.deviceOptions(copyOf(devices)))
				} else {
					zombie, g = g, w.start(w.groupOptions(copyOf(groups)))
				}
				for p := range all {
					d.settled(int32(p), int64(len(all[p])))
				}
				if whose == "groups" {
					eventually(t, "the successor works", g.engine.Ready)
				}
				close(thaw)
				var refused *RefusedError
				require.ErrorAs(t, zombie.ended(t), &refused)
				w.complete(all, d, g)
			})
		}
	}
}

// Processes come and go, in both engines, while readings flow; one partition of the
// source gets most of its readings only when the other has had all of its own.
func TestGroupsWhileTasksMove(t *testing.T) {
	t.Parallel()
	w := newWorks(t, groupsPipeline, 2)
	all := convoy(2, 900)
	named := func(o Options, name string) Options {
		o.Instance = name
		return o
	}
	live := func(n int, engines ...*running) func() bool {
		return func() bool {
			for _, r := range engines {
				if s := r.engine.Status(); len(s) != n || !r.engine.Ready() {
					return false
				}
			}
			return true
		}
	}
	w.begin(all)
	a := w.start(named(w.deviceOptions(newMemoryStore()), "a"))
	ga := w.start(named(w.groupOptions(newMemoryStore()), "a"))
	eventually(t, "one process owns all", live(2, a, ga))
	w.produce(0, linesOf(all[0][50:400])...)
	b := w.start(named(w.deviceOptions(newMemoryStore()), "b"))
	eventually(t, "two share the devices", live(1, a, b))
	w.produce(0, linesOf(all[0][400:])...)
	gb := w.start(named(w.groupOptions(newMemoryStore()), "b"))
	eventually(t, "two share the groups", live(1, ga, gb))
	w.produce(1, linesOf(all[1][50:500])...)
	require.NoError(t, a.wait())
	require.NoError(t, ga.wait())
	eventually(t, "the others take over", live(2, b, gb))
	w.produce(1, linesOf(all[1][500:])...)
	w.complete(all, b, gb)
}

// An idle fleet goes on in time: its devices fall silent, wall time closes the
// windows of their groups, and a partition that nobody writes to does not hold
// them up.
func TestGroupsCloseWithoutReadings(t *testing.T) {
	t.Parallel()
	w := newWorks(t, strings.Replace(groupsPipeline, "idle_after: 10m", "idle_after: 300ms", 1), 2)
	g := w.start(w.groupOptions(newMemoryStore())) // before the topic of partials is there
	d := w.start(w.deviceOptions(newMemoryStore()))
	d.settled(0, 0)
	now := time.Now().UnixMilli()
	w.produce(0, reading{"pump-1", now, 20, 1}.String(), reading{"pump-2", now + 1, 22, 1}.String())
	eventually(t, "closed", func() bool {
		return len(grep(append(w.read("aggregates", 0), w.read("aggregates", 1)...), `"window":"fleet","group":"all","by":"all"`)) > 0 &&
			len(grep(append(w.read("aggregates", 0), w.read("aggregates", 1)...), `"final":true,"count":2,"sum":42`)) == 1
	})
	require.NoError(t, d.wait())
	require.NoError(t, g.wait())
}
