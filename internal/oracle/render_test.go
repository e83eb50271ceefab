package oracle

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"hash/crc32"
	"math"
	"strconv"
	"unicode/utf8"

	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/event"
)

// A perfect pipeline, for tests: what is wanted is written just so.

type object = map[string]any

// render writes outputs as records, and the alerts in the order they are wanted.
func render(in *Input, wants []*want) map[string][]OutputRecord {
	outputs := map[string][]OutputRecord{}
	alerts := 0
	kept := map[int64]bool{}
	for i := range wants {
		w := wants[i]
		in := w.in // with the file that it is by
		out := OutputRecord{Offset: int64(2*len(outputs[w.topic]) + 1), Key: []byte(w.device)}
		var o object
		switch {
		case w.aggregate != nil:
			o = renderAggregate(in.Pipeline, w)
		case w.alert != nil:
			alerts++
			o = renderAlert(in, w)
			out.ID, out.Seq = w.episodeID(in.Pipeline)+"-"+strconv.Itoa(w.alert.number), strconv.Itoa(alerts)
		case w.restart != nil:
			o = renderRestart(in, w)
		case w.rejected != nil:
			o = renderRejected(in, w)
		default:
			o = renderRefusal(in, w, kept)
		}
		if by := w.by(in.Pipeline); by != "" {
			delete(o, "device")
			o["group"], o["by"] = w.device, by
			if labels, ok := o["labels"].(object); ok {
				delete(labels, "device")
			}
		}
		out.Value = encode(o)
		outputs[w.topic] = append(outputs[w.topic], out)
	}
	return outputs
}

func encode(o any) []byte {
	text, err := json.Marshal(o)
	if err != nil {
		panic(err)
	}
	return text
}

func renderAggregate(p *configs.Pipeline, w *want) object {
	a := w.aggregate
	c := p.Windows[a.window]
	o := object{"pipeline": p.Name, "window": c.Name, "device": w.device, "metric": c.Metric, "start": written(a.start), "end": written(a.end), "revision": a.revision, "final": a.final}
	if a.corrects {
		o["corrects_alert"] = true
	}
	if a.resets > 0 {
		o["resets"] = a.resets
	}
	if a.merged {
		o["merged_into"] = written(a.into)
		return o
	}
	for i, name := range c.Compute {
		o[name] = a.results[i].guess()
		if a.results[i].tolerance > 0 { // the engine rounds elsewhere
			o[name] = math.Nextafter(a.results[i].guess(), math.Inf(1))
		}
	}
	return o
}

func renderAlert(in *Input, w *want) object {
	p, a := in.Pipeline, w.alert
	rule := &p.Rules[a.rule]
	level := func(i int) any {
		if i == none {
			return nil
		}
		return rule.Levels[i].Name
	}
	o := object{
		"schema": alertSchema, "id": w.episodeID(p), "pipeline": p.Name, "rule": rule.Name, "device": w.device, "state": a.state, "status": status(a.state),
		"level": level(a.level), "previous": level(a.previous), "value": a.value.value, "threshold": a.threshold, "at": written(a.at), "startsAt": written(a.began),
		"episode": object{"start": written(a.began), "event": a.number}, "annotations": object{"summary": w.summary(p, a.value.value)},
	}
	if a.resets > 0 {
		o["resets"] = a.resets
	}
	if a.repeat > 0 {
		o["repeat"] = a.repeat
	}
	if a.flapping {
		o["flapping"] = true
	}
	renderMore(o, a)
	if math.IsNaN(a.threshold) {
		o["threshold"] = nil
	}
	labels := object{}
	for name, cell := range a.labels {
		labels[name] = cell
	}
	delete(labels, "severity")
	labels["alertname"], labels["device"], labels["pipeline"] = rule.Name, w.device, p.Name
	if a.level != none {
		labels["severity"] = level(a.level)
		if a.escalation > 0 {
			labels["severity"] = rule.Escalate[a.escalation-1].Severity
		}
	}
	o["labels"] = labels
	if a.state == "resolved" || a.state == "ok" {
		o["endsAt"] = written(a.at)
	}
	if a.window != nil {
		o["window"] = object{"name": p.Windows[a.window.window].Name, "start": written(a.window.start), "end": written(a.window.end)}
	}
	because := object{"topic": p.Source.Topic, "partition": in.Partition}
	if a.cause.reason != "" {
		because["reason"] = a.cause.reason
	} else {
		because["offset"] = a.cause.offset
	}
	o["cause"] = because
	return o
}

func renderRestart(in *Input, w *want) object {
	r := w.restart
	return object{
		"schema": eventSchema, "pipeline": in.Pipeline.Name, "event": clockReset, "device": w.device, "resets": r.resets,
		"from": written(r.from), "to": written(r.to), "late_since": written(r.lateSince), "appended": written(r.record.Append),
		"source": object{"topic": in.Pipeline.Source.Topic, "partition": in.Partition, "offset": r.record.Offset},
	}
}

func renderRejected(in *Input, w *want) object {
	r := w.rejected
	o := object{"schema": quarantineSchema, "pipeline": in.Pipeline.Name, "reason": r.reason, "source": object{
		"topic": in.Pipeline.PartialsTopic, "partition": in.Partition, "offset": r.parcel.record.Offset,
	}}
	if r.reason == event.Late {
		c := &in.Pipeline.Windows[r.pane.window]
		o["group"], o["by"], o["window"], o["device"], o["upstream_partition"] = r.parcel.group, c.By, c.Name, r.parcel.device, r.parcel.upstream
		o["start"], o["end"], o["readings"] = written(r.pane.start), written(r.pane.end), r.parcel.readings
	} else {
		o["sample"] = 0
	}
	return o
}

func renderRefusal(in *Input, w *want, kept map[int64]bool) object {
	p, r := in.Pipeline, w.refusal
	o := object{
		"schema": quarantineSchema, "pipeline": p.Name, "reason": r.reason, "sample": r.reading.sample, "appended": written(r.record.Append),
		"source": object{"topic": p.Source.Topic, "partition": in.Partition, "offset": r.record.Offset},
	}
	if w.device != "" {
		o["device"] = w.device
	}
	if !r.unusable() {
		o["metric"], o["time"], o["value"] = p.Metrics[r.reading.metric], written(r.reading.at(r.record.Append)), r.reading.value
		if r.reading.hasSeq {
			o["seq"] = r.reading.seq
		}
		return o
	}
	if kept[w.source] {
		return o
	}
	kept[w.source] = true
	payload := r.record.Value
	if len(payload) > mostPayload {
		o["truncated"], o["size"] = true, len(payload)
		payload = payload[:mostPayload]
	}
	if utf8.Valid(payload) {
		o["payload"] = string(payload)
	} else {
		o["payload_base64"] = base64.StdEncoding.EncodeToString(payload)
	}
	return o
}

// renderJournal writes journal records, each in as many parts as it has sections
// of note, and at least one.
func renderJournal(entries []entry, parts int) (records []JournalRecord) {
	for i := range entries {
		e := &entries[i]
		note := renderNote(e.facts)
		for p := range parts {
			cut := note[len(note)*p/parts : len(note)*(p+1)/parts]
			b := make([]byte, sectionsAt)
			copy(b, partMagic)
			binary.LittleEndian.PutUint64(b[seqAt:], e.seq)
			binary.LittleEndian.PutUint32(b[partAt:], uint32(p))
			binary.LittleEndian.PutUint32(b[partsAt:], uint32(parts))
			binary.LittleEndian.PutUint64(b[fromAt:], uint64(e.from))
			binary.LittleEndian.PutUint64(b[toAt:], uint64(e.to))
			binary.LittleEndian.PutUint64(b[wallAt:], uint64(e.wall))
			b = append(b, 3, 2, 0, 0, 0, 'x', 'y') // a section of another kind
			if len(cut) > 0 {
				b = binary.LittleEndian.AppendUint32(append(b, noteSection), uint32(len(cut)))
				b = append(b, cut...)
			}
			b = binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)))
			records = append(records, JournalRecord{Offset: int64(2 * len(records)), Value: b})
		}
	}
	return records
}

func renderNote(facts []fact) (note []byte) {
	for _, f := range facts {
		note = binary.AppendUvarint(note, uint64(f.position))
		if f.isRoster {
			note = binary.BigEndian.AppendUint64(append(note, 0), f.roster)
			continue
		}
		if f.isCommands {
			note = binary.AppendUvarint(append(note, 1), uint64(f.version))
			continue
		}
		note = binary.AppendUvarint(note, uint64(f.wall))
		note = binary.AppendUvarint(note, uint64(len(f.forgotten)))
		for _, name := range f.forgotten {
			note = binary.AppendUvarint(note, uint64(len(name)))
			note = append(note, name...)
		}
	}
	return note
}
