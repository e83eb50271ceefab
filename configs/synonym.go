package configs

import (
	"slices"
	"strings"
)

// synonym returns the candidate that means what other systems call word, or what is a typing error away from what they call so; nothing
// where there is none. word is plain, as plainWord makes it.
func synonym(word string, candidates []string) string {
	word = strings.TrimSuffix(word, "overtime") // avg_over_time is how PromQL says it
	best, bestDistance := "", 0
	if len(word) > 3 { // in a shorter word a letter is too much of it
		bestDistance = len(word)/3 + 1
	}
	for _, s := range synonyms() {
		if !slices.Contains(candidates, s.ours) {
			continue
		}
		for _, theirs := range strings.Fields(s.theirs) {
			d := editDistance(word, theirs)
			if d == 0 {
				return s.ours
			}
			if d < bestDistance {
				best, bestDistance = s.ours, d
			}
		}
	}
	return best
}

type synonymOf struct{ ours, theirs string }

// synonyms are words of ours, and plain ones of other systems for the same.
func synonyms() []synonymOf {
	return []synonymOf{
		{"mean", "avg average arithmeticmean"},
		{"max", "maximum highest greatest largest peak"},
		{"min", "minimum lowest least smallest"},
		{"sum", "total"},
		{"count", "number samples size cnt"},
		{"range", "spread peaktopeak"},
		{"stddev", "std sd stdev deviation standarddeviation sigma"},
		{"distinct", "unique uniques cardinality countdistinct nunique"},
		{"delta", "increase change diff difference"},
		{"rate", "persecond irate"},
		{"slope", "trend derivative deriv gradient regression"},
		{"time_weighted_mean", "twa timeweightedaverage timeaverage"},
		{"ewma", "ema exponentialmovingaverage"},
		{"last", "latest newest lastvalue current"},
		{"first", "earliest oldest"},
		{"mode", "mostfrequent mostcommon"},
		{"compute", "aggregate aggregates functions"},
		{"tumbling", "type kind window"},
		{"brokers", "bootstrap bootstrapservers servers hosts"},
		{"above", "threshold gt greater over"},
		{"below", "lt less under"},
		{"hold", "for duration"},
		{"when", "condition expr metric if"},
		{"levels", "severities severity"},
		{"wait_for_late", "allowedlateness lateness graceperiod grace watermark"},
		{"forget_after", "ttl retention"},
		{"rfc3339", "iso iso8601 string text datetime timestamp"},
		{"s", "sec secs second seconds epoch unix"},
		{"ms", "msec millis millisecond milliseconds epochmillis"},
		{"us", "usec micros microsecond microseconds"},
		{"ns", "nsec nanos nanosecond nanoseconds"},
	}
}
