package configs

// groupCompute refuses what a window over several devices cannot compute.
func (c *checker) groupCompute(doc *windowDoc, w *Window) {
	why := ""
	switch {
	case w.Kind == Count:
		why = "in a count window over several devices there are none; remove it, or write a window of time"
	case w.Emit.On == "change":
		why = "with emit.on=change each reading leaves its device by itself; remove it, or write on: close"
	default:
		return
	}
	for i := range doc.Compute.items {
		if t := &doc.Compute.items[i]; t.ok() && (t.value == "integral" || t.value == "time_weighted_mean") {
			t.bad = true
			c.errorf(t.at, "%s is over the lines between readings of one device, and %s", t, why)
		}
	}
}

// groupPanes bounds the panes in which each device gathers its part of a window
// over several, where they are not those of the window itself.
func (c *checker) groupPanes(doc *windowDoc, w *Window) {
	switch {
	case w.stepped && w.Every > 0 && w.Size > 0 && !doc.Rolling.Resolution.bad && w.Size%w.Every == 0:
		what := &doc.Rolling.Resolution
		if !what.set {
			what = &doc.Rolling.Size
		}
		c.panes(what, w)
	case w.Kind == Session && doc.Session.Gap.ok():
		c.sessionPanes(&doc.Session.Gap, w)
	}
}

// sessionPanes bounds the panes of sessions over several devices.
func (c *checker) sessionPanes(gap *span, w *Window) {
	t := &c.doc.Time
	if !t.WaitForLate.ok() || !t.AllowBackfill.ok() || !t.MaxFutureSkew.ok() {
		return
	}
	pane := w.GroupPane()
	reach := pane + t.WaitForLate.value + t.AllowBackfill.value + t.MaxFutureSkew.value
	n := (reach-1)/pane + 1
	each := paneBytes(w) + 2*8
	switch {
	case n > mostPanes:
		c.errorf(gap.at, "%s over several devices needs %d panes for each of them, one every %s, a quarter of it; the most is %d: write %s or more, or shorten wait_for_late, allow_backfill or max_future_skew",
			gap, n, formatSpan(pane), mostPanes, formatSpan(sensible(4*(reach/mostPanes+1), 0)))
	case c.tooMuch(gap, keeps{pieces: n, each: each, of: "panes"}):
	case n > manyPanes || int64(n)*each > muchState:
		c.warnf(gap.at, "%s over several devices keeps %d panes for each of them, some %d kB, one every %s, a quarter of it; a longer one takes less memory",
			gap, n, int64(n)*each/1000, formatSpan(pane))
	}
}

// sayStepped tells how a rolling window is kept over several devices.
func (w *Window) sayStepped() string {
	return "over the " + eachSpan(w.Size) + " up to each step of " + saySpan(w.Every)
}

// sayNewest tells what a count window over several devices holds.
func (w *Window) sayNewest() string {
	if w.Count == 1 {
		return "over the newest reading of any of them"
	}
	return "over the newest " + plural(int64(w.Count), "reading") + " of all of them, once there are that many"
}

// sayChange tells when a window says its present value.
func (w *Window) sayChange() string {
	if w.Grouped() {
		return "at every reading that a device sends on"
	}
	return "at every reading"
}
