package configs

// session checks a session window.
func (c *checker) session(doc *windowDoc, w *Window) {
	gap := &doc.Session.Gap
	if !gap.ok() {
		return
	}
	if doc.Offset.ok() {
		c.errorf(doc.Offset.at, "%s has no effect on a session window, which begins with a reading; remove it", &doc.Offset)
	}
	if doc.Timezone.ok() {
		c.errorf(doc.Timezone.at, "%s has no effect on a session window, which begins with a reading; remove it", &doc.Timezone)
	}
	c.sessions(gap, w)
}

// sessions bounds the state a session window keeps for each device.
func (c *checker) sessions(gap *span, w *Window) {
	t := &c.doc.Time
	if !t.WaitForLate.ok() || !t.AllowBackfill.ok() || !t.MaxFutureSkew.ok() {
		return
	}
	reach := t.WaitForLate.value + t.AllowBackfill.value + t.MaxFutureSkew.value
	n := (reach+w.Gap-1)/w.Gap + 1
	backfill := ""
	if t.AllowBackfill.value > 0 {
		backfill = " + allow_backfill=" + formatSpan(t.AllowBackfill.value)
	}
	sum := "wait_for_late=" + formatSpan(t.WaitForLate.value) + backfill + " + max_future_skew=" + formatSpan(t.MaxFutureSkew.value)
	switch {
	case n > mostPanes:
		c.errorf(gap.at, "%s needs room for %d sessions of each device, one every %s over %s; the most is %d: write %s or more, or shorten the others",
			gap, n, formatSpan(w.Gap), sum, mostPanes, formatSpan(sensible(reach/mostPanes+1, reach)))
	case c.tooMuch(gap, keeps{pieces: n, each: sessionBytes(w), of: "sessions"}):
	case n > manyPanes || int64(n)*sessionBytes(w) > muchState:
		c.warnf(gap.at, "%s keeps room for %d sessions of each device, some %d kB, one every %s over %s; a longer one takes less memory",
			gap, n, int64(n)*sessionBytes(w)/1000, formatSpan(w.Gap), sum)
	}
}

// sessionHold warns of a hold on sessions that lie further apart than what it
// takes for a hole.
func (c *checker) sessionHold(h *span, w *Window) {
	idle := &c.doc.Time.IdleAfter
	if h.ok() && h.value > 0 && w.Kind == Session && idle.ok() && w.Gap > idle.value {
		c.warnf(h.at, "%s does not pass: results of session window %s are at least %s apart, and time longer than idle_after=%s between two does not count; write a longer time.idle_after",
			h, w.Name, formatSpan(w.Gap), idle.show())
	}
}

// sessionBytes is what a session of a window takes: two words more than a pane.
func sessionBytes(w *Window) int64 { return paneBytes(w) + 2*8 }
