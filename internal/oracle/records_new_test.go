package oracle

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const labelled = `
name: labelled
source: {topic: readings}
time: {wait_for_late: 1s, idle_after: 10m, late: update, allow_backfill: 30s}
windows:
  - {name: visit, metric: temp, tumbling: 1m, compute: [count], emit: {topic: out}}
rules:
  - {name: now, when: temp, levels: {low: {below: 0}}}
+ window visit session 10s
+ rule now threshold low below limit
+ rule now message {{device}} in {{labels.site}}{{labels.none}}
+ labels limit:number site:text severity:text
+ reset_clock_after 1m
`

// labelledRoster tries to rename the pipeline's own labels, and leaves a cell empty.
const labelledRoster = "device,limit,site,severity,none\nt,1.50,hall,none,\n"

// anew is a small partition with a session that is swallowed and a clock that begins
// anew, written by hand after docs/RECORDS.md.
func anew(t *testing.T) Input {
	in := Input{Pipeline: extended(t, labelled), Partition: 2, Committed: 5, Rosters: [][]byte{[]byte("device\n"), []byte(labelledRoster)}}
	for _, line := range []string{
		"0 12:00:10 t temp 5 ts=12:00:10",
		"1 12:00:30 t temp 5 ts=12:00:30",
		"2 12:00:31 t temp 5 ts=12:00:02",
		"3 12:00:40 t temp 5 ts=11:00:00",
		"4 12:01:40 t temp 1 ts=11:00:05",
	} {
		in.Source = append(in.Source, recordOf(t, line, strings.Fields(line)))
	}
	sum := sha256.Sum256([]byte(labelledRoster))
	version := uint64(0)
	for _, b := range sum[:8] {
		version = version<<8 | uint64(b)
	}
	in.Journal = renderJournal([]entry{
		{seq: 1, to: 2, wall: clockOf(t, "12:00:30"), facts: []fact{{isRoster: true, roster: version}}},
		{seq: 2, from: 2, to: 5, wall: clockOf(t, "12:01:40")},
	}, 1)
	in.Outputs = map[string][]OutputRecord{}
	put := func(topic, id, seq, value string) {
		in.Outputs[topic] = append(in.Outputs[topic], OutputRecord{Offset: int64(len(in.Outputs[topic])), Key: []byte("t"), ID: id, Seq: seq, Value: []byte(value)})
	}
	session := func(text string) {
		put("out", "", "", `{"pipeline":"labelled","window":"visit","device":"t","metric":"temp",`+text+`}`)
	}
	session(`"start":"2026-03-01T12:00:10.000Z","end":"2026-03-01T12:00:20.000Z","revision":1,"final":true,"count":1`)
	session(`"start":"2026-03-01T12:00:10.000Z","end":"2026-03-01T12:00:20.000Z","revision":2,"final":true,"merged_into":"2026-03-01T12:00:02.000Z"`)
	session(`"start":"2026-03-01T12:00:02.000Z","end":"2026-03-01T12:00:20.000Z","revision":1,"final":true,"count":2`)
	session(`"start":"2026-03-01T12:00:30.000Z","end":"2026-03-01T12:00:40.000Z","revision":1,"final":true,"count":1`)
	const source = `"source":{"topic":"readings","partition":2,"offset":`
	put("weir.labelled.quarantine", "", "", `{"schema":"weir.quarantine/1","pipeline":"labelled","reason":"late",`+source+`3},"sample":0,"appended":"2026-03-01T12:00:40.000Z",`+
		`"device":"t","metric":"temp","time":"2026-03-01T11:00:00.000Z","value":5}`)
	put("weir.labelled.quarantine", "", "", `{"schema":"weir.event/1","pipeline":"labelled","event":"clock_reset","device":"t","from":"2026-03-01T12:00:30.000Z","to":"2026-03-01T11:00:05.000Z",`+
		`"late_since":"2026-03-01T12:00:40.000Z","resets":1,`+source+`4},"appended":"2026-03-01T12:01:40.000Z"}`)
	named := "\x00\x00\x00\x00\x00\x00\x00\x08labelled\x00\x00\x00\x00\x00\x00\x00\x03now\x00\x00\x00\x00\x00\x00\x00\x01t"
	hash := sha256.Sum256(fmt.Appendf(nil, "%s\x00\x00\x01\x9c\xa9\x0e\x2f\x08\x00\x00\x00\x00\x00\x00\x00\x01", named)) // the start, and the number of resets
	id := hex.EncodeToString(hash[:16])
	put(in.Pipeline.Alerts.Topic, id+"-1", "1", `{"schema":"weir.alert/1","id":"`+id+`","pipeline":"labelled","rule":"now","device":"t","state":"firing","status":"firing","level":"low","previous":null,`+
		`"value":1,"threshold":1.5,"resets":1,"at":"2026-03-01T11:00:05.000Z","startsAt":"2026-03-01T11:00:05.000Z","episode":{"start":"2026-03-01T11:00:05.000Z","event":1},`+
		`"labels":{"alertname":"now","device":"t","pipeline":"labelled","severity":"low","limit":"1.50","site":"hall"},"annotations":{"summary":"t in hall"},`+
		`"cause":{"topic":"readings","partition":2,"offset":4}}`)
	return in
}

func TestNewRecordsAreAsDocumented(t *testing.T) {
	r := Check(anew(t))
	require.Empty(t, r.Differences, "%s", r)
	assert.Equal(t, &Report{Partition: 2, Readings: 5, Classes: Counts{Processed: 4, Late: 1}, Aggregates: 4, Alerts: 1, Quarantined: 1, Resets: 1, Facts: 1}, r)
}

func TestEveryNewFieldCounts(t *testing.T) {
	clean := anew(t)
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
					in.Outputs[topic][i].Value = []byte(strings.Replace(string(records[i].Value), `"pipeline":"labelled"`, `"pipeline":"other"`, 1))
				}
				assert.NotEmpty(t, Check(in).Differences, "%s %d %s", topic, i, path)
			}
		}
	}
}

// What was written under a version of the roster that is not at hand is not guessed at.
func TestMissingRosters(t *testing.T) {
	in := anew(t)
	in.Rosters = in.Rosters[:1]
	r := Check(in)
	require.Len(t, r.Differences, 1)
	assert.Equal(t, Roster, r.Differences[0].Kind)
	assert.Contains(t, r.String(), fmt.Sprintf("roster version %016x came into force at source offset 0, and it is none of the 1 given", fingerprint([]byte(labelledRoster))))

	in = anew(t)
	in.Rosters = append(in.Rosters, []byte("name,site\na,b\n"), []byte("device,site\na\n"), nil)
	assert.Contains(t, Check(in).String(), "cannot be read: it has no column device")
	assert.Contains(t, Check(in).String(), "wrong number of fields")
	assert.Contains(t, Check(in).String(), "it has no header")

	in = anew(t)
	in.Pipeline.Roster = nil
	assert.Contains(t, Check(in).String(), "came into force, and the pipeline has no roster")

	// A trimmed journal does not tell: the version beside the pipeline file is taken.
	in = anew(t)
	slices.Reverse(in.Rosters)
	in.Journal = in.Journal[1:]
	assert.Empty(t, Check(in).Differences)
}

func TestRosterColumns(t *testing.T) {
	r, err := readRoster([]byte("\ufeffn,device,b,s,empty\r\n1e3,a,true,x,\r\n,b,,\"y, z\",\r\n-2,c,false,1,\r\n"))
	require.NoError(t, err)
	assert.Equal(t, map[string]kind{"n": isNumber, "b": isTruth, "s": isText, "empty": isNumber}, r.kinds)
	assert.Equal(t, labels{"s": "y, z"}, r.of("b"))
	v, ok := r.number("a", "n")
	assert.True(t, ok && v == 1000)
	_, ok = r.number("b", "n")
	assert.False(t, ok)
	of := r.typed("b", map[string]kind{"n": isNumber, "b": isTruth, "s": isText, "gone": isText, "going": isTruth})
	assert.NotEqual(t, of["n"], of["n"], "no number is not even itself")
	assert.Equal(t, []any{false, "y, z", "", false}, []any{of["b"], of["s"], of["gone"], of["going"]})
}

func TestRosterCells(t *testing.T) {
	r, err := readRoster([]byte(" device , n, hex,s\n a , \" 1e3 \",0x1p5,  \n"))
	require.NoError(t, err)
	assert.Equal(t, map[string]kind{"n": isNumber, "hex": isText, "s": isNumber}, r.kinds)
	assert.Equal(t, labels{"n": "1e3", "hex": "0x1p5"}, r.of("a"))
	_, err = readRoster([]byte("device,n\na,1\n\"b"))
	assert.Error(t, err)
}

const sketched = `
name: sketched
source: {topic: readings}
time: {wait_for_late: 1s, idle_after: 10m}
windows:
  - {name: w, metric: temp, tumbling: 10s, compute: [max], emit: {topic: out}}
rules:
  - {name: high, when: w.max, levels: {high: {above: 100}}}
+ window w compute p95
+ rule high result p95
`

// A rule on a sketch goes by what the sketch said: that is taken from the records,
// as long as it is near enough to what is so.
func TestRulesGoByWhatWasSaid(t *testing.T) {
	alert := func(value string) string {
		hash := sha256.Sum256([]byte("\x00\x00\x00\x00\x00\x00\x00\x08sketched\x00\x00\x00\x00\x00\x00\x00\x04high\x00\x00\x00\x00\x00\x00\x00\x01t\x00\x00\x01\x9c\xa9\x45\x31\x10"))
		return `{"schema":"weir.alert/1","id":"` + hex.EncodeToString(hash[:16]) + `","pipeline":"sketched","rule":"high","device":"t","state":"firing","status":"firing","level":"high","previous":null,` +
			`"value":` + value + `,"threshold":100,"at":"2026-03-01T12:00:10.000Z","startsAt":"2026-03-01T12:00:10.000Z","episode":{"start":"2026-03-01T12:00:10.000Z","event":1},` +
			`"window":{"name":"w","start":"2026-03-01T12:00:00.000Z","end":"2026-03-01T12:00:10.000Z"},"labels":{"alertname":"high","device":"t","pipeline":"sketched","severity":"high"},` +
			`"annotations":{"summary":"t: high is high, w.max = ` + value + ` (threshold 100)"},"cause":{"topic":"readings","partition":0,"offset":1}}`
	}
	play := func(said, alerted string) *Report {
		in := Input{Pipeline: extended(t, sketched), Committed: 2, Outputs: map[string][]OutputRecord{}}
		for _, line := range []string{"0 12:00:01 t temp 100.3 ts=12:00:01", "1 12:00:11 t temp 1 ts=12:00:11"} {
			in.Source = append(in.Source, recordOf(t, line, strings.Fields(line)))
		}
		in.Journal = renderJournal([]entry{{seq: 1, to: 2, wall: clockOf(t, "12:00:11")}}, 1)
		if emit := &in.Pipeline.Windows[0].Emit; said == "" {
			emit.On, emit.Topic = "never", ""
		} else {
			in.Outputs["out"] = []OutputRecord{{Key: []byte("t"), Value: []byte(`{"pipeline":"sketched","window":"w","device":"t","metric":"temp","start":"2026-03-01T12:00:00.000Z",` +
				`"end":"2026-03-01T12:00:10.000Z","revision":1,"final":true,"p95":` + said + `}`)}}
		}
		if alerted != "" {
			a := OutputRecord{Key: []byte("t"), Seq: "1", Value: []byte(alert(alerted))}
			body, _ := parseJSON(a.Value)
			a.ID = text(body.field("id")) + "-1"
			in.Outputs[in.Pipeline.Alerts.Topic] = []OutputRecord{a}
		}
		return Check(in)
	}
	assert.Empty(t, play("99.9", "").Differences, "it did not cross")
	assert.Empty(t, play("100.9", "100.9").Differences, "it did")
	assert.Contains(t, play("99.9", "100.9").String(), "found a record that nothing explains")
	assert.Contains(t, play("100.9", "100.8").String(), "expected value 100.9, found 100.8")
	assert.Contains(t, play("100.9", "").String(), "missing in weir.sketched.alerts")
	assert.Contains(t, play("98", "").String(), "expected p95 100.3, found 98")
	assert.Empty(t, play("", "").Differences, "it may not have crossed, and nothing was said")
	assert.Empty(t, play("", "101").Differences, "it may have crossed")
	assert.NotEmpty(t, play("", "102").Differences, "not that far")
}
