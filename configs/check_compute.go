package configs

import (
	"strings"

	"github.com/weirstream/weir/operators/aggregate"
)

const (
	paneHeader = 2       // words of a pane beside those of its aggregates
	muchState  = 250_000 // bytes of one window of one device, worth a warning
)

// computed checks the results of a window beyond their names.
func (c *checker) computed(doc *windowDoc, w *Window) {
	if doc.Compute.set && len(doc.Compute.values()) == 0 {
		doc.Compute.bad = true
	}
	for i := range doc.Compute.items {
		t := &doc.Compute.items[i]
		switch {
		case t.bad:
		case t.value == "ewma" && doc.Count.set:
			t.bad = true
			c.errorf(t.at, "%s fades with a quarter of the window's length in time, which a count window does not have; use mean, or a window of time", t)
		case aggregate.IsPercentile(t.value):
			c.doubtPercentile(t)
		}
		if t.bad {
			doc.Compute.bad = true
		}
	}
}

// doubtPercentile warns of names that read as something else: digits stand behind
// the decimal point.
func (c *checker) doubtPercentile(t *text) {
	digits := strings.TrimPrefix(t.value, "p")
	switch {
	case t.value == "p100":
		c.warnf(t.at, "%s is the quantile 0.1, for the digits stand behind the decimal point; the greatest value is max", t)
	case len(digits) == 1 && digits != "0":
		c.warnf(t.at, "%s is the quantile 0.%s, for the digits stand behind the decimal point; percentile %s is p0%s, and p%s0 says what p%s does",
			t, digits, digits, digits, digits, digits)
	}
}

// paneBytes is the state of one pane.
func paneBytes(w *Window) int64 {
	return 8 * int64(paneHeader+aggregate.Words(w.Compute))
}
