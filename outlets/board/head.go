package board

import (
	"bytes"
)

// head is what folding an event takes; the rest of it is read for open episodes, when
// somebody looks at them.
type head struct {
	id, pipeline, rule, state string
	group                     bool
}

func (h *head) ended() bool { return h.state == "resolved" || h.state == "ok" }

// headOf reads the beginning of a record as weir writes it, in one look at some two
// hundred bytes; false: it is of another form, and Parse has to say.
func headOf(record []byte) (h head, ok bool) {
	rest, ok := bytes.CutPrefix(record, []byte(`{"schema":"`+Schema+`","id":"`))
	if !ok {
		return h, false
	}
	if h.id, rest, ok = upTo(rest, `","pipeline":"`); !ok {
		return h, false
	}
	if h.pipeline, rest, ok = upTo(rest, `","rule":"`); !ok {
		return h, false
	}
	h.rule, rest, ok = upTo(rest, `","device":"`)
	if ok {
		_, rest, ok = upTo(rest, `","state":"`)
	} else if h.rule, rest, ok = upTo(rest, `","group":"`); ok {
		h.group = true
		if _, rest, ok = upTo(rest, `","by":"`); ok {
			_, rest, ok = upTo(rest, `","state":"`)
		}
	}
	if !ok {
		return h, false
	}
	h.state, _, ok = upTo(rest, `","status":"`)
	return h, ok
}

// upTo cuts off a text that the mark ends; false where it has an escape or another end.
func upTo(b []byte, mark string) (text string, rest []byte, ok bool) {
	end := bytes.IndexAny(b, `"\`)
	if end < 0 || !bytes.HasPrefix(b[end:], []byte(mark)) {
		return "", b, false
	}
	return string(b[:end]), b[end+len(mark):], true
}

// headFrom is the head of an event that was read whole.
func headFrom(e *Event) head {
	return head{id: e.ID, pipeline: e.Pipeline, rule: e.Rule, state: e.State, group: e.Group != ""}
}
