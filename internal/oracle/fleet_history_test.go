package oracle

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/event"
)

// fleetKinds is a pipeline with windows over several devices beside those of each.
const fleetKinds = `
name: history
source: {topic: readings}
time: {wait_for_late: 4s, idle_after: 15s, max_future_skew: 10s, late: update, allow_backfill: 6s}
windows:
  - {name: own, metric: temp, tumbling: 10s, compute: [mean, count], emit: {topic: out}}
  - {name: fleet, metric: temp, tumbling: 5s, by: all, compute: [count, sum, max, last, ewma], emit: {topic: out}}
  - {name: site, metric: temp, hopping: {size: 10s, every: 2s}, by: all, compute: [mean, delta, p95], emit: {topic: sites}}
  - {name: unsaid, metric: hum, tumbling: 4s, by: all, compute: [max]}
  - {name: visit, metric: temp, session: {gap: 3s}, compute: [count, last, integral, ewma], emit: {topic: out}}
  - {name: told, metric: hum, session: {gap: 1500ms}, compute: [count, mean], emit: {topic: sites, on: change}}
  - {name: newest, metric: temp, count: 5, compute: [mean, first, delta], emit: {topic: sites}}
  - {name: each, metric: hum, hopping: {size: 6s, every: 3s}, compute: [count, p50], emit: {topic: out, on: change}}
  - {name: glide, metric: temp, rolling: {size: 8s, resolution: 2s}, compute: [time_weighted_mean, max], emit: {topic: out}}
rules:
  - {name: own, when: own.mean, levels: {warm: {above: 12, clear_below: 10}}}
  - {name: fleet, when: fleet.max, levels: {warm: {above: 14, clear_below: 12}, hot: {above: 17, hold: 8s}}, message: "{{group}} {{value}}"}
  - {name: site, when: site.p95, levels: {high: {above: 15}}}
  - {name: unsaid, when: unsaid.max, levels: {low: {below: 10}}}
  - {name: visit, when: visit.last, levels: {warm: {above: 12}}}
  - {name: told, when: told.mean, levels: {warm: {above: 11, clear_below: 9}}}
  - {name: newest, when: newest.first, levels: {warm: {above: 12, hold: 2s}}}
  - {name: glide, when: glide.time_weighted_mean, levels: {warm: {above: 11}}}
state: {forget_after: 20s}
+ labels site:text
+ window site by labels.site
+ window visit by labels.site
+ window told by all
+ window newest by labels.site
+ window each by labels.site
+ window glide by all
+ window glide on close
`

// fleetHistory is a fleet in which all is as it must be: two partitions of devices,
// the topic of partials, and what the groups of each of its partitions made of it.
type fleetHistory struct {
	*rand.Rand
	p      *configs.Pipeline
	before []*configs.Pipeline // former files, of which the last one is the first in force
	wall   event.Time
	tasks  []*folded // of devices
	groups []*folded
	logs   [][]SourceRecord // of partials
	moment event.Time       // append time of the next partial
}

// folded is a task of the model with its journal, and how much of what it says is sent.
type folded struct {
	in      Input
	model   *task
	entries []entry
	sent    int
	marks   int
	told    event.Time
	seqs    map[string]int
}

const partitionsOfFleet = 2

func newFleetHistory(p *configs.Pipeline, seed uint64, n int, before ...*configs.Pipeline) *fleetHistory {
	h := &fleetHistory{Rand: rand.New(rand.NewPCG(seed, 9)), p: p, before: before, wall: 1_772_366_400_000, logs: make([][]SourceRecord, partitionsOfFleet)}
	for i := range int32(partitionsOfFleet) {
		first := len(before)
		d := &folded{in: Input{Pipeline: h.files()[first], Partition: i}, entries: []entry{{seq: 1}}, seqs: map[string]int{}}
		d.model = newTask(&d.in, &Report{})
		h.tasks = append(h.tasks, d)
		h.newRoster(d)
		fleet := NewFleet(p, partitionsOfFleet, before...)
		g := &folded{in: Input{Pipeline: fleet.parts[first], Partition: i, groups: fleet}, entries: []entry{{seq: 1}}}
		g.model = newTask(&g.in, &Report{})
		g.model.evidence = nil
		g.model.groups = &groups{fleet: fleet, marks: map[int32]event.Time{}}
		h.groups = append(h.groups, g)
	}
	for _, f := range h.all() {
		f.entries[0].file = h.files()[len(before)].Fingerprint
	}
	for range n {
		h.step()
	}
	for _, f := range h.all() {
		if len(before) > 0 {
			h.goOver(f, 0)
		}
	}
	for _, d := range h.tasks { // and silence
		h.fact(d, 40_000)
		h.send(d)
	}
	for _, g := range h.groups {
		h.deliver(g, len(h.logs[g.in.Partition]))
		h.fact(g, 1_000)
	}
	for _, f := range h.all() {
		f.commit()
	}
	h.finish()
	return h
}

// files are those that there are, the newest first.
func (h *fleetHistory) files() []*configs.Pipeline {
	return append([]*configs.Pipeline{h.p}, h.before...)
}

// change has a task go over to another file, by itself.
func (h *fleetHistory) change() {
	all := h.all()
	f := all[h.IntN(len(all))]
	h.goOver(f, h.IntN(len(h.files())))
}

func (h *fleetHistory) goOver(f *folded, to int) {
	files := h.files()
	if f.model.groups != nil {
		files = f.model.groups.fleet.parts
	}
	if files[to] == f.model.file {
		return
	}
	f.commit()
	e := &f.entries[len(f.entries)-1]
	e.file = files[to].Fingerprint
	f.model.become(&entry{by: files[to], from: e.from})
	f.model.succeed()
}

func (h *fleetHistory) all() []*folded { return slices.Concat(h.tasks, h.groups) }

// step lets something happen.
func (h *fleetHistory) step() {
	d := h.tasks[h.IntN(partitionsOfFleet)]
	if h.IntN(4) == 0 {
		d = h.tasks[0] // the other is behind
	}
	h.record(d, fmt.Sprintf("d%d", 10*d.in.Partition+int32(h.IntN(3))))
	h.send(d)
	if h.IntN(12) == 0 {
		h.fact(d, event.Time(h.IntN(20_000)))
		h.send(d)
	}
	if h.IntN(25) == 0 {
		h.newRoster(d)
	}
	if h.IntN(8) == 0 {
		d.commit()
	}
	g := h.groups[h.IntN(partitionsOfFleet)]
	h.deliver(g, h.IntN(60))
	if h.IntN(8) == 0 {
		h.fact(g, event.Time(h.IntN(12_000)))
	}
	if h.IntN(8) == 0 {
		g.commit()
	}
	if len(h.before) > 0 && h.IntN(10) == 0 {
		h.change()
	}
}

func (h *fleetHistory) record(d *folded, device string) {
	h.wall += event.Time(h.IntN(1500))
	at := h.wall - event.Time(h.IntN(4000))
	switch h.IntN(20) {
	case 0:
		at -= 9_000
	case 1:
		at += 8_000
	}
	d.seqs[device]++
	r := SourceRecord{Offset: d.in.Committed, Append: h.wall, Stamped: true, Key: []byte(device)}
	r.Value = fmt.Appendf(nil, `{"device":%q,"metric":%q,"value":%d.%d,"ts":%q,"seq":%d}`,
		device, []string{"temp", "temp", "hum"}[h.IntN(3)], h.IntN(20), h.IntN(10), written(at), d.seqs[device])
	d.in.Source = append(d.in.Source, r)
	d.in.Committed++
	d.model.fold(r)
}

func (h *fleetHistory) newRoster(d *folded) {
	site := func() string { return []string{"hall", "yard", "yard", "", "hall", "yard", "roof"}[h.IntN(7)] }
	file := fmt.Appendf(nil, "device,site\nd0,%s\nd1,%s\nd2,hall\nd10,%s\nd11,yard\n", site(), site(), site())
	r, err := readRoster(file)
	if err != nil {
		panic(err)
	}
	d.in.Rosters = append(d.in.Rosters, file)
	d.model.rosters[fingerprint(file)] = r
	d.enter(fact{position: d.in.Committed, isRoster: true, roster: fingerprint(file)})
}

func (h *fleetHistory) fact(d *folded, later event.Time) {
	wall := max(h.wall, h.moment) + later
	if d.model.groups == nil {
		h.wall = wall
	} else {
		h.moment = wall
	}
	f := fact{position: d.in.Committed, wall: wall}
	for _, name := range slices.Sorted(maps.Keys(d.model.devices)) {
		if d.model.groups == nil && wall >= d.model.devices[name].seen+h.p.State.ForgetAfter && h.IntN(3) > 0 {
			f.forgotten = append(f.forgotten, name)
		}
	}
	d.enter(f)
}

func (d *folded) enter(f fact) {
	f.entry = &entry{to: f.position}
	d.model.enter(f, newWitness(nil))
	e := &d.entries[len(d.entries)-1]
	e.facts = append(e.facts, f)
}

func (d *folded) commit() {
	e := &d.entries[len(d.entries)-1]
	e.to, e.wall = d.in.Committed, d.model.clock
	d.entries = append(d.entries, entry{seq: e.seq + 1, from: e.to, file: e.file})
}

// send appends what the devices of a task have to say to the topic of partials.
func (h *fleetHistory) send(d *folded) {
	h.moment = max(h.moment+1, h.wall)
	for _, p := range d.model.parts.sent[d.sent:] {
		h.append(partitionOf("murmur2", p.group, partitionsOfFleet), p.group, appendPartial(p.window, parcelled(p, d.in.Partition)))
	}
	d.sent = len(d.model.parts.sent)
	now := d.model.parts.watermark()
	if d.marks == len(d.model.parts.marks) || now-d.told < 1000 {
		return
	}
	d.marks, d.told = len(d.model.parts.marks), now
	for q := range int32(partitionsOfFleet) {
		h.append(q, "", appendWatermark(d.in.Partition, partitionsOfFleet, now))
	}
}

func (h *fleetHistory) append(q int32, key string, value []byte) {
	h.logs[q] = append(h.logs[q], SourceRecord{Offset: int64(len(h.logs[q])) * 2, Append: h.moment, Stamped: true, Key: []byte(key), Value: value})
}

// deliver lets a task of groups fold some of the topic.
func (h *fleetHistory) deliver(g *folded, n int) {
	log := h.logs[g.in.Partition]
	done := int(g.in.Committed+1) / 2
	n = min(n, len(log)-done)
	if n <= 0 {
		return
	}
	f := h.fleet()
	for _, d := range h.tasks {
		(&matching{Fleet: f, t: d.model}).pair()
	}
	g.model.groups.next = f.logs[g.in.Partition][done:]
	for _, r := range log[done : done+n] {
		g.model.fold(r)
		g.in.Committed = r.Offset + 1
	}
}

// pair joins partials with what they were sent as, where nothing is wrong.
func (m *matching) pair() {
	due := map[sending][]*partial{}
	for _, p := range m.t.parts.sent {
		due[p.sending()] = append(due[p.sending()], p)
	}
	for q := range m.partitions {
		for _, one := range m.logs[q] {
			if key := one.sending(); one.kind == isPartial && one.upstream == m.t.in.Partition {
				one.is, due[key] = due[key][0], due[key][1:]
			}
		}
	}
}

// fleet is the topic of partials as a check reads it.
func (h *fleetHistory) fleet() *Fleet {
	f := NewFleet(h.p, partitionsOfFleet, h.before...)
	for q, log := range h.logs {
		f.Add(int32(q), 0, log)
	}
	return f
}

// finish writes down what was said.
func (h *fleetHistory) finish() {
	for i, d := range h.tasks {
		g := h.groups[i]
		d.in.Outputs = render(&d.in, d.model.wants)
		for topic, more := range render(&g.in, g.model.wants) {
			for _, r := range more {
				r.Offset = int64(2*len(d.in.Outputs[topic]) + 1)
				d.in.Outputs[topic] = append(d.in.Outputs[topic], r)
			}
		}
		g.in.Outputs = d.in.Outputs
	}
	h.journals()
}

func (h *fleetHistory) journals() {
	for _, f := range h.all() {
		f.in.Journal = renderJournal(f.entries[:len(f.entries)-1], 1)
		for i := range f.in.Journal {
			f.in.Journal[i].File = f.entries[i].file
		}
	}
}

// check checks all of it.
func (h *fleetHistory) check() (reports []*Report) {
	f := h.fleet()
	for _, d := range h.tasks {
		in := d.in
		in.Fleet, in.Pipeline, in.Before = f, h.p, h.before
		reports = append(reports, Check(in))
	}
	for _, g := range h.groups {
		in := g.in
		in.groups = nil
		reports = append(reports, f.Check(in))
	}
	return reports
}

// parcelled is a partial as its record has it.
func parcelled(p *partial, upstream int32) *parcel {
	one := &parcel{window: p.window.Name, device: p.device, group: p.group, upstream: upstream, start: p.start, readings: len(p.samples)}
	one.first, one.last = extremes(p.samples)
	return one
}

func appendPartial(c *configs.Window, one *parcel) []byte {
	b := append([]byte(partialMark), isPartial)
	b = append(binary.AppendUvarint(b, uint64(len(c.Name))), c.Name...)
	b = binary.BigEndian.AppendUint64(b, cmp.Or(one.shape, fingerprint([]byte(c.Name+makeup(c)))))
	for _, n := range []uint64{uint64(one.upstream), uint64(one.start), uint64(one.readings)} {
		b = binary.AppendUvarint(b, n)
	}
	b = append(binary.AppendUvarint(b, uint64(len(one.device))), one.device...)
	if c.Kind == configs.Session {
		b = binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(b, uint64(one.first)), uint64(one.last))
	}
	return append(b, make([]byte, 24)...)
}

func appendWatermark(upstream, partitions int32, mark event.Time) []byte {
	b := append([]byte(partialMark), isWatermark)
	for _, n := range []uint64{uint64(upstream), uint64(partitions), uint64(mark)} {
		b = binary.AppendUvarint(b, n)
	}
	return b
}

// copied is a history that can be broken while the other stays whole.
func (h *fleetHistory) copied(seed uint64) *fleetHistory {
	c := *h
	c.Rand = rand.New(rand.NewPCG(seed, 11))
	c.logs = nil
	for _, log := range h.logs {
		c.logs = append(c.logs, slices.Clone(log))
	}
	c.tasks, c.groups = nil, nil
	for i, d := range h.tasks {
		one, g := *d, *h.groups[i]
		one.in.Outputs = map[string][]OutputRecord{}
		for topic, records := range d.in.Outputs {
			one.in.Outputs[topic] = slices.Clone(records)
		}
		g.in.Outputs = one.in.Outputs
		c.tasks, c.groups = append(c.tasks, &one), append(c.groups, &g)
	}
	for _, f := range c.all() {
		f.entries = slices.Clone(f.entries)
		for i := range f.entries {
			f.entries[i].facts = slices.Clone(f.entries[i].facts)
		}
	}
	return &c
}

func fleetPipeline(t testing.TB) *configs.Pipeline { return extended(t, fleetKinds) }
