package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirstream/weir/configs"
	ingestkafka "github.com/weirstream/weir/ingest/kafka"
	"github.com/weirstream/weir/internal/brokers"
)

const oddNarrow = `
name: narrow
kafka: {brokers: ["localhost:9092"]}
source: {topic: narrow, partitioner: PARTITIONER, reading: {unit: UNIT}}
time: {wait_for_late: 200ms, idle_after: 300ms, max_future_skew: 1m, late: update, allow_backfill: 500ms}
dedupe: {remember: 2s}
windows:
  - {name: t, metric: temp, tumbling: 500ms, compute: [mean, count, last, sum], emit: {topic: narrow-out}}
  - {name: h, metric: temp, hopping: {size: 600ms, every: 200ms}, compute: [max, last], emit: {topic: narrow-out, on: change}}
  - {name: c, metric: hum, count: 3, compute: [min, last], emit: {topic: narrow-out}}
rules:
  - {name: a, when: t.mean, levels: {one: {above: 10}, two: {above: 15, clear_below: 12, hold: 500ms}}}
  - {name: b, when: c.min, levels: {low: {below: 5, hold: 100ms}}}
  - {name: d, when: h.max, levels: {high: {above: 25}}}
  - {name: e, when: door, levels: {open: {above: 0.5}}}
state: {forget_after: 2s}
`

const oddWide = `
name: wide
kafka: {brokers: ["localhost:9092"]}
source: {topic: wide, partitioner: PARTITIONER, reading: {device: id, metrics: [hum, temp, door, spare]}}
time: {wait_for_late: 200ms, idle_after: 300ms, max_future_skew: 1m}
windows:
  - {name: t, metric: temp, tumbling: 500ms, compute: [mean, count], emit: {topic: wide-out}}
  - {name: h, metric: hum, tumbling: 1s, compute: [max], emit: {topic: wide-out}}
rules:
  - {name: a, when: t.mean, levels: {one: {above: 10}}}
  - {name: e, when: door, levels: {open: {above: 0.5}}}
state: {forget_after: 2s}
`

// oddities makes messages of which many are not as they should be.
type oddities struct {
	*rand.Rand
	wide bool
	unit string
}

func (o oddities) pick(all ...string) string { return all[o.IntN(len(all))] }

// rare returns one of the odd texts now and then.
func (o oddities) rare(usual string, odd ...string) string {
	if o.IntN(8) > 0 {
		return usual
	}
	return o.pick(odd...)
}

func (o oddities) device() (name, text string) {
	name = fmt.Sprintf("d%d", o.IntN(12))
	return name, o.rare(strconv.Quote(name), `17`, `-3`, `1.0`, `1e2`, `""`, `null`, `true`, `"\ud800"`, `"\u00e4"`, "\"\xff\"", "", `"d\u0031"`,
		`"`+strings.Repeat("x", 512)+`"`, `"`+strings.Repeat("x", 513)+`"`, `"a","device":"d2","id":"d2"`, `"d\u0000"`, `-0`, `123456789012345678901234567890`)
}

func (o oddities) time() string {
	at := time.Now().Add(-time.Duration(o.IntN(1500)) * time.Millisecond).UTC()
	if o.IntN(8) == 0 {
		at = at.Add(-time.Duration(o.IntN(5000)) * time.Millisecond)
	}
	rfc := at.Format("2006-01-02T15:04:05.000")
	ms := strconv.FormatInt(at.UnixMilli(), 10)
	odd := []string{
		"", `null`, `true`, `"garbage"`, `"` + rfc + `"`, `"` + strings.ToLower(rfc) + `z"`, `"` + rfc + `9999+00:00"`, `"` + rfc + `-00:00"`,
		`"` + at.Add(2*time.Hour).Format("2006-01-02T15:04:05") + `.5+02:00"`, `"` + at.Format("2006-01-02 15:04:05") + `Z"`, `"` + at.Format("2006-01-02T15:04:05") + `,5Z"`,
		`"2016-12-31T23:59:60Z"`, `"2026-02-29T00:00:00Z"`, `"1969-12-31T23:59:59.9999Z"`, `"1970-01-01T00:00:00Z"`, `"2200-06-01T00:00:00Z"`, `"2200-01-01T00:00:00Z"`, `"2199-12-31T23:59:59.999Z"`,
		`"2201-01-01T00:00:00Z"`, `"` + rfc + `+24:00"`, `"` + rfc + `+23:60"`, `"` + rfc + `."`, `""`, `1e12`, ms + ".7", "-" + ms, `-0`, `0`, `1e400`, `-0.4`, `1E-400`, ms + "e0", `7258118400000`, `7258118399999`,
		`7289654400000`, `7289654399999`, ms + "e-3", ms[:10] + "." + ms[10:] + "e3", `"` + at.Add(time.Hour).Format(time.RFC3339) + `"`, `"T"`, `[]`,
		`"` + at.Format("2006-01-02T3:04:05") + `Z"`, `"` + rfc + `z"`, `"` + rfc + `Z "`, `"\u0032` + rfc[1:] + `Z"`, `"02026-01-01T00:00:00Z"`, `"` + rfc + strings.Repeat("0", 300) + `Z"`, "1" + strings.Repeat("0", 300), `0.` + strings.Repeat("0", 300) + `1`,
	}
	if o.wide {
		return o.rare(`"`+rfc+`Z"`, odd...)
	}
	number := map[string]string{"s": ms[:10] + "." + ms[10:], "ms": ms, "us": ms + "123", "ns": ms + "456789"}[o.unit]
	return o.rare(o.pick(number, `"`+rfc+`Z"`), odd...)
}

func (o oddities) value() string {
	return o.rare(o.pick(strconv.Itoa(o.IntN(30)), fmt.Sprintf("%.1f", o.Float64()*30)),
		`1e400`, `-1e400`, `-0`, `true`, `false`, `null`, `"5"`, `{}`, `[]`, "", `1E-400`, `1.7976931348623157e308`, `0.1e1`, `{"value":3}`)
}

func (o oddities) seq() string {
	return o.rare(strconv.Itoa(o.IntN(200)), `-1`, `1.0`, `"5"`, `null`, `9223372036854775808`, `9223372036854775807`, `1e3`, "", `true`, `-0`, `0`)
}

func (o oddities) object() (device, text string) {
	device, id := o.device()
	var fields []string
	add := func(name, text string) {
		if text != "" {
			fields = append(fields, strconv.Quote(name)+":"+text)
		}
	}
	if o.wide {
		add("id", id)
		for _, m := range []string{"temp", "hum", "door", "spare", "other"} {
			if o.IntN(2) == 0 {
				add(m, o.value())
			}
		}
	} else {
		add("device", id)
		add("metric", o.rare(o.pick(`"temp"`, `"hum"`, `"door"`), `"te\u006dp"`, `5`, `null`, "", `""`, `"other"`, `"Temp"`))
		add("value", o.value())
	}
	add("ts", o.time())
	add("seq", o.seq())
	o.Shuffle(len(fields), func(i, j int) { fields[i], fields[j] = fields[j], fields[i] })
	if o.IntN(20) == 0 {
		fields = append(fields, `"deep":`+strings.Repeat("[", 200)+strings.Repeat("]", 200), `"temp":1`, `"x":"\uD83D\uDE00\n"`)
	}
	return device, "{" + strings.Join(fields, ",") + "}"
}

func (o oddities) message() kgo.Record {
	device, text := o.object()
	switch o.IntN(12) {
	case 0:
		for range o.IntN(5) {
			_, more := o.object()
			text += o.pick(",", " ,\n") + o.rare(more, `5`, `null`, `[]`, `"x"`)
		}
		text = "[" + text + "]"
	case 1:
		text = o.pick(text, `[]`, ``, `null`, `5`, `"x"`, text[:len(text)-1], text+"x", text+text, "\ufeff"+text, " "+text+"\n", `{"a":}`, `{"a":01}`, `{"a":1,}`, `[1,]`, "{\"a\":\"\t\"}",
			`{"a":"\x"}`, `{"a":"\u12g4"}`, `{"a":+1}`, `{"a":.5}`, `{"a":1.}`, `{"a":1e}`, `{"a":tru}`, `{a:1}`, "{\"\xff\":1}", `{}`, `[{}]`, "\x00",
			strings.Repeat("[", 512)+strings.Repeat("]", 512), strings.Repeat("[", 513)+strings.Repeat("]", 513),
			`{"a":`+strings.Repeat("[", 511)+strings.Repeat("]", 511)+`}`, `{"a":`+strings.Repeat("[", 512)+strings.Repeat("]", 512)+`}`,
			text[:1]+strings.Repeat(" ", 70_000)+text[1:], text[:1]+`"a":"`+strings.Repeat("é", 40_000)+`","temp":{}`, `{"a":1 "b":2}`, "{\"a\":\"\x7f\"}")
	}
	r := kgo.Record{Key: []byte(device), Value: []byte(text)}
	if o.IntN(6) == 0 {
		r.Headers = append(r.Headers, kgo.RecordHeader{Key: "weir-device", Value: []byte(o.rare(device, "", "\xff", strings.Repeat("y", 513), "other"))})
	}
	if o.IntN(30) == 0 {
		r.Key = []byte(o.pick("d1", "elsewhere", ""))
	}
	return r
}

// What is odd in messages is odd in the same way for the engine and for the model.
// WEIR_SEED tries other messages.
func TestVerifyOddMessages(t *testing.T) {
	seed := uint64(1)
	if s := os.Getenv("WEIR_SEED"); s != "" {
		var err error
		seed, err = strconv.ParseUint(s, 10, 64)
		require.NoError(t, err)
	}
	t.Logf("WEIR_SEED=%d", seed)
	unit := []string{"s", "ms", "us", "ns"}[seed%4]
	file := strings.NewReplacer("UNIT", unit, "PARTITIONER", []string{"murmur2", "crc32", "fnv1a"}[seed%3])
	t.Run("narrow", func(t *testing.T) {
		verifyOdd(t, file.Replace(oddNarrow), oddities{Rand: rand.New(rand.NewPCG(seed, 1)), unit: unit})
	})
	t.Run("wide", func(t *testing.T) {
		verifyOdd(t, file.Replace(oddWide), oddities{Rand: rand.New(rand.NewPCG(seed, 2)), wide: true})
	})
}

func verifyOdd(t *testing.T, file string, o oddities) {
	p, err := parsePipeline("odd.yaml", []byte(file), func(d configs.Diagnostic) { t.Log(d) })
	require.NoError(t, err)
	kafka, err := brokers.StartKafka(brokers.KafkaOptions{Topics: []string{p.Source.Topic}, Partitions: 2})
	require.NoError(t, err)
	defer kafka.Close()
	p.Kafka.Brokers, p.State.Dir = []string{kafka.Addr()}, t.TempDir()
	partitionOf, err := ingestkafka.Partitioner(p.Source.Partitioner)
	require.NoError(t, err)
	s := start(t, p)
	defer s.end(t)
	client, err := kgo.NewClient(kgo.SeedBrokers(kafka.Addr()), kgo.DefaultProduceTopic(p.Source.Topic), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	require.NoError(t, err)
	defer client.Close()
	sent := map[[2]int64]string{}
	for range 12 {
		var batch []*kgo.Record
		for range 200 {
			r := o.message()
			r.Partition = int32(partitionOf(r.Key, 2))
			batch = append(batch, &r)
		}
		require.NoError(t, client.ProduceSync(context.Background(), batch...).FirstErr())
		for _, r := range batch {
			sent[[2]int64{int64(r.Partition), r.Offset}] = fmt.Sprintf("key %q headers %q value %.600q", r.Key, r.Headers, r.Value)
		}
		<-time.After(200 * time.Millisecond) // event times have to go on
	}
	summary, err := verifyJSON(t, p)
	for i, d := range summary.Differences {
		if i < 60 {
			t.Logf("%s\n  of %s", d, sent[[2]int64{int64(d.Partition), d.Source}])
		}
	}
	require.NoError(t, err)
	assert.Positive(t, summary.Aggregates)
	assert.Positive(t, summary.Alerts)
	assert.Positive(t, summary.Quarantined)
	t.Logf("%+v", summary)
}
