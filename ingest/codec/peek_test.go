package codec

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestPeek(t *testing.T) {
	var k Peek
	for _, c := range []struct {
		payload string
		sample  int32
		want    string
	}{
		{payload: `{"a":1,"trace":"x","b":2}`, want: "x"},
		{payload: `{"a":1}`},
		{payload: `{"trace":7}`},
		{payload: `{"trace":"\u0078"}`, want: "x"},
		{payload: `[{"trace":"x"},{"trace":"y"}]`, sample: 1, want: "y"},
		{payload: `[{"trace":"x"},7]`, sample: 1},
		{payload: `[{"trace":"x"}]`, sample: 1},
		{payload: `{"in":{"trace":"x"}}`},
		{payload: `{"trace":"x"`},
		{payload: `{"trace":"x","deep":` + strings.Repeat("[", 400) + strings.Repeat("]", 400) + `}`},
	} {
		assert.Equal(t, c.want, string(k.Text([]byte(c.payload), c.sample, "trace")), c.payload[:min(len(c.payload), 60)])
	}
}
