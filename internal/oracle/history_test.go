package oracle

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"

	"github.com/weirstream/weir/alerts/commands"
	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/event"
)

// manyKinds is a pipeline with every kind of window, emission and rule.
const manyKinds = `
name: history
source: {topic: readings}
time: {wait_for_late: 5s, idle_after: 30s, max_future_skew: 1m}
windows:
  - {name: ten, metric: temp, tumbling: 10s, compute: [mean, count, last], emit: {topic: out}}
  - {name: hop, metric: temp, hopping: {size: 20s, every: 5s}, compute: [sum, max], emit: {topic: out}}
  - {name: live, metric: hum, tumbling: 10s, compute: [min], emit: {topic: live, on: change}}
  - {name: four, metric: temp, count: 4, compute: [mean], emit: {topic: live}}
rules:
  - {name: mean, when: ten.mean, levels: {warm: {above: 12, clear_below: 10}, hot: {above: 16, hold: 20s}}}
  - {name: newest, when: temp, levels: {low: {below: 4, hold: 3s}, lower: {below: 2}}, message: "{{device}} {{value}} {{active_for}}"}
  - {name: four, when: four.mean, levels: {high: {above: 14}}}
state: {forget_after: 2m}
`

// newKinds is a pipeline with what manyKinds has not: sessions, rolling windows,
// days, offsets, all results, expressions, a roster and clocks that begin anew.
const newKinds = `
name: history
source: {topic: readings}
time: {wait_for_late: 2s, idle_after: 20s, max_future_skew: 1m, late: update, allow_backfill: 4s}
windows:
  - {name: visit, metric: temp, tumbling: 10s, compute: [count, max], emit: {topic: out}}
  - {name: stay, metric: hum, tumbling: 10s, compute: [last], emit: {topic: live, on: change}}
  - {name: roll, metric: temp, count: 4, compute: [mean], emit: {topic: live}}
  - {name: day, metric: temp, tumbling: 20s, compute: [count], emit: {topic: out}}
  - {name: shifted, metric: cold, tumbling: 10s, compute: [min], emit: {topic: out}}
  - {name: unsaid, metric: temp, tumbling: 10s, compute: [max]}
rules:
  - {name: visit, when: visit.max, levels: {warm: {above: 12, clear_below: 10}, hot: {above: 16, hold: 20s}}}
  - {name: newest, when: temp, levels: {low: {below: 4, hold: 3s}, lower: {below: 2}}}
  - {name: roll, when: roll.mean, levels: {high: {above: 14}}}
  - {name: cold, when: cold, levels: {low: {below: -5}}}
  - {name: shifted, when: shifted.min, levels: {low: {below: -3}}}
  - {name: unsaid, when: unsaid.max, levels: {high: {above: 17}}}
state: {forget_after: 2m}
+ window visit session 2s
+ window visit compute count,max,median,p99,distinct,mode,stddev
+ window stay session 3s
+ window stay compute last,first,delta,rate,range
+ window roll rolling 20s 5s
+ window roll compute mean,slope,ewma,integral
+ window day zone Asia/Kathmandu
+ window shifted offset 3s
+ window shifted compute min,variance,time_weighted_mean
+ window unsaid compute max,p95
+ rule visit result median
+ rule unsaid result p95
+ rule roll threshold high above limit
+ rule newest message {{device}} in {{labels.site}} {{value}}
+ reset_clock_after 15s
+ where labels.site != "attic" || value < 15
+ derive cold temp - value == 7 ? 1 / (value - 7) : value - 10
+ labels limit:number site:text
`

// history makes a partition in which all is as it must be: sensors that repeat
// themselves, come late, fall silent and are forgotten.
type history struct {
	*rand.Rand
	in       Input
	model    *task
	wall     event.Time
	seqs     map[string]int
	entries  []entry
	behind   map[string]event.Time     // by device, how far its clock went back
	commands commands.Set              // of what is in force
	ordered  int                       // what the model has ordered, and stands in the topic
	due      map[event.Time]event.Time // by the wall of a fact: before when it must not forget whom it does
}

// newHistory folds n records of so many devices.
func newHistory(p *configs.Pipeline, seed uint64, n, devices int) *history {
	h := &history{Rand: rand.New(rand.NewPCG(seed, 7)), wall: 1_772_366_400_000, seqs: map[string]int{}, behind: map[string]event.Time{}, due: map[event.Time]event.Time{}}
	h.in = Input{Pipeline: p, Partition: 3}
	h.model = newTask(&h.in, &Report{})
	h.model.evidence = nil // there is none yet
	h.entries = []entry{{seq: 1}}
	for offset := int64(0); len(h.in.Source) < n; offset += 1 + int64(h.IntN(20)/19) { // control records leave gaps
		h.record(offset, fmt.Sprintf("d%d", h.IntN(devices)))
		h.in.Committed = offset + 1
		if h.IntN(10) == 0 {
			h.fact(event.Time(h.IntN(40_000)))
		}
		if h.IntN(60) == 0 {
			h.fact(130_000)
		}
		h.obey()
		if h.IntN(8) == 0 {
			h.commit()
		}
		if p.Roster != nil && (h.IntN(15) == 0 || len(h.in.Rosters) == 0) {
			h.newRoster()
		}
	}
	h.fact(40_000)
	h.obey()
	h.commit()
	h.in.Journal = renderJournal(h.entries[:len(h.entries)-1], 1+h.IntN(3))
	h.in.Outputs = render(&h.in, h.model.wants)
	return h
}

// record appends one message.
func (h *history) record(offset int64, device string) {
	h.wall += event.Time(h.IntN(1000))
	r := SourceRecord{Offset: offset, Append: h.wall, Stamped: true, Key: []byte(device)}
	h.seqs[device]++
	at := h.wall - event.Time(h.IntN(3000))
	if h.in.Pipeline.Time.ResetClockAfter > 0 {
		if h.IntN(25) == 0 {
			h.behind[device] = event.Time(h.IntN(2) * 3_600_000)
		}
		at -= h.behind[device]
	}
	switch h.IntN(20) {
	case 0:
		at -= 60_000
	case 1:
		at += 120_000
	}
	r.Value = fmt.Appendf(nil, `{"device":%q,"metric":%q,"value":%d.%d,"ts":%q,"seq":%d}`,
		device, []string{"temp", "temp", "temp", "hum", "none"}[h.IntN(5)], h.IntN(20), h.IntN(10), written(at), h.seqs[device])
	switch h.IntN(25) {
	case 0:
		if n := len(h.in.Source); n > 0 && string(h.in.Source[n-1].Key) == device {
			r.Value = h.in.Source[n-1].Value
		}
	case 1:
		r.Value = []byte("nonsense")
	}
	h.in.Source = append(h.in.Source, r)
	h.model.fold(r)
}

// newRoster lets another version of the roster come into force.
func (h *history) newRoster() {
	file := fmt.Appendf(nil, "device,limit,site\nd0,%d,hall\nd1,,attic\nd2,%d,\nd9,1,%d\n", 5+h.IntN(10), 5+h.IntN(10), h.IntN(9))
	if len(h.model.rules.silent) > 0 && h.IntN(3) == 0 {
		file = bytes.Replace(file, []byte("d1,,attic\n"), nil, 1)
	}
	h.in.Rosters = append(h.in.Rosters, file)
	r, err := readRoster(file)
	if err != nil {
		panic(err)
	}
	h.model.rosters[fingerprint(file)] = r
	f := fact{position: h.in.Committed, isRoster: true, roster: fingerprint(file), entry: &entry{to: h.in.Committed}}
	h.model.enter(f, newWitness(nil))
	e := &h.entries[len(h.entries)-1]
	e.facts = append(e.facts, f)
}

// fact lets wall time in a while later, and forgets some who are silent for long
// enough.
func (h *history) fact(later event.Time) {
	h.wall += later
	e := &h.entries[len(h.entries)-1]
	f := fact{position: h.in.Committed, wall: h.wall, entry: &entry{to: h.in.Committed}}
	for _, name := range slices.Sorted(maps.Keys(h.model.devices)) {
		if due := h.model.devices[name].seen + h.in.Pipeline.State.ForgetAfter; h.model.devices[name].heard && h.wall >= due && h.IntN(3) > 0 {
			f.forgotten = append(f.forgotten, name)
			h.due[h.wall] = max(h.due[h.wall], due)
		}
	}
	h.model.enter(f, newWitness(nil))
	e.facts = append(e.facts, f)
}

// commit ends the journal record in hand.
func (h *history) commit() {
	e := &h.entries[len(h.entries)-1]
	e.to, e.wall = h.in.Committed, h.model.clock
	h.entries = append(h.entries, entry{seq: e.seq + 1, from: e.to})
}
