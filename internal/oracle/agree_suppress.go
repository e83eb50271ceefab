package oracle

import (
	"slices"
	"strings"
	"time"

	"github.com/weirstream/weir/event"
)

// agreeSuppression compares what suppresses an alert, who knows of it and how far it
// has escalated.
func (e *alert) agreeSuppression(a *agreement, n *node) {
	if by := sub(n, "suppressed_by"); by != nil || len(e.suppressed) > 0 {
		e.agreeSuppressors(a, by)
	}
	if e.acked == nil {
		a.absent(n, "acked")
	} else {
		acked := sub(n, "acked")
		a.within = "acked."
		a.text(acked, "author", e.acked.Author)
		a.text(acked, "reason", e.acked.Reason)
		a.text(acked, "at", written(e.acked.At))
		a.within = ""
	}
	if e.escalation == 0 {
		a.absent(n, "escalation")
	} else {
		a.whole(n, "escalation", int64(e.escalation))
	}
}

// agreeSuppressors compares what suppresses an alert; where nothing does, there is no list.
func (e *alert) agreeSuppressors(a *agreement, by *node) {
	var found []string
	if by != nil && by.kind == '[' {
		for i := range by.items {
			found = append(found, by.items[i].text)
		}
	}
	if len(found) > 0 && slices.Equal(found, e.suppressed) {
		return
	}
	expected, is := "none", show(by)
	if len(e.suppressed) > 0 {
		expected = strings.Join(e.suppressed, " ")
	}
	if len(found) > 0 {
		is = strings.Join(found, " ")
	}
	a.differ("suppressed_by", expected, is)
}

// agreeClocks compares the clocks that an alert tells. That of the task, where wall time
// moved it, may have been any between the moment and what facts made of it.
func (w *want) agreeClocks(a *agreement, n *node) {
	if n == nil {
		return
	}
	c := w.alert.clocks
	if device := sub(n, "device"); device != nil && c.device > 0 {
		a.text(n, "device", written(c.device))
	}
	at, err := time.Parse(time.RFC3339, text(sub(n, "task")))
	if now := event.Time(at.UnixMilli()); err != nil || now < c.least || now > c.most {
		a.differ("clock.task", "from "+written(c.least)+" to "+written(c.most), show(sub(n, "task")))
	}
}
