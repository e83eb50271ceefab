package task

import (
	"hash/fnv"
	"slices"
	"strconv"
	"strings"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/operators/roster"
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
	p := parsePipeline(t, pipeline, "")
	p.Roster = &configs.Roster{Labels: []roster.Label{{Name: "site", Kind: roster.Text}}}
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
			Partition: int32(i),
			GroupOptions: GroupOptions{
				Partitions:     int32(partitions),
				GroupPartition: func(group []byte) int32 { return groupPartition(group, partitions) },
			},
		}))
		w.groups = append(w.groups, plantOf(t, groups, Options{Partition: int32(i), GroupOptions: GroupOptions{Partitions: int32(partitions)}}))
	}
	return w
}

func plantOf(t require.TestingT, plan *Plan, o Options) *plant {
	p := &plant{t: t, plan: plan, o: o, roster: sites(), ids: map[string]bool{}}
	if !plan.grouped {
		p.o.Decoder = decoderOf(t, plan.Pipeline, plan.Pipeline.Source.Reading.Device)
	}
	p.table = p.newTable()
	p.begin()
	return p
}

// sites is a roster by siteOf.
func sites() string {
	b := []byte("device,site\n")
	for i := range 100 {
		for _, first := range "hb" {
			device := string(first) + "-" + strconv.Itoa(i)
			b = append(b, device+","+string(siteOf([]byte(device), "site"))+"\n"...)
		}
	}
	return string(b)
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
		if least := g.held.least().due; g.held.known() {
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
		known := 0
		for s := range p.table.Bound() {
			if p.table.Live(s) && p.table.Name(s)[0] > aheadMark {
				known++
			}
		}
		require.Equal(p.t, known, p.task.Known())
		for s := range p.table.Bound() {
			if !p.table.Live(s) || p.table.Name(s)[0] <= aheadMark {
				continue
			}
			want, due := event.Never, event.Time(p.table.Row(headCol, s)[headDue])
			for k := range p.plan.rings {
				r := &p.plan.rings[k]
				want = min(want, r.NextDue(p.table.Row(r.col, s), p.task.watermark()))
			}
			for k := range p.plan.sessions {
				r := &p.plan.sessions[k]
				want = min(want, r.NextDue(p.table.Row(r.col, s), p.task.watermark()))
			}
			if len(p.plan.sessions) == 0 {
				require.Equal(p.t, want, due, "when %q is due", p.table.Name(s))
			}
			require.LessOrEqual(p.t, due, want, "when %q is due: a session may have grown since", p.table.Name(s))
			if len(p.plan.followers) == 0 { // for a count window a reading may come at any time
				require.Greater(p.t, p.task.keptUntil(s), p.task.watermark(), "%q should have been forgotten", p.table.Name(s))
			}
		}
		first := event.Never
		for _, a := range g.ahead {
			require.True(p.t, p.task.isAhead(a.least, p.task.watermark()))
			least, _ := p.plan.inlets[a.window].panes.Held(p.table.Row(p.plan.inlets[a.window].ahead, a.slot), -maxPartialTime)
			require.Equal(p.t, least, a.least)
			first = min(first, least)
		}
		require.Equal(p.t, first, g.leastAhead())
	}
}
