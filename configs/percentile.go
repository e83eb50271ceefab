package configs

import (
	"strings"

	"github.com/weirstream/weir/operators/aggregate"
)

// suggestResult is suggest for what a window computes: beside the names there are percentiles, of which each system has a way of its own
// to write them.
func suggestResult(word string, names []string) string {
	if p := percentileOf(word); p != "" {
		return "; did you mean " + p + "?"
	}
	if s := suggest(word, names); s != "" {
		return s
	}
	switch w := plainWord(word); {
	case editDistance(w, "percentile") < 3, editDistance(w, "quantile") < 3, w == "pct", w == "pctl", w == "perc":
		return "; write which, such as p95, or p05; p50 is median"
	}
	return ""
}

// percentileOf reads what other systems write for a percentile, such as 95th, P99.9 and quantile_95, and returns its name here; nothing
// where there is no such percentile, or word is none.
func percentileOf(word string) string {
	w := plainWord(word)
	for _, affix := range []string{"percentile", "quantile", "pctl", "pct", "perc", "p", "q"} {
		if rest, found := strings.CutPrefix(w, affix); found {
			w = rest
			break
		}
	}
	w, ordinal := strings.CutSuffix(strings.TrimSuffix(w, "percentile"), "th")
	if w == plainWord(word) && !ordinal {
		return "" // nothing about it says percentile
	}
	whole, fraction, _ := strings.Cut(w, ".")
	switch {
	case whole == "0" && fraction != "":
		whole = "" // a quantile, 0.95
	case len(whole) == 1:
		whole = "0" + whole
	}
	if name := "p" + whole + fraction; len(whole) < 3 && aggregate.IsPercentile(name) {
		return name
	}
	return ""
}
