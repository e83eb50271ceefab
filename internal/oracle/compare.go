package oracle

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
)

// identity is what names an output. No two of a topic should have the same; where
// two do (the newest readings of a device changed and look the same again), they
// are taken in order.
type identity struct {
	kind   byte // a, l, q or r
	lane   string
	device string // or group
	first  string
	second string
	number string
	resets string // of the device's clock; empty for none
}

// found is a record of an output topic, taken apart.
type found struct {
	record OutputRecord
	topic  string
	body   node
	names  identity
	rough  identity // what is left of names where one part of it is wrong
}

// board holds what is expected in one topic while it is compared.
type board struct {
	in     *Input
	report *Report
	topic  string
	wants  []*want
	met    []bool // by want
	exact  map[identity]*group
	rough  map[identity][]int // those not met under their exact name

	step  map[string]int    // of the newest output of a device
	place map[[2]string]int // of a device's lane: the want of the newest output
	seq   int64             // of the newest alert

	strays    []found // found, but not expected under their name
	oversized []found
	payloads  map[int64]int  // by source offset: bad readings found with the message
	replaced  map[int64]bool // by source offset: one of its outputs was too large, perhaps for the message it held
}

// group are the expected outputs of one name, in order; those before next are met.
type group struct {
	wants []int
	next  int
}

// compare takes each output topic and says what is not as it must be.
func compare(in *Input, report *Report, wants []*want) {
	byTopic := map[string][]*want{}
	for _, w := range wants {
		byTopic[w.topic] = append(byTopic[w.topic], w)
	}
	topics := slices.Sorted(maps.Keys(byTopic))
	for _, topic := range slices.Sorted(maps.Keys(in.Outputs)) {
		if byTopic[topic] == nil {
			topics = append(topics, topic)
		}
	}
	for _, topic := range topics {
		b := newBoard(in, report, topic)
		b.expect(byTopic[topic])
		b.compare(in.Outputs[topic])
	}
	slices.SortStableFunc(report.Differences, func(a, b Difference) int { return cmp.Compare(uint64(a.Source), uint64(b.Source)) })
}

func newBoard(in *Input, report *Report, topic string) *board {
	return &board{
		in: in, report: report, topic: topic,
		exact: map[identity]*group{}, rough: map[identity][]int{},
		step: map[string]int{}, place: map[[2]string]int{}, payloads: map[int64]int{}, replaced: map[int64]bool{},
	}
}

func (b *board) expect(wants []*want) {
	b.wants, b.met = wants, make([]bool, len(wants))
	for i := range wants {
		exact, _ := wants[i].names(wants[i].in)
		if b.exact[exact] == nil {
			b.exact[exact] = &group{}
		}
		b.exact[exact].wants = append(b.exact[exact].wants, i)
	}
}

func (b *board) compare(records []OutputRecord) {
	for _, r := range records {
		if f, ours := b.take(r); ours {
			b.meet(f)
		}
	}
	b.matchStrays()
	b.matchOversized()
	for i := range b.wants {
		if !b.met[i] {
			w := b.wants[i]
			b.add(Difference{Kind: Missing, Device: w.device, Source: w.source, Output: -1, Text: "expected " + w.describe(w.in.Pipeline) + ", found nothing"})
		}
	}
	b.comparePayloads()
}

func (b *board) add(d Difference) {
	d.Topic = b.topic
	if b.in.groups != nil {
		d.Group, d.Device = d.Device, ""
	}
	b.report.add(d)
}

// take reads a record. ours is false for one of another pipeline.
func (b *board) take(r OutputRecord) (f found, ours bool) {
	f = found{record: r, topic: b.topic}
	body, ok := parseJSON(r.Value)
	if !ok || body.kind != '{' {
		if b.in.ofGroups(f) != (b.in.groups != nil) {
			return f, false
		}
		b.add(Difference{Kind: Unexpected, Device: string(r.Key), Source: -1, Output: r.Offset, Text: "found a record that is not a JSON object: " + excerpt(r.Value)})
		return f, false
	}
	f.body = body
	if b.in.ofGroups(f) != (b.in.groups != nil) {
		return f, false
	}
	if p := body.field("pipeline"); p.there() && p.text != b.in.Pipeline.Name {
		return f, false
	}
	schema := text(body.field("schema"))
	switch {
	case schema == "" && body.field("window").there() && body.field("pipeline").there():
		b.report.Aggregates++
		f.names = aggregateNames(b.in, &f.body)
		f.rough = f.names
		f.rough.number, f.rough.resets = "", ""
	case schema == alertSchema:
		b.report.Alerts++
		b.sequence(f)
		episode := body.field("episode")
		f.names = identity{'l', text(body.field("rule")), owner(&body), text(body.field("startsAt")), "", text(sub(episode, "event")), text(body.field("resets"))}
		f.rough = identity{'l', f.names.lane, f.names.device, text(body.field("at")), text(body.field("state")), "", ""}
	case schema == quarantineSchema:
		b.report.Quarantined++
		source := body.field("source")
		f.names = identity{'q', text(body.field("reason")), "", text(sub(source, "offset")), text(body.field("sample")), text(body.field("metric")), ""}
		f.rough = f.names
		f.rough.lane, f.rough.number = "", ""
	case schema == eventSchema && text(body.field("event")) == clockReset:
		b.report.Resets++
		f.names = identity{kind: 'r', device: text(body.field("device")), first: text(sub(body.field("source"), "offset")), resets: text(body.field("resets"))}
		f.rough = f.names
		f.rough.device, f.rough.resets = "", ""
	case schema == oversizeSchema:
		b.report.Oversized++
		b.oversized = append(b.oversized, f)
		return f, false
	default:
		b.add(Difference{Kind: Unexpected, Device: string(r.Key), Source: -1, Output: r.Offset, Text: "found a record of no known kind: " + excerpt(r.Value)})
		return f, false
	}
	return f, true
}

// The schemas of docs/RECORDS.md.
const (
	alertSchema      = "weir.alert/1"
	quarantineSchema = "weir.quarantine/1"
	oversizeSchema   = "weir.oversize/1"
	eventSchema      = "weir.event/1"
	clockReset       = "clock_reset"
)

// sequence checks that weir-seq counts the alerts of the partition.
func (b *board) sequence(f found) {
	n, err := strconv.ParseInt(f.record.Seq, 10, 64)
	if err == nil && n == b.seq+1 {
		b.seq = n
		return
	}
	b.add(Difference{
		Kind: Sequence, Device: string(f.record.Key), Source: f.source(), Output: f.record.Offset,
		Text: fmt.Sprintf("expected weir-seq %d, found %q", b.seq+1, f.record.Seq),
	})
	if err == nil {
		b.seq = n
	} else {
		b.seq++
	}
}

// meet finds what a record was expected as.
func (b *board) meet(f found) {
	g := b.exact[f.names]
	if g == nil {
		b.strays = append(b.strays, f)
		return
	}
	for g.next < len(g.wants) && b.met[g.wants[g.next]] {
		g.next++
	}
	for _, i := range g.wants[g.next:] {
		if !b.met[i] && b.wants[i].mismatch(b.wants[i].in, f) == "" {
			b.accept(i, f, "")
			return
		}
	}
	if g.next < len(g.wants) {
		i := g.wants[g.next]
		b.accept(i, f, b.wants[i].mismatch(b.wants[i].in, f))
		return
	}
	w := b.wants[g.wants[len(g.wants)-1]]
	b.add(Difference{
		Kind: Repeated, Device: w.device, Source: w.source, Output: f.record.Offset,
		Text: "found once more: " + w.describe(w.in.Pipeline),
	})
}

// accept takes a record as the wanted one and checks id and order. problem is
// what is wrong with its content.
func (b *board) accept(i int, f found, problem string) {
	w := b.wants[i]
	b.met[i] = true
	d := Difference{Device: w.device, Source: w.source, Output: f.record.Offset}
	if problem != "" {
		d.Kind, d.Text = Value, w.describe(w.in.Pipeline)+": "+problem
		b.add(d)
	}
	if problem := w.wrongID(w.in, f); problem != "" {
		d.Kind, d.Text = ID, w.describe(w.in.Pipeline)+": "+problem
		b.add(d)
	}
	if f.body.field("payload").there() || f.body.field("payload_base64").there() {
		b.payloads[w.source]++
	}
	owner := w.by(w.in.Pipeline) + "\x00" + w.device // groups by one label may be called as those by another
	lane := [2]string{owner, w.lane + w.instance}
	newest, known := b.place[lane]
	if b.step[owner] > w.step || known && newest > i && w.lane != "" && !w.loose {
		d.Kind, d.Text = Order, "found behind a later one: "+w.describe(w.in.Pipeline)
		b.add(d)
		return
	}
	b.step[owner] = w.step
	if !w.loose {
		b.place[lane] = i
	}
}

// matchStrays joins records that nothing has the name of with expected ones whose
// name is nearly theirs: then one value is wrong, not two records.
func (b *board) matchStrays() {
	if len(b.strays) == 0 {
		return
	}
	for i := range b.wants {
		if !b.met[i] {
			_, rough := b.wants[i].names(b.wants[i].in)
			b.rough[rough] = append(b.rough[rough], i)
		}
	}
	for _, f := range b.strays {
		candidates := b.rough[f.rough]
		if len(candidates) > 0 {
			b.rough[f.rough] = candidates[1:]
			i := candidates[0]
			b.met[i] = true
			w := b.wants[i]
			problem := w.mismatch(w.in, f)
			b.add(Difference{Kind: Value, Device: w.device, Source: w.source, Output: f.record.Offset, Text: w.describe(w.in.Pipeline) + ": " + problem})
			continue
		}
		b.add(Difference{
			Kind: Unexpected, Device: string(f.record.Key), Source: f.source(), Output: f.record.Offset,
			Text: "found a record that nothing explains: " + excerpt(f.record.Value),
		})
	}
}

// matchOversized lets each record that stands for one too large for its topic
// stand for an expected one of its device.
func (b *board) matchOversized() {
	for _, f := range b.oversized {
		before := int64(math.MaxInt64)
		if n, err := strconv.ParseInt(text(sub(f.body.field("source"), "before_offset")), 10, 64); err == nil {
			before = n
		}
		stands := false
		for i := range b.wants {
			w := b.wants[i]
			if !b.met[i] && w.source < before && string(f.record.Key) == w.device {
				b.met[i], b.replaced[w.source], stands = true, true, true
				break
			}
		}
		if !stands {
			b.add(Difference{
				Kind: Unexpected, Device: string(f.record.Key), Source: -1, Output: f.record.Offset,
				Text: "found a record that stands for one too large for its topic, and none is missing: " + excerpt(f.record.Value),
			})
		}
	}
}

// comparePayloads checks that a message that holds unusable readings is kept once.
func (b *board) comparePayloads() {
	seen := map[int64]bool{}
	for i := range b.wants {
		w := b.wants[i]
		if w.refusal == nil || !w.refusal.unusable() || seen[w.source] || !b.met[i] {
			continue
		}
		seen[w.source] = true
		if n := b.payloads[w.source]; n != 1 && !(n == 0 && b.replaced[w.source]) {
			b.add(Difference{
				Kind: Value, Device: w.device, Source: w.source, Output: -1,
				Text: fmt.Sprintf("expected the message with one of its unusable readings, found it with %d", n),
			})
		}
	}
}

// source is the source offset a record itself speaks of; -1 where it does not.
func (f found) source() int64 {
	for _, name := range []string{"cause", "source"} {
		if n, err := strconv.ParseInt(text(sub(f.body.field(name), "offset")), 10, 64); err == nil {
			return n
		}
	}
	return -1
}

// text is the text of a string or a number as written; empty for all else.
func text(n *node) string {
	if n == nil {
		return ""
	}
	return n.text
}

// sub returns a field of a field.
func sub(n *node, name string) *node {
	if n == nil {
		return nil
	}
	return n.field(name)
}

// excerpt is the beginning of a record, on one line.
func excerpt(value []byte) string {
	const most = 300
	s := strconv.Quote(string(value[:min(most, len(value))]))
	if len(value) > most {
		s += "..."
	}
	return s
}
