package codec

import (
	"unicode/utf8"

	"github.com/weirstream/weir/event"
)

// judge appends the readings of the object whose fields are in b.tokens.
func (s *Scanner) judge(p []byte, sample int32, b *Batch) {
	if len(s.wide) == 0 {
		r := b.next(sample)
		if fault := s.narrow(p, b, r); fault != "" {
			r.Bad = fault
		}
		return
	}
	s.spread(p, sample, b)
}

// narrow judges an object that is one reading. The order of the steps is the
// precedence of faults. As all the steps do, it fills in r and returns the first
// fault, if there is one, for the caller to note.
func (s *Scanner) narrow(p []byte, b *Batch, r *event.Reading) event.Reason {
	if fault := s.deviceOf(p, b, r); fault != "" {
		return fault
	}
	metric := &b.tokens[metricField]
	if metric.kind != quoted {
		return event.NoMetric
	}
	if r.Metric = s.metrics.find(metric.string(p, b)); r.Metric >= 0 {
		if fault := b.tokens[valueField].value(p, b, r); fault != "" {
			return fault
		}
	}
	if fault := s.timeOf(p, b, r); fault != "" {
		return fault
	}
	return sequenceOf(b, r)
}

// origin is what the readings of a wide message share, judged once, with the
// fault of each part.
type origin struct {
	event.Reading
	noDevice, badTime, badSeq event.Reason
}

// spread judges an object that is one reading per wide field.
func (s *Scanner) spread(p []byte, sample int32, b *Batch) {
	var o origin
	o.noDevice = s.deviceOf(p, b, &o.Reading)
	o.badTime = s.timeOf(p, b, &o.Reading)
	o.badSeq = sequenceOf(b, &o.Reading)
	none := true
	for k, metric := range s.wide {
		if t := &b.tokens[firstWide+k]; t.kind > null {
			o.add(b.next(sample), p, b, metric, t)
			none = false
		}
	}
	if none {
		o.add(b.next(sample), p, b, event.Undeclared, nil)
	}
}

// add fills in one reading from what is shared and the field t; of an
// undeclared metric t is not looked at.
func (o *origin) add(r *event.Reading, p []byte, b *Batch, metric int32, t *token) {
	if r.Bad = o.noDevice; r.Bad != "" {
		return
	}
	r.Device, r.Metric = o.Device, metric
	if metric >= 0 {
		if r.Bad = t.value(p, b, r); r.Bad != "" {
			return
		}
	}
	if r.Bad = o.badTime; r.Bad != "" {
		return
	}
	r.Time, r.HasTime = o.Time, o.HasTime
	if r.Bad = o.badSeq; r.Bad != "" {
		return
	}
	r.Seq, r.HasSeq = o.Seq, o.HasSeq
}

func (s *Scanner) deviceOf(p []byte, b *Batch, r *event.Reading) event.Reason {
	if !s.device {
		return ""
	}
	var name []byte
	switch t := &b.tokens[deviceField]; {
	case t.kind == quoted:
		name = t.string(p, b)
	case t.kind == numeric && t.integer:
		name = p[t.start:t.end]
	}
	if len(name) == 0 || len(name) > event.MaxDevice || !utf8.Valid(name) {
		return event.NoDevice
	}
	r.Device = name
	return ""
}

func (s *Scanner) timeOf(p []byte, b *Batch, r *event.Reading) event.Reason {
	t := &b.tokens[timeField]
	var at event.Time
	var ok bool
	switch {
	case t.kind <= null:
		return ""
	case t.kind == quoted:
		if at, ok = rfc3339(t.string(p, b)); !ok {
			return event.TimeFormat
		}
		ok = 0 <= at && at < endOfTime
	case t.kind == numeric && s.epoch:
		at, ok = t.floor(p[t.start:t.end], s.scale)
	default:
		return event.TimeFormat
	}
	if !ok {
		return event.TimeRange
	}
	r.Time, r.HasTime = at, true
	return ""
}

func sequenceOf(b *Batch, r *event.Reading) event.Reason {
	t := &b.tokens[seqField]
	if t.kind <= null {
		return ""
	}
	if t.kind == numeric {
		if n, ok := t.sequence(); ok {
			r.Seq, r.HasSeq = n, true
			return ""
		}
	}
	return event.SeqFormat
}

// value fills in what a declared metric says.
func (t *token) value(p []byte, b *Batch, r *event.Reading) event.Reason {
	switch t.kind {
	case absent, null:
		return event.NoValue
	case boolFalse:
		r.Value.Kind = event.Bool
	case boolTrue:
		r.Value.Kind, r.Value.Num = event.Bool, 1
	case quoted:
		r.Value.Kind, r.Value.Str = event.String, t.string(p, b)
	case numeric:
		f, ok := t.float(p[t.start:t.end])
		if !ok {
			return event.ValueRange
		}
		r.Value.Num = f
	case container:
		return event.ValueType
	}
	return ""
}

// string returns what a string stands for: a piece of the payload, or of the
// arena if it had to be unescaped.
func (t *token) string(p []byte, b *Batch) []byte {
	if !t.escaped {
		return p[t.start:t.end]
	}
	used := len(b.arena)
	b.arena = unescape(b.arena, p[t.start:t.end])
	return b.arena[used:]
}
