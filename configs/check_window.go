package configs

import (
	"slices"

	"github.com/weirstream/weir/event"
)

const (
	mostPanes = 20_000 // of one window of one device; all that a device has are at most statestore.MaxCells
	manyPanes = 2_000  // worth a warning
	day       = event.Time(86_400_000)
)

func (c *checker) windows() {
	items := c.doc.Windows.items
	for i := range items {
		doc := &items[i]
		c.word(&doc.Name)
		c.title(&doc.Metric)
		for j := range i {
			if o := &items[j].Name; doc.Name.ok() && o.ok() && o.value == doc.Name.value {
				c.errorf(doc.Name.at, "%s is the name of another window, at line %d; window names must differ", &doc.Name, o.at.line)
				break
			}
		}
		w := Window{Name: doc.Name.value, Metric: doc.Metric.value, Compute: doc.Compute.values()}
		c.windowKind(doc, &w)
		c.computed(doc, &w)
		c.windowMetric(doc)
		c.emit(doc, &w)
		c.by(doc, &w)
		c.p.Windows = append(c.p.Windows, w)
	}
}

// windowKind finds out the one kind a window has.
func (c *checker) windowKind(doc *windowDoc, w *Window) {
	var kinds []string
	if doc.Tumbling.set {
		kinds = append(kinds, "tumbling")
		w.Kind, w.Size, w.Every = Tumbling, doc.Tumbling.value, doc.Tumbling.value
	}
	if doc.Hopping != nil {
		kinds = append(kinds, "hopping")
		w.Kind, w.Size, w.Every = Hopping, doc.Hopping.Size.value, doc.Hopping.Every.value
	}
	if doc.Count.set {
		kinds = append(kinds, "count")
		w.Kind, w.Size, w.Every, w.Count = Count, 0, 0, int(doc.Count.value)
	}
	if doc.Session != nil {
		kinds = append(kinds, "session")
		w.Kind, w.Size, w.Every, w.Gap = Session, 0, 0, doc.Session.Gap.value
	}
	if doc.Rolling != nil {
		kinds = append(kinds, "rolling")
		w.Kind, w.Size, w.Every = Rolling, doc.Rolling.Size.value, doc.Rolling.Resolution.value
	}
	switch {
	case len(kinds) > 1:
		c.errorf(doc.at, "%s has %s; a window has one kind, remove the others", doc.path, andList(kinds))
	case len(kinds) == 0 && doc.set:
		c.errorf(doc.at, "%s has no kind; write tumbling: 5m, or hopping: {size: 10m, every: 1m}, or rolling: 10m, or session: {gap: 30m}, or count: 10", doc.path)
	case w.Kind == Session:
		c.session(doc, w)
	case len(kinds) == 1 && w.Kind == Rolling:
		c.rolling(doc.Rolling, w)
	case len(kinds) == 1 && w.Kind != Count && (doc.Hopping == nil || !doc.Hopping.bad):
		c.windowSpan(doc, w)
	}
	if len(kinds) == 1 {
		c.placed(doc, w)
	}
	if w.Kind == Rolling && doc.By.set {
		w.Kind, w.stepped = Hopping, true
	}
}

// windowSpan checks a window of time.
func (c *checker) windowSpan(doc *windowDoc, w *Window) {
	size := &doc.Tumbling
	what := &doc.Tumbling
	if doc.Hopping != nil {
		size, what = &doc.Hopping.Size, &doc.Hopping.Every
	}
	if !size.ok() || !what.ok() {
		return
	}
	switch {
	case w.Every > w.Size:
		c.errorf(what.at, "%s must not be more than size=%s, or readings between two windows are in none", what, formatSpan(w.Size))
		return
	case w.Size%w.Every != 0:
		c.errorf(what.at, "%s must divide size=%s; %s does", what, size.show(), formatSpan(divisorNear(w.Size, w.Every)))
		return
	case w.Kind == Hopping && w.Every == w.Size:
		c.warnf(what.at, "%s is the whole size: the windows do not overlap; tumbling: %s says the same", what, formatSpan(w.Size))
	}
	c.panes(what, w)
	switch {
	case w.Every < day && day%w.Every != 0:
		c.warnf(what.at, "%s does not divide a day: windows begin at other times each day, for they are counted from 1970-01-01 UTC", what)
	case w.Every > day && !doc.Offset.set:
		c.warnf(what.at, "%s: windows are counted from Thursday 1970-01-01 UTC, not from the start of a week or month%s", what, weekly(w.Every))
	}
}

// divisorNear returns the divisor of size nearest to every, of those that people
// would choose, for a message.
func divisorNear(size, every event.Time) event.Time {
	best := size
	for _, u := range spanUnits() {
		for _, n := range []event.Time{1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 30, 50, 100, 200, 250, 500} {
			d := n * event.Time(u.size)
			if d < size && size%d == 0 && distance(d, every) < distance(best, every) {
				best = d
			}
		}
	}
	return best
}

func distance(a, b event.Time) event.Time { return max(a-b, b-a) }

// panes bounds the state a window keeps for each device.
func (c *checker) panes(what *span, w *Window) {
	t := &c.doc.Time
	if !t.WaitForLate.ok() || !t.AllowBackfill.ok() || !t.MaxFutureSkew.ok() {
		return
	}
	reach := w.Size + t.WaitForLate.value + t.AllowBackfill.value + t.MaxFutureSkew.value
	n := (reach-1)/w.Every + 1
	backfill := ""
	if t.AllowBackfill.value > 0 {
		backfill = " + allow_backfill=" + formatSpan(t.AllowBackfill.value)
	}
	sum := "size=" + formatSpan(w.Size) + " + wait_for_late=" + formatSpan(t.WaitForLate.value) + backfill + " + max_future_skew=" + formatSpan(t.MaxFutureSkew.value)
	switch {
	case n > mostPanes:
		c.errorf(what.at, "%s needs %d panes for each device, one every %s over %s; the most is %d: write %s or more, or shorten the others",
			what, n, formatSpan(w.Every), sum, mostPanes, formatSpan(sensible(reach/mostPanes+1, w.Size)))
	case c.tooMuch(what, keeps{pieces: n, each: paneBytes(w), of: "panes"}):
	case n > manyPanes || int64(n)*paneBytes(w) > muchState:
		c.warnf(what.at, "%s keeps %d panes for each device, some %d kB, one every %s over %s; a longer one takes less memory",
			what, n, int64(n)*paneBytes(w)/1000, formatSpan(w.Every), sum)
	}
}

// sensible returns the least usual span of at least t that divides size; t
// itself where there is none.
func sensible(t, size event.Time) event.Time {
	for _, usual := range []event.Time{10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 15_000, 30_000, 60_000, 300_000, 600_000, 3_600_000, day} {
		if usual >= t && (size%usual == 0 || size < usual) {
			return usual
		}
	}
	return t
}

// windowMetric refuses a metric that wide messages do not have.
func (c *checker) windowMetric(doc *windowDoc) {
	if m := &doc.Metric; m.ok() {
		if problem := c.noSuchMetric(m.value); problem != "" {
			c.errorf(m.at, "%s %s", m, problem)
			m.bad = true
		}
	}
}

// noSuchMetric says why no message can carry a metric; nothing for narrow
// messages, which can carry any.
func (c *checker) noSuchMetric(metric string) string {
	r := &c.doc.Source.Reading
	if !r.Metrics.set || r.Metrics.bad || slices.Contains(r.Metrics.values(), metric) || c.isDerived(metric) {
		return ""
	}
	return "is not in source.reading.metrics, so no reading has it" + suggestOr(metric, r.Metrics.values(), "; add it there")
}

func suggestOr(word string, candidates []string, otherwise string) string {
	if s := suggest(word, candidates); s != "" {
		return s
	}
	return otherwise
}

func (c *checker) emit(doc *windowDoc, w *Window) {
	e := &doc.Emit
	c.topic(&e.Topic)
	switch {
	case e.On.set:
	case !e.Topic.set:
		e.On.fill("never")
	case w.speaksAlways():
		e.On.fill("change")
	default:
		e.On.fill("close")
	}
	w.Emit = Emit{Topic: e.Topic.value, On: e.On.value}
	if !e.On.ok() {
		return
	}
	switch {
	case e.On.value == "close" && w.Kind == Count:
		c.errorf(e.On.at, "%s: a count window never closes, it is always the newest %d readings; write on: change", &e.On, w.Count)
	case e.On.value == "close" && w.Kind == Rolling:
		c.errorf(e.On.at, "%s: a rolling window never closes, it always goes up to the newest reading; write on: change", &e.On)
	case e.On.value == "never" && e.Topic.set:
		c.warnf(e.Topic.at, "%s gets nothing from this window: emit.on is never", &e.Topic)
		w.Emit.Topic = ""
	case e.On.value != "never" && !e.Topic.set:
		c.errorf(e.On.at, "%s needs emit.topic, the topic results go to", &e.On)
	case e.set && !e.Topic.set && !e.On.set:
		c.errorf(e.at, "%s is empty; write {topic: NAME}, or remove the line", e.path)
	}
}
