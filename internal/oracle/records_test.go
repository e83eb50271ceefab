package oracle

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const cold = `
name: cold
source: {topic: readings}
time: {idle_after: 10m}
windows:
  - {name: five, metric: temperature, tumbling: 5m, compute: [mean, count], emit: {topic: out}}
rules:
  - name: warm
    when: five.mean
    levels: {warning: {above: 8, clear_below: 7}}
    message: "{{rule}} {{metric}} {{device}} {{value | printf \"%.1f\"}}>{{threshold}} {{level}} {{active_for}} {{window.start}} {{window.end}}"
  - {name: now, when: temperature, levels: {low: {below: 0}}, message: "{{level}} {{state}} {{value}} {{active_for}}"}
`

// whole is a small partition with every kind of record, written by hand after
// docs/RECORDS.md.
func whole(t *testing.T) Input {
	in := Input{Pipeline: pipelineOf(t, cold), Partition: 2, Committed: 6}
	source := []string{
		"0 12:00:10 truck-7 temperature -1 ts=12:00:10",
		"1 12:01:00 truck-7 temperature 21 ts=12:01:00",
		"2 12:05:30 truck-7 temperature 10 ts=12:05:30",
		"3 12:05:31 truck-7 temperature 4 ts=12:00:00 seq=9",
		`5 12:05:32 raw truck-7 {"device":"truck-7","metric":"temperature","value":"é"}`,
	}
	for _, line := range source {
		in.Source = append(in.Source, recordOf(t, line, strings.Fields(line)))
	}
	in.Journal = renderJournal([]entry{
		{seq: 1, wall: 0},
		{seq: 2, to: 3, wall: clockOf(t, "12:05:30")},
		{seq: 3, from: 3, to: 6, wall: clockOf(t, "12:15:31"), facts: []fact{{position: 6, wall: clockOf(t, "12:15:31")}}},
	}, 1)
	in.Outputs = map[string][]OutputRecord{}
	put := func(topic, id, seq, value string) {
		in.Outputs[topic] = append(in.Outputs[topic], OutputRecord{Offset: int64(len(in.Outputs[topic])), Key: []byte("truck-7"), ID: id, Seq: seq, Value: []byte(value)})
	}
	put("out", "", "", `{"pipeline":"cold","window":"five","device":"truck-7","metric":"temperature","start":"2026-03-01T12:00:00.000Z","end":"2026-03-01T12:05:00.000Z","revision":1,"final":true,"mean":10,"count":2}`)
	put("out", "", "", `{"pipeline":"cold","window":"five","device":"truck-7","metric":"temperature","start":"2026-03-01T12:05:00.000Z","end":"2026-03-01T12:10:00.000Z","revision":1,"final":false,"mean":10,"count":1}`)
	const now, warm = "28e1c8d34ba0366af0850fefdfa474fa", "b16b9d0663eda6728a1b25110b2fb981"
	alerts := in.Pipeline.Alerts.Topic
	put(alerts, now+"-1", "1", `{"schema":"weir.alert/1","id":"`+now+`","pipeline":"cold","rule":"now","device":"truck-7","state":"firing","status":"firing","level":"low","previous":null,"value":-1,"threshold":0,`+
		`"at":"2026-03-01T12:00:10.000Z","startsAt":"2026-03-01T12:00:10.000Z","episode":{"start":"2026-03-01T12:00:10.000Z","event":1},"labels":{"alertname":"now","device":"truck-7","pipeline":"cold","severity":"low"},`+
		`"annotations":{"summary":"low firing -1 0s"},"cause":{"topic":"readings","partition":2,"offset":0}}`)
	put(alerts, now+"-2", "2", `{"schema":"weir.alert/1","id":"`+now+`","pipeline":"cold","rule":"now","device":"truck-7","state":"resolved","status":"resolved","level":"low","previous":"low","value":21,"threshold":0,`+
		`"at":"2026-03-01T12:01:00.000Z","startsAt":"2026-03-01T12:00:10.000Z","endsAt":"2026-03-01T12:01:00.000Z","episode":{"start":"2026-03-01T12:00:10.000Z","event":2},"labels":{"alertname":"now","device":"truck-7","pipeline":"cold","severity":"low"},`+
		`"annotations":{"summary":"low resolved 21 50s"},"cause":{"topic":"readings","partition":2,"offset":1}}`)
	put(alerts, warm+"-1", "3", `{"schema":"weir.alert/1","id":"`+warm+`","pipeline":"cold","rule":"warm","device":"truck-7","state":"firing","status":"firing","level":"warning","previous":null,"value":10,"threshold":8,`+
		`"at":"2026-03-01T12:05:00.000Z","startsAt":"2026-03-01T12:05:00.000Z","window":{"name":"five","start":"2026-03-01T12:00:00.000Z","end":"2026-03-01T12:05:00.000Z"},"episode":{"start":"2026-03-01T12:05:00.000Z","event":1},`+
		`"labels":{"alertname":"warm","device":"truck-7","pipeline":"cold","severity":"warning"},"annotations":{"summary":"warm temperature truck-7 10.0>8 warning 0s 2026-03-01T12:00:00.000Z 2026-03-01T12:05:00.000Z"},`+
		`"cause":{"topic":"readings","partition":2,"offset":2}}`)
	put("weir.cold.quarantine", "", "", `{"schema":"weir.quarantine/1","pipeline":"cold","reason":"late","source":{"topic":"readings","partition":2,"offset":3},"sample":0,"appended":"2026-03-01T12:05:31.000Z",`+
		`"device":"truck-7","metric":"temperature","time":"2026-03-01T12:00:00.000Z","value":4,"seq":9}`)
	put("weir.cold.quarantine", "", "", `{"schema":"weir.quarantine/1","pipeline":"cold","reason":"value_type","source":{"topic":"readings","partition":2,"offset":5},"sample":0,"appended":"2026-03-01T12:05:32.000Z",`+
		`"device":"truck-7","payload":"{\"device\":\"truck-7\",\"metric\":\"temperature\",\"value\":\"é\"}"}`)
	return in
}

func TestRecordsAreAsDocumented(t *testing.T) {
	r := Check(whole(t))
	require.Empty(t, r.Differences, "%s", r)
	assert.Empty(t, r.String())
	r.Differences = nil
	assert.Equal(t, &Report{Partition: 2, Readings: 5, Classes: Counts{Processed: 3, Late: 1, Bad: 1}, Aggregates: 2, Alerts: 3, Quarantined: 2, Facts: 1}, r)
}

// Every value of every record is looked at: to change any one of them is noticed.
func TestEveryFieldCounts(t *testing.T) {
	clean := whole(t)
	for topic, records := range clean.Outputs {
		for i := range records {
			o, ok := parseJSON(records[i].Value)
			require.True(t, ok)
			for _, path := range paths(&o, "") {
				in := clean
				in.Outputs = map[string][]OutputRecord{}
				for name := range clean.Outputs {
					in.Outputs[name] = slices.Clone(clean.Outputs[name])
				}
				in.Outputs[topic][i].Value = altered(t, records[i].Value, path)
				if path == "pipeline" {
					in.Outputs[topic][i].Value = []byte(strings.Replace(string(records[i].Value), `"cold"`, `"cold2"`, 1))
				}
				assert.NotEmpty(t, Check(in).Differences, "%s %d %s", topic, i, path)
			}
		}
	}
}

// paths are the places of all values that are neither objects nor arrays.
func paths(n *node, prefix string) (all []string) {
	for i, name := range n.fields {
		if n.items[i].kind == '{' {
			all = append(all, paths(&n.items[i], prefix+name+".")...)
		} else {
			all = append(all, prefix+name)
		}
	}
	return all
}

// altered changes the value at a place.
func altered(t *testing.T, value []byte, path string) []byte {
	o, ok := parseJSON(value)
	require.True(t, ok)
	n := &o
	for _, name := range strings.Split(path, ".") {
		n = n.field(name)
	}
	switch n.kind {
	case '"':
		n.text = "x" + n.text
	case '0':
		n.text += "7"
		if n.text == "-17" || n.text == "07" {
			n.text = "77"
		}
	case 't':
		n.kind = 'f'
	case 'f':
		n.kind = 't'
	default:
		*n = node{kind: '0', text: "1"}
	}
	return []byte(unparse(&o))
}

func unparse(n *node) string {
	switch n.kind {
	case '{':
		var fields []string
		for i, name := range n.fields {
			fields = append(fields, fmt.Sprintf("%s:%s", encode(name), unparse(&n.items[i])))
		}
		return "{" + strings.Join(fields, ",") + "}"
	case '"':
		return string(encode(n.text))
	case '0':
		return n.text
	default:
		return map[byte]string{'t': "true", 'f': "false", 'n': "null"}[n.kind]
	}
}

// What is there beside the pipeline's own is left alone, what stands for a record
// that was too large counts as that one, and nothing else passes.
func TestForeignRecords(t *testing.T) {
	add := func(in *Input, topic, key, value string) {
		in.Outputs[topic] = append(in.Outputs[topic], OutputRecord{Offset: 100, Key: []byte(key), Value: []byte(value)})
	}
	in := whole(t)
	add(&in, "out", "x", `{"pipeline":"other","window":"five"}`)
	add(&in, "out", "x", `{"schema":"weir.alert/1","pipeline":"other"}`)
	require.Empty(t, Check(in).Differences)

	in = whole(t)
	in.Outputs["out"] = in.Outputs["out"][:1]
	add(&in, "out", "truck-7", `{"schema":"weir.oversize/1","pipeline":"cold","source":{"topic":"readings","partition":2,"before_offset":7}}`)
	r := Check(in)
	require.Empty(t, r.Differences, "%s", r)
	assert.Equal(t, 1, r.Oversized)
	add(&in, "out", "truck-7", `{"schema":"weir.oversize/1","pipeline":"cold","source":{"topic":"readings","partition":2,"before_offset":7}}`)
	assert.Contains(t, Check(in).String(), "unexpected in out at 100")

	for _, value := range []string{"", "5", `{"pipeline":"cold"}`, `{"schema":"weir.alert/2","pipeline":"cold"}`, `{"x":`} {
		in = whole(t)
		add(&in, "out", "x", value)
		d := Check(in).Differences
		require.Len(t, d, 1, value)
		assert.Equal(t, Unexpected, d[0].Kind)
	}
}

// A source that cannot be verified is refused in words.
func TestSourcesThatCannotBeVerified(t *testing.T) {
	in := whole(t)
	in.Source[1].Stamped = false
	assert.Contains(t, Check(in).String(), "partition 2: source in readings, source offset 1: the record carries its producer's time")

	in = whole(t)
	in.Earliest = 1
	assert.Contains(t, Check(in).String(), "the pipeline began at source offset 0, and the topic has nothing below 1 any more")

	in = whole(t)
	in.Partitions = 7 // truck-7 belongs into 6
	assert.Contains(t, Check(in).String(), "murmur2 puts the key into partition 6, and it lies in partition 2")

	in = whole(t)
	in.Journal = nil
	assert.Contains(t, Check(in).String(), "the journal is empty, and the group has committed source offset 6")

	in = whole(t)
	in.Committed, in.Journal = 3, in.Journal[:2]
	for topic, records := range in.Outputs {
		in.Outputs[topic] = slices.DeleteFunc(records, func(r OutputRecord) bool {
			return strings.Contains(string(r.Value), `"final":false`) || topic == "weir.cold.quarantine"
		})
	}
	assert.Empty(t, Check(in).Differences, "what is not committed is not expected")
}

// Where the journal was trimmed, silence is judged by append times: a device that
// is silent for long is forgotten as the pipeline did by wall time.
func TestTrimmedJournal(t *testing.T) {
	p := pipelineOf(t, manyKinds)
	trimmed, told := 0, 0
	for seed := range uint64(100) {
		h := newHistory(p, seed, size, 4)
		full := Check(h.in)
		require.Empty(t, full.Differences)
		cut := h.IntN(len(h.entries) - 1)
		h.in.Journal = renderJournal(h.entries[cut:len(h.entries)-1], 1)
		r := Check(h.in)
		for _, d := range r.Differences {
			require.NotContains(t, []string{Journal, Source}, d.Kind, "seed %d: %s", seed, d)
		}
		if cut == 0 {
			require.Zero(t, r.Unjournaled)
			continue
		}
		trimmed++
		if len(r.Differences) == 0 {
			told++
		}
		expected := 0
		for _, s := range h.in.Source {
			if s.Offset < h.entries[cut].from {
				expected += len(readings(p, s))
			}
		}
		require.Equal(t, expected, r.Unjournaled, "seed %d", seed)
	}
	t.Logf("%d of %d trimmed journals gave the same outputs", told, trimmed)
	assert.Greater(t, told, trimmed/3)
}

func TestLines(t *testing.T) {
	var all []Difference
	for i := range 25 {
		all = append(all, Difference{Kind: Missing, Topic: "out", Device: "d", Source: int64(i), Output: -1, Text: "x"})
	}
	text := Lines(all)
	assert.True(t, strings.HasPrefix(text, "partition 0: missing in out, source offset 0, device \"d\": x\n"), text)
	assert.True(t, strings.HasSuffix(text, "source offset 19, device \"d\": x\nand 5 more\n"), text)
	assert.Equal(t, 21, strings.Count(text, "\n"))
}
