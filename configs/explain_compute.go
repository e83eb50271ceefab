package configs

import (
	"strconv"
	"strings"

	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/operators/aggregate"
)

// sayCompute names the results of a window, with what their names do not tell.
func (w *Window) sayCompute() []string {
	said := make([]string, len(w.Compute))
	for i, name := range w.Compute {
		said[i] = name
		if g := w.gloss(name); g != "" {
			said[i] += " (" + g + ")"
		}
	}
	return said
}

func (w *Window) gloss(name string) string {
	switch name {
	case "range":
		return "max - min"
	case "delta":
		return "last - first"
	case "rate":
		return "last - first, per second"
	case "stddev":
		return "standard deviation"
	case "mode":
		return "most frequent value"
	case "distinct":
		return "number of different values"
	case "ewma":
		return "mean that fades by half every " + sayQuarter(max(w.Size, w.Gap))
	case "slope":
		return "of the fitted line, per second"
	case "integral":
		return "value x seconds"
	}
	if aggregate.IsPercentile(name) {
		return "quantile 0." + strings.TrimPrefix(name, "p")
	}
	return ""
}

// sayQuarter is a quarter of a span, which need not be whole.
func sayQuarter(t event.Time) string {
	if t%4 != 0 {
		return strconv.FormatFloat(float64(t)/4, 'g', -1, 64) + " ms"
	}
	return saySpan(t / 4)
}
