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
