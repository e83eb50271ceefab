package task

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weirstream/weir/event"
)

func TestStringsAreJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.OneOf(rapid.String(), rapid.Custom(func(t *rapid.T) string {
			return string(rapid.SliceOfN(rapid.Byte(), 0, 20).Draw(t, "bytes"))
		})).Draw(t, "s")
		var got, want string
		require.NoError(t, json.Unmarshal(appendString(nil, s), &got))
		standard, err := json.Marshal(s)
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(standard, &want))
		require.Equal(t, want, got)
		require.Equal(t, appendString(nil, s), appendString(nil, []byte(s)))
	})
}

func TestNumbersReadBackAsTheyWere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := rapid.OneOf(rapid.Float64(), rapid.Custom(func(t *rapid.T) float64 { return float64(rapid.Int64().Draw(t, "n")) }),
			rapid.SampledFrom([]float64{math.Copysign(0, -1), 1e15, -1e15, 1e21, 1e-6, 9.9e-7, math.MaxFloat64, 5e-324})).Draw(t, "v")
		var got float64
		require.NoError(t, json.Unmarshal(appendNumber(nil, v), &got))
		require.Equal(t, math.Float64bits(v), math.Float64bits(got), "%v", v)
	})
	rapid.Check(t, func(t *rapid.T) {
		v := float64(rapid.Int64Range(-1e16, 1e16).Draw(t, "n")) / math.Pow10(rapid.IntRange(1, 9).Draw(t, "places"))
		if math.Abs(v) >= 1e-6 && v != math.Trunc(v) {
			require.Equal(t, strconv.FormatFloat(v, 'f', -1, 64), string(appendNumber(nil, v)), "the shortest text")
		}
	})
	require.Equal(t, "null", string(appendNumber(nil, math.Inf(-1))))
	require.Equal(t, "null", string(appendNumber(nil, math.NaN())))
}

func TestStampsAreRemembered(t *testing.T) {
	var s stamps
	for range 2 {
		for i := range event.Time(40) {
			at := scriptDay + i*60_001 - 30
			require.Equal(t, `"`+stamp(at)+`"`, string(s.append(nil, at)))
		}
	}
	require.Equal(t, "1969-12-31T23:59:59.999Z", stamp(-1))
	require.Equal(t, "2200-12-31T00:00:00.000Z", stamp(7_289_568_000_000))
}

// A text is cut between two characters, or it would pass for bytes.
func TestALongTextStaysAText(t *testing.T) {
	for shift := range 4 {
		text := strings.Repeat("x", shift) + strings.Repeat("\U0001f321", maxPayload/4+10)
		got := "{" + string(appendPayload(nil, []byte(text)))[1:] + "}"
		var q struct {
			Truncated bool
			Size      int
			Payload   string
			Base64    string `json:"payload_base64"`
		}
		require.NoError(t, json.Unmarshal([]byte(got), &q))
		require.True(t, q.Truncated)
		require.Equal(t, len(text), q.Size)
		require.Empty(t, q.Base64)
		require.True(t, utf8.ValidString(q.Payload))
		require.True(t, strings.HasPrefix(text, q.Payload))
		require.Greater(t, len(q.Payload), maxPayload-4)
	}
}

func TestCountersAddUp(t *testing.T) {
	words := make([]uint64, TaskWords())
	for i := range words {
		words[i] = uint64(i + 1)
	}
	c := CountersOf(words)
	require.Equal(t, CountersOf(words), c)
	for i := range words {
		words[i] *= 2
	}
	require.Equal(t, CountersOf(words), c.Add(c))
}

func TestALayoutChangesWithItsWindowsAndRules(t *testing.T) {
	base := `
windows:
- {name: w, metric: m, tumbling: 1m, compute: [max]}
rules:
- {name: r, when: w.max, levels: {alarm: {above: 1}}}
`
	was := mustPlant(t, base).plan.Layout.Fingerprint()
	for _, change := range [][2]string{
		{"tumbling: 1m", "tumbling: 2m"}, {"tumbling: 1m", "hopping: {size: 2m, every: 1m}"}, {"compute: [max]", "compute: [max, min]"},
		{"metric: m", "metric: n"}, {"name: r", "name: q"}, {"alarm:", "warning:"},
	} {
		now := mustPlant(t, strings.Replace(base, change[0], change[1], 1)).plan.Layout.Fingerprint()
		require.NotEqual(t, was, now, change[1])
	}
	require.Equal(t, was, mustPlant(t, strings.Replace(base, "above: 1", "above: 2", 1)).plan.Layout.Fingerprint())
}

// A name beside the payload is held to what holds for names in it.
func TestDeviceNamesBesideThePayload(t *testing.T) {
	p := mustPlant(t, "rules:\n- {name: hot, when: temperature, levels: {alarm: {above: 50}}}")
	value := []byte(`{"metric":"temperature","value":51}`)
	for _, name := range []string{"\xff\xfe", "", strings.Repeat("d", event.MaxDevice+1)} {
		require.NoError(t, p.fold(Record{Append: scriptDay, Device: []byte(name), Value: value}))
	}
	require.Equal(t, uint64(3), p.task.Counters().Bad)
	for _, o := range p.taken() {
		require.Contains(t, o.value, `"reason":"no_device"`)
	}
	require.NoError(t, p.fold(Record{Append: scriptDay, Device: []byte(strings.Repeat("d", event.MaxDevice)), Value: value}))
	require.Equal(t, uint64(1), p.task.Counters().Firing)
}

// A device name in a header may be as long as a message. It is neither the key
// nor a field of what is quarantined: one record must not become many times its
// size, nor an output that no topic takes.
func TestLongDeviceHeader(t *testing.T) {
	for name, device := range map[string]string{"too long": strings.Repeat("x", 100_000), "no text": "\xff\xfe"} {
		p := mustPlant(t, silencePipeline)
		rec := Record{Offset: p.offset, Append: at(1), Value: []byte("[" + strings.Repeat("{},", 999) + "{}]"), Device: []byte(device)}
		require.NoError(t, p.task.Fold([]Record{rec}), name)
		out := p.task.Pending()
		require.Equal(t, 1_000, out.Len(), name)
		require.Less(t, out.Bytes(), 400_000, name)
		require.Empty(t, out.At(0).Key, name)
		require.Contains(t, string(out.At(0).Value), `"payload"`, name)
		require.NotContains(t, string(out.At(0).Value), `"device"`, name)
	}
}
