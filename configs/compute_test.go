package configs

import (
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/operators/aggregate"
)

// The file can ask for every aggregate there is and for nothing else.
func TestComputeChoicesAreTheAggregates(t *testing.T) {
	field, ok := reflect.TypeFor[windowDoc]().FieldByName("Compute")
	require.True(t, ok)
	choices := strings.Split(field.Tag.Get("choice"), ",")
	assert.Equal(t, append(aggregate.Names(), aggregate.Percentile), choices)
	for _, word := range []string{"p95", "p5", "p000", "ewma"} {
		assert.True(t, isChoice(word, choices), word)
	}
	for _, word := range []string{"", "p", "pNN", "P95", "p9999", "p95.5", "Mean"} {
		assert.False(t, isChoice(word, choices), word)
	}
}

func TestWordsOfOtherSystems(t *testing.T) {
	for word, want := range map[string]string{
		"std": "stddev", "STDDEV": "stddev", "var": "variance", "count_distinct": "distinct", "unique": "distinct", "increase": "delta",
		"derivative": "slope", "twa": "time_weighted_mean", "ema": "ewma", "avg": "mean", "med": "median",
	} {
		assert.Equal(t, want, nearest(word, aggregate.Names()), word)
	}
}

// Words of other systems are known with a typing error too, and percentiles in the ways in which others write them.
func TestSuggestedResults(t *testing.T) {
	for word, want := range map[string]string{
		"avrage": "mean", "averge": "mean", "avgr": "mean", "avg_over_time": "mean", "maximun": "max", "minimun": "min", "standard_deviation": "stddev", "stdev": "stddev",
		"95th": "p95", "P95": "p95", "p_95": "p95", "p99.9": "p999", "percentile95": "p95", "95th percentile": "p95", "quantile_0.5": "p5", "q95": "p95", "p5th": "p05", "99.9th": "p999",
	} {
		assert.Equal(t, "; did you mean "+want+"?", suggestResult(word, aggregate.Names()), word)
	}
	for word, want := range map[string]string{"percentile": "; write which, such as p95", "quantil": "; write which", "p9999": "", "p": "", "p100th": "", "95": "", "nope": "", "": ""} {
		got := suggestResult(word, aggregate.Names())
		assert.Contains(t, got, want, word)
		assert.Equal(t, want == "", got == "", word)
	}
}
