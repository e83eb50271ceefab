package codec

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/valyala/fastjson"
)

// benchmarkMessages are what sensors send, by shape.
func benchmarkMessages() map[string]string {
	const rfc3339 = `{"device":"pump-000123","metric":"temperature","ts":"2026-03-01T12:00:00.123Z","value":21.53,"seq":12345}`
	const epoch = `{"device":"pump-000123","metric":"temperature","ts":1772366400123,"value":21.53,"seq":12345}`
	return map[string]string{
		"rfc3339":  rfc3339,
		"epoch":    epoch,
		"spaced":   `{"device": "pump-000123", "metric": "temperature", "ts": 1772366400123, "value": 21.53, "seq": 12345}`,
		"others":   `{"device":"pump-000123","firmware":"v1.2.3-rc4","metric":"temperature","ts":1772366400123,"position":{"lat":48.137,"lon":11.575},"value":21.53,"tags":["a","b"]}`,
		"escapes":  `{"device":"pump\u002d000123","metric":"temper\u0061ture","ts":1772366400123,"value":21.53,"seq":12345}`,
		"array_10": "[" + strings.Repeat(epoch+",", 9) + epoch + "]",
	}
}

const wideMessage = `{"id":"pump-000123","ts":1772366400123,"seq":12345,"temperature":21.53,"humidity":61,"pressure":1013.25,"door":false}`

func wideBenchmark() Options {
	names := []string{"temperature", "humidity", "pressure", "door"}
	return Options{Device: "id", Time: "ts", Unit: "ms", Seq: "seq", Wide: names, Metrics: names}
}

func TestScannerDoesNotAllocate(t *testing.T) {
	messages := benchmarkMessages()
	messages["faults"] = `[{},{"device":"p"},{"device":"p","metric":"door","value":[[]]},{"device":"p","metric":"door","value":1,"ts":"yesterday"},7]`
	messages["malformed"] = `{"device":"pump-000123","metric":"temperature","ts":17723664001`
	messages["long decimal"] = `{"device":"p","metric":"door","ts":1772366400123.000000000000001,"value":0.1000000000000000055511151231257827021181583404541015625}`
	for name, message := range messages {
		s, payload := newScanner(t, narrow("ms")), []byte(message)
		var b Batch
		require.Zero(t, testing.AllocsPerRun(100, func() {
			b.Reset()
			s.Decode(payload, &b)
		}), name)
	}
	s, payload := newScanner(t, wideBenchmark()), []byte(wideMessage)
	var b Batch
	require.Zero(t, testing.AllocsPerRun(100, func() {
		b.Reset()
		s.Decode(payload, &b)
	}), "wide")
	require.Len(t, b.Readings, 4)
}

func benchmark(b *testing.B, d Decoder, message string) {
	payload := []byte(message)
	var batch Batch
	b.SetBytes(int64(len(payload)))
	b.ReportAllocs()
	for b.Loop() {
		batch.Reset()
		d.Decode(payload, &batch)
	}
	if len(batch.Readings) == 0 || batch.Readings[0].Bad != "" {
		b.Fatal("no reading")
	}
	if n := len(batch.Readings); n > 1 {
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/reading")
	}
}

// BenchmarkScanner is the cost of a message, and of a reading where a message
// holds several.
func BenchmarkScanner(b *testing.B) {
	for _, name := range []string{"rfc3339", "epoch", "spaced", "others", "escapes", "array_10"} {
		b.Run(name, func(b *testing.B) { benchmark(b, newScanner(b, narrow("ms")), benchmarkMessages()[name]) })
	}
	b.Run("wide_4", func(b *testing.B) { benchmark(b, newScanner(b, wideBenchmark()), wideMessage) })
}

func BenchmarkFallback(b *testing.B) {
	benchmark(b, newFallback(b, narrow("ms")), benchmarkMessages()["rfc3339"])
}

// BenchmarkRefused is a message cut off at half its length, which goes to
// quarantine: whoever sends many of them is not to cost more than a sensor.
func BenchmarkRefused(b *testing.B) {
	s, payload := newScanner(b, narrow("ms")), []byte(benchmarkMessages()["rfc3339"])
	payload = payload[:len(payload)/2]
	var batch Batch
	b.SetBytes(int64(len(payload)))
	b.ReportAllocs()
	for b.Loop() {
		batch.Reset()
		s.Decode(payload, &batch)
	}
	if len(batch.Readings) != 1 || batch.Readings[0].Bad == "" {
		b.Fatal("not refused")
	}
}

// The libraries do less than the scanner here: they neither look at the device
// name nor turn the time into milliseconds, and do not refuse what it refuses.

func BenchmarkEncodingJSON(b *testing.B) {
	payload := []byte(benchmarkMessages()["rfc3339"])
	b.SetBytes(int64(len(payload)))
	b.ReportAllocs()
	for b.Loop() {
		var r struct {
			Device, Metric, TS string
			Value              float64
			Seq                int64
		}
		if err := json.Unmarshal(payload, &r); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkFastjson(b *testing.B) {
	payload := []byte(benchmarkMessages()["rfc3339"])
	b.SetBytes(int64(len(payload)))
	b.ReportAllocs()
	var p fastjson.Parser
	for b.Loop() {
		v, err := p.ParseBytes(payload)
		if err != nil {
			b.Fatal(err)
		}
		if len(v.GetStringBytes("device"))+len(v.GetStringBytes("metric"))+len(v.GetStringBytes("ts")) == 0 || v.GetFloat64("value") == 0 || v.GetInt64("seq") == 0 {
			b.Fatal("no reading")
		}
	}
}
