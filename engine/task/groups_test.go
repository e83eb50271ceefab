package task

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/event"
)

// works is a pipeline with windows over several devices: device tasks, the topic
// between, group tasks. What device tasks say is appended to the topic at once.
type works struct {
	t       require.TestingT
	devices []*plant
	groups  []*plant
	topic   [][]Record // of partials, by partition
	folded  []int      // how many of them the group tasks have
	wall    event.Time // append time of the next partial
	said    []said     // of all tasks, but partials
	sent    []said     // partials and watermarks
}

// newWorks makes the works of a pipeline. Windows whose names begin with site are
// by the label that siteOf gives.
func newWorks(t require.TestingT, pipeline string, partitions int) *works {
	p := parsePipeline(t, pipeline)
	for i := range p.Windows {
		if w := &p.Windows[i]; w.By == configs.GroupAll && strings.HasPrefix(w.Name, "site") {
			w.By = "labels.site"
		}
	}
	devices, err := Compile(p)
	require.NoError(t, err)
	groups, err := CompileGroups(p)
	require.NoError(t, err)
	w := &works{t: t, topic: make([][]Record, partitions), folded: make([]int, partitions), wall: scriptDay}
	for i := range partitions {
		w.devices = append(w.devices, plantOf(t, devices, Options{
			Partition: int32(i), Partitions: int32(partitions), LabelOf: siteOf,
			GroupPartition: func(group []byte) int32 { return groupPartition(group, partitions) },
		}))
		w.groups = append(w.groups, plantOf(t, groups, Options{Partition: int32(i), Partitions: int32(partitions)}))
	}
	return w
}

func plantOf(t require.TestingT, plan *Plan, o Options) *plant {
	p := &plant{t: t, plan: plan, o: o}
	if !plan.grouped {
		p.o.Decoder = decoderOf(t, plan.Pipeline, plan.Pipeline.Source.Reading.Device)
	}
	p.table = p.newTable()
	p.begin()
	return p
}

// siteOf: h-1 is in Hamburg, b-1 in Bremen, all others have no label.
func siteOf(device []byte, label string) []byte {
	if label != "site" || len(device) < 2 || device[1] != '-' {
		return nil
	}
	switch device[0] {
	case 'h':
		return []byte("Hamburg")
	case 'b':
		return []byte("Bremen")
	}
	return nil
}

func groupPartition(group []byte, partitions int) int32 {
	h := fnv.New32a()
	h.Write(group)
	return int32(h.Sum32() % uint32(partitions))
}

// fold folds readings in a device task.
func (w *works) fold(partition int, records ...Record) {
	require.NoError(w.t, w.devices[partition].fold(records...))
	w.collect()
}

func (w *works) advance(p *plant, wall event.Time) {
	p.advance(Now{Wall: wall, Mono: int64(wall - scriptDay), Position: p.offset})
	w.collect()
}

// collect appends what device tasks have sent, and takes what all have said.
func (w *works) collect() {
	for i, p := range append(slices.Clone(w.devices), w.groups...) {
		for _, o := range p.taken() {
			if o.topic != p.plan.whole.PartialsTopic || p.plan.grouped {
				w.said = append(w.said, o)
				continue
			}
			require.GreaterOrEqual(w.t, o.to, int32(0))
			rec := Record{Append: w.wall, Value: []byte(o.value)}
			if o.key != "" {
				rec.Key = []byte(o.key)
				require.Equal(w.t, groupPartition(rec.Key, len(w.topic)), o.to)
			}
			w.topic[o.to] = append(w.topic[o.to], rec)
			o.id = strconv.Itoa(i) // who sent it
			w.sent = append(w.sent, o)
		}
	}
}

// deliver lets the group tasks fold at most n records of each partition; n < 0:
// all there are.
func (w *works) deliver(n int) {
	for q, p := range w.groups {
		rest := w.topic[q][w.folded[q]:]
		if n >= 0 {
			rest = rest[:min(n, len(rest))]
		}
		w.folded[q] += len(rest)
		require.NoError(w.t, p.fold(slices.Clone(rest)...))
	}
	w.collect()
}

func (w *works) total(plants []*plant) Counters {
	var c Counters
	for _, p := range plants {
		c = c.Add(p.task.Counters())
	}
	return c
}

// checkGrouping compares what a task remembers of panes and windows due with its
// state.
func (p *plant) checkGrouping() {
	if g := p.task.gathering; g != nil {
		if least, known := g.held.least(); known {
			want := event.Never
			for s := range p.table.Bound() {
				for k := range p.plan.partials {
					if r := &p.plan.partials[k]; p.table.Live(s) {
						_, end := r.Held(p.table.Row(r.col, s), p.task.watermark())
						want = min(want, end)
					}
				}
			}
			require.Equal(p.t, want, least, "what the watermark waits for")
			require.Less(p.t, p.task.watermark(), least)
		}
	}
	if g := p.task.groups; g != nil {
		for s := range p.table.Bound() {
			if !p.table.Live(s) || p.table.Name(s)[0] <= aheadMark {
				continue
			}
			want := event.Never
			for k := range p.plan.rings {
				r := &p.plan.rings[k]
				want = min(want, r.NextDue(p.table.Row(r.col, s), p.task.watermark()))
			}
			require.Equal(p.t, want, event.Time(p.table.Row(headCol, s)[headDue]), "when %q is due", p.table.Name(s))
		}
		for _, a := range g.ahead {
			require.True(p.t, p.task.isAhead(a.least, p.task.watermark()))
		}
	}
}

// A script of works is as the others are, but that a reading begins with its
// partition, and
//
//	advance devices 12:00:00, advance groups 12:00:00   all tasks have caught up at that time
//	wall 12:00:00                                       append time of the partials that follow
//	deliver                                             the group tasks fold what there is
//	restart                                             all tasks are recovered from their journals
//	sent                                                says what device tasks have sent since asked last
//	counters
func TestGroupScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/groups/*.txt")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			src, err := os.ReadFile(file)
			require.NoError(t, err)
			s := &worksScript{t: t}
			s.script.t = t
			got := runBlocks(src, s.block)
			if *updateFlag {
				require.NoError(t, os.WriteFile(file, got, 0o644))
				return
			}
			sameLines(t, src, got, "expected and actual (-update accepts it)")
		})
	}
}

// runBlocks runs a script block by block and returns it with what was said.
func runBlocks(src []byte, run func(head string, input []string) []string) []byte {
	var out strings.Builder
	lines := strings.Split(strings.TrimSuffix(string(src), "\n"), "\n")
	for i := 0; i < len(lines); i++ {
		fmt.Fprintln(&out, lines[i])
		if lines[i] == "" || lines[i][0] == '#' {
			continue
		}
		head := lines[i]
		var input []string
		for i++; i < len(lines) && lines[i] != "----"; i++ {
			fmt.Fprintln(&out, lines[i])
			input = append(input, lines[i])
		}
		out.WriteString("----\n")
		for i++; i < len(lines) && lines[i] != ""; i++ {
		}
		for _, said := range run(head, input) {
			fmt.Fprintln(&out, said)
		}
		out.WriteString("\n")
	}
	return []byte(strings.TrimSuffix(out.String(), "\n"))
}

type worksScript struct {
	script
	t     *testing.T
	works *works
}

func (s *worksScript) block(head string, input []string) []string {
	words := strings.Fields(head)
	if words[0] == "works" {
		n, err := strconv.Atoi(words[1])
		require.NoError(s.t, err)
		s.works = newWorks(s.t, strings.Join(input, "\n"), n)
		s.last = 0
		return nil
	}
	var told []string
	for _, line := range input {
		told = append(told, s.line(line)...)
	}
	return told
}

func (s *worksScript) line(line string) []string {
	w, words := s.works, strings.Fields(line)
	if line[0] == '#' {
		return nil
	}
	switch words[0] {
	case "advance":
		plants := w.devices
		if words[1] == "groups" {
			plants = w.groups
		}
		for _, p := range plants {
			w.advance(p, s.time(words[2]))
		}
	case "wall":
		w.wall = s.time(words[1])
	case "deliver":
		w.deliver(-1)
	case "restart":
		for _, p := range append(slices.Clone(w.devices), w.groups...) {
			p.restart()
		}
	case "counters":
		return []string{"devices " + sayCounters(w.total(w.devices)) + sayUngrouped(w), "groups " + sayCounters(w.total(w.groups))}
	case "sent":
		return s.sent()
	default:
		partition, err := strconv.Atoi(words[0])
		require.NoError(s.t, err, line)
		w.fold(partition, s.reading(words[1:]))
	}
	var told []string
	for _, o := range w.said {
		told = append(told, sayOfWorks(s.t, o))
	}
	w.said = nil
	return told
}

func sayUngrouped(w *works) string {
	if n := w.total(w.devices).Ungrouped; n > 0 {
		return fmt.Sprintf(" ungrouped=%d", n)
	}
	return ""
}

func (s *worksScript) sent() []string {
	var told []string
	for _, o := range s.works.sent {
		var r partialRecord
		require.NoError(s.t, r.parse([]byte(o.value)))
		switch {
		case r.kind == kindPartial:
			told = append(told, fmt.Sprintf("partial %s>%d %s of %s in %s from %s, readings %d", o.id, o.to, r.window, r.device, o.key, clock(r.partial.Start), r.partial.Count))
		case o.to == 0:
			told = append(told, fmt.Sprintf("watermark %s %s", o.id, clock(r.watermark)))
		}
	}
	s.works.sent = nil
	return told
}

// sayOfWorks is an output as one line: the fields that matter, times as scripts
// have them.
func sayOfWorks(t require.TestingT, o said) string {
	if !strings.Contains(o.value, `"group"`) && !strings.Contains(o.topic, "groups") {
		return sayOutput(t, o)
	}
	var b strings.Builder
	b.WriteString(o.topic)
	for _, f := range fieldsOf(t, o.value) {
		text := string(f.value)
		switch f.name {
		case "schema", "pipeline", "id", "status", "appended":
			continue
		case "group":
			require.Equal(t, strconv.Quote(o.key), text)
		}
		var at time.Time
		if text != "null" && json.Unmarshal(f.value, &at) == nil {
			text = clockOf(at)
		}
		fmt.Fprintf(&b, " %s=%s", f.name, strings.Trim(text, `"`))
	}
	return b.String()
}

const groupPipeline = `
dedupe: {by: off}
time: {wait_for_late: 5s, idle_after: 20s, max_future_skew: 1m}
windows:
- {name: all, metric: temperature, tumbling: 30s, by: all, compute: [count, sum, min, max], emit: {topic: aggregates}}
- {name: site, metric: temperature, hopping: {size: 40s, every: 10s}, by: all, compute: [count, sum, last], emit: {topic: aggregates}}
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

// naive is what the windows of groupPipeline over several devices hold in the end.
func naive(fleet [][]journey) map[string]string {
	type content struct {
		values []int
		last   event.Time
		lastV  int
	}
	windows := map[string]*content{}
	add := func(name, group string, start event.Time, j journey) {
		key := fmt.Sprint(name, " ", group, " ", stamp(start))
		if windows[key] == nil {
			windows[key] = &content{}
		}
		c := windows[key]
		c.values = append(c.values, j.value)
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
			add("all", "all", j.at-j.at%30_000, j)
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
			said[key] = fmt.Sprintf(`"count":%d,"sum":%d,"last":%d}`, n, sum, c.lastV)
		default:
			said[key] = fmt.Sprintf(`"max":%d,"count":%d}`, most, n)
		}
	}
	return said
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
		found[key] = results
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
