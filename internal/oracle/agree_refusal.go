package oracle

import (
	"bytes"
	"encoding/base64"
	"strconv"
	"unicode/utf8"
)

// mostPayload is how much of a message a quarantine record keeps, in bytes.
const mostPayload = 64 << 10

func (w *want) agreeRefusal(in *Input, a *agreement, f found) {
	r, n := w.refusal, &f.body
	device := w.device
	if device == "" && string(f.record.Key) == string(r.record.Device) {
		device = string(r.record.Device) // the header names it, whatever the message is
	}
	if string(f.record.Key) != device {
		a.differ("key", strconv.Quote(device), strconv.Quote(string(f.record.Key)))
	}
	a.text(n, "pipeline", in.Pipeline.Name)
	a.text(n, "reason", string(r.reason))
	source := sub(n, "source")
	a.text(source, "topic", in.Pipeline.Source.Topic)
	a.whole(source, "partition", int64(in.Partition))
	a.whole(source, "offset", r.record.Offset)
	a.whole(n, "sample", int64(r.reading.sample))
	a.text(n, "appended", written(r.record.Append))
	if device != "" {
		if utf8.ValidString(device) {
			a.text(n, "device", device)
		}
	} else if n.field("device").there() {
		a.text(n, "device", "")
	}
	if r.unusable() {
		w.agreePayload(a, n)
		return
	}
	a.text(n, "metric", in.Pipeline.Metrics[r.reading.metric])
	a.text(n, "time", written(r.reading.at(r.record.Append)))
	if v := n.field("value"); !r.reading.isBool || v == nil || v.kind != 't' && v.kind != 'f' || r.reading.value != map[byte]float64{'t': 1, 'f': 0}[v.kind] {
		a.measure(n, "value", measure{value: r.reading.value})
	}
	if r.reading.hasSeq {
		a.whole(n, "seq", r.reading.seq)
	} else {
		a.absent(n, "seq")
	}
}

// agreeRestart compares the record of a clock that began anew.
func (w *want) agreeRestart(in *Input, a *agreement, n *node) {
	r := w.restart
	a.text(n, "from", written(r.from))
	a.text(n, "to", written(r.to))
	a.text(n, "late_since", written(r.lateSince))
	a.whole(n, "resets", int64(r.resets))
	source := sub(n, "source")
	a.text(source, "topic", in.Pipeline.Source.Topic)
	a.whole(source, "partition", int64(in.Partition))
	a.whole(source, "offset", r.record.Offset)
	a.text(n, "appended", written(r.record.Append))
}

// agreePayload compares the message where the record holds it; comparePayloads
// sees to it that one record of each message does.
func (w *want) agreePayload(a *agreement, n *node) {
	whole := w.refusal.record.Value
	kept := []byte(text(n.field("payload")))
	if coded := n.field("payload_base64"); coded.there() {
		var err error
		if kept, err = base64.StdEncoding.DecodeString(coded.text); err != nil {
			a.differ("payload_base64", "base64", show(coded))
		}
	} else if !n.field("payload").there() {
		return
	}
	cut := len(whole) > mostPayload
	a.truth(n, "truncated", cut)
	if !cut {
		if !bytes.Equal(kept, whole) {
			a.differ("payload", excerpt(whole), excerpt(kept))
		}
		return
	}
	a.whole(n, "size", int64(len(whole)))
	// A character is not cut in two.
	if !bytes.HasPrefix(whole, kept) || len(kept) > mostPayload || len(kept) <= mostPayload-utf8.UTFMax {
		a.differ("payload", "the first 64 KiB of the message", strconv.Itoa(len(kept))+" bytes")
	}
}
