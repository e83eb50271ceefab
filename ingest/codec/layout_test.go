package codec

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestLayoutChangesNothing decodes with the memory of a message one that
// differs from it in a single byte around the first key, as from scratch.
func TestLayoutChangesNothing(t *testing.T) {
	for length := 1; length <= 20; length++ {
		key := strings.Repeat("k", length)
		s := newScanner(t, Options{Wide: []string{key}, Metrics: []string{key}})
		message := fmt.Sprintf(`{"%s":1,"something more":2}`, key)
		for at := 1; at < length+4; at++ {
			for _, c := range []byte("k x:\",\\1}\x00") {
				other := []byte(message)
				other[at] = c
				var primed Batch
				s.Decode([]byte(message), &primed)
				s.Decode(other, &primed)
				require.Equal(t, showAll(s, string(other)), showEach(primed.Readings[1:]), "%s", other)
			}
		}
	}
}

func TestLayoutIsUsed(t *testing.T) {
	s := newScanner(t, narrow("ms"))
	var b Batch
	s.Decode([]byte(`{"device":1,"metric": 2,"a key of 13 b":3,"a key of 14 by":4,"value" :5,"\u0073eq":6}`), &b)
	var lengths []int
	for _, l := range b.layout.places[:6] {
		lengths = append(lengths, l.length)
	}
	require.Equal(t, []int{8, 8, 15, 16, 0, 0}, lengths)
	for i, rest := range []string{`device":7}`, `metric":7}`, `a key of 13 b":7}`, `a key of 14 by":7}`} {
		require.True(t, b.layout.places[i].matches([]byte(rest), 0), rest)
	}
	require.Empty(t, b.arena, "unescaped keys are not kept")
}

func TestScannersShareABatch(t *testing.T) {
	payload := []byte(`{"a":"x","b":"y","c":1}`)
	one := newScanner(t, Options{Device: "a", Metric: "b", Value: "c", Metrics: []string{"y"}})
	two := newScanner(t, Options{Device: "b", Metric: "a", Value: "c", Metrics: []string{"x"}})
	var b Batch
	one.Decode(payload, &b)
	two.Decode(payload, &b)
	one.Decode(payload, &b)
	require.Equal(t, []string{`0 "x" m0 1`, `0 "y" m0 1`, `0 "x" m0 1`}, showEach(b.Readings))
}
