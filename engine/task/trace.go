package task

import "github.com/weirstream/weir/ingest/codec"

// traceLength is how many bytes a trace context has: version, trace, parent and flags
// in hexadecimal digits, with a hyphen between them.
const traceLength = 2 + 1 + 32 + 1 + 16 + 1 + 2

// appendTrace appends the trace context of the reading at hand, where it carries one,
// to the cause of an alert, and notes where it stands. It is passed on as it came, since the alert
// must be the same however often the reading is folded: whoever consumes the alert goes
// on where whoever sent the reading left off. Only alerts ask for it, so the hot path does
// not read it.
func (t *Task) appendTrace(b []byte) []byte {
	trace := t.record.Trace
	if name := t.plan.Pipeline.Source.Reading.Trace; trace == nil && name != "" && !t.plan.Groups() && t.index < len(t.batch.Readings) {
		if t.peek == nil {
			t.peek = &codec.Peek{}
		}
		trace = t.peek.Text(t.record.Value, t.batch.Readings[t.index].Sample, name)
	}
	if !isTrace(trace) {
		return b
	}
	b = append(b, `,"traceparent":"`...)
	t.out.traced(len(b))
	b = append(b, trace[:traceLength]...)
	return append(b, '"')
}

// isTrace reports whether a text is a trace context by which one can go on: W3C Trace
// Context, section 3.2.2. Of a later version of it than 00 what is known counts.
func isTrace(s []byte) bool {
	if len(s) < traceLength || len(s) > traceLength && (s[0] == '0' && s[1] == '0' || s[traceLength] != '-') {
		return false
	}
	for i := range traceLength {
		hyphen := i == 2 || i == 35 || i == 52
		digit := '0' <= s[i] && s[i] <= '9' || 'a' <= s[i] && s[i] <= 'f'
		if hyphen != (s[i] == '-') || !hyphen && !digit {
			return false
		}
	}
	return string(s[:2]) != "ff" && !zeros(s[3:35]) && !zeros(s[36:52])
}

func zeros(s []byte) bool {
	for _, c := range s {
		if c != '0' {
			return false
		}
	}
	return true
}
