package oracle

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/alerts/anomaly"
	"github.com/weirstream/weir/alerts/commands"
	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/event"
)

// toldHistory makes the input of a file of testdata/told. What happens is, line by line,
// what TestGoldens has (records, facts, rosters), and
//
//	OFFSET APPENDED every SPAN TIMES DEVICE METRIC VALUE...          so many records, with these values over and over
//	say ack RULE DEVICE SINCE AUTHOR                                 a record of the topic of commands, whoever wrote it
//	say silence/NAME|maintenance/NAME START END NAME=TEXT...
//	say inhibit RULE LEVEL LABEL TEXT DEVICE
//	say KEY nonsense
//	unsay ...                                                        the same, taken back
//	commands POSITION                                                all of them come into force
type toldHistory struct {
	t        *testing.T
	in       Input
	set      commands.Set
	facts    []fact
	clock    event.Time
	verdicts map[string][]toldVerdict // by device: what the detector gave
}

type toldVerdict struct {
	at event.Time
	anomaly.Verdict
}

func newToldHistory(t *testing.T, pipeline, history string) *toldHistory {
	h := &toldHistory{t: t, verdicts: map[string][]toldVerdict{}}
	lines := meant(history)
	file := bytesOf("device")
	for _, line := range lines {
		if words := strings.SplitN(line, " ", 3); words[0] == "roster" {
			file = bytesOf(words[2])
			break
		}
	}
	p, found := configs.Parse("told", []byte("kafka: {brokers: [\"localhost:9092\"]}\n"+pipeline), configs.Options{ReadFile: func(string) ([]byte, error) { return file, nil }})
	require.False(t, found.HasErrors(), "%s", found)
	for i := range p.Rules {
		p.Rules[i].Template = []configs.Part{{Literal: "said"}} // TestRecordsAreAsDocumented has messages
	}
	h.in = Input{Pipeline: p}
	for _, line := range lines {
		h.line(line, strings.Fields(line))
	}
	h.in.Journal = renderJournal([]entry{{seq: 1, to: h.in.Committed, wall: h.clock, facts: h.facts}}, 1)
	h.detect()
	return h
}

func (h *toldHistory) line(line string, words []string) {
	switch words[0] {
	case "fact":
		f := fact{position: h.number(words[1]), wall: clockOf(h.t, words[2]), forgotten: words[3:]}
		h.facts, h.clock = append(h.facts, f), max(h.clock, f.wall)
	case "roster":
		file := bytesOf(strings.SplitN(line, " ", 3)[2])
		h.in.Rosters = append(h.in.Rosters, file)
		h.facts = append(h.facts, fact{position: h.number(words[1]), isRoster: true, roster: fingerprint(file)})
	case "commands":
		h.facts = append(h.facts, fact{position: h.number(words[1]), isCommands: true, version: h.set.Offset()})
	case "say":
		key, value := h.command(words[1:])
		h.say(key, value)
	case "unsay":
		key, _ := h.command(words[1:])
		h.say(key, nil)
	default:
		if words[2] == "every" {
			h.many(words)
			return
		}
		h.record(line)
	}
}

func (h *toldHistory) record(line string) {
	r := recordOf(h.t, line, strings.Fields(line))
	h.in.Source, h.in.Committed, h.clock = append(h.in.Source, r), r.Offset+1, max(h.clock, r.Append)
}

func (h *toldHistory) many(words []string) {
	offset, at := h.number(words[0]), clockOf(h.t, words[1])
	span, err := time.ParseDuration(words[3])
	require.NoError(h.t, err)
	values := words[7:]
	for i := range h.number(words[4]) {
		clock := hour(at + event.Time(i*span.Milliseconds()))
		h.record(fmt.Sprintf("%d %s %s %s %s ts=%s", offset+i, clock, words[5], words[6], values[int(i)%len(values)], clock))
	}
}

func (h *toldHistory) number(word string) int64 {
	n, err := strconv.ParseInt(word, 10, 64)
	require.NoError(h.t, err)
	return n
}

func (h *toldHistory) say(key string, value []byte) {
	r := CommandRecord{Offset: int64(len(h.in.Commands)), Key: []byte(key), Value: value}
	h.in.Commands = append(h.in.Commands, r)
	_ = h.set.Apply(r.Offset, r.Key, r.Value)
}

// command is a record of the topic of commands. Words that a command which is taken back
// has no need of may be missing.
func (h *toldHistory) command(words []string) (key string, value []byte) {
	words = append(words, make([]string, 8)...)
	switch kind, name, _ := strings.Cut(words[0], "/"); {
	case words[1] == "nonsense":
		return words[0], []byte("nonsense")
	case kind == "ack":
		id := toldID([]string{h.in.Pipeline.Name, words[1], words[2]}, int64(clockOf(h.t, words[3])))
		ack := commands.Ack{ID: id, Rule: words[1], Whose: commands.Whose{Device: words[2]}, Author: words[4], Reason: "known", At: clockOf(h.t, "11:00:00")}
		return ack.Key(), ack.AppendValue(nil)
	case kind == "inhibit":
		one := commands.Inhibit{Rule: words[1], Level: words[2], Label: words[3], Text: words[4], Whose: commands.Whose{Device: words[5]}}
		return one.Key(), one.AppendValue(nil)
	default:
		one := commands.Silence{Kind: commands.KindSilence, Name: name}
		if kind == "maintenance" {
			one.Kind = commands.KindMaintenance
		}
		if words[1] != "" {
			one.Start, one.End = clockOf(h.t, words[1]), clockOf(h.t, words[2])
		}
		for _, word := range words[3:] {
			if name, text, ok := strings.Cut(word, "="); ok {
				m, err := commands.NewMatcher(name, "=", text)
				require.NoError(h.t, err)
				one.Matchers = append(one.Matchers, m)
			}
		}
		return one.Key(), one.AppendValue(nil)
	}
}

// detect asks the detector of a rule on a metric for its verdicts, which are given.
func (h *toldHistory) detect() {
	for i := range h.in.Pipeline.Rules {
		if h.in.Pipeline.Rules[i].Anomaly == nil {
			continue
		}
		detector := detectorOf(&h.in.Pipeline.Rules[i])
		series := map[string][]uint64{}
		for _, r := range h.in.Source {
			one := readings(h.in.Pipeline, r)[0]
			if series[one.device] == nil {
				series[one.device] = make([]uint64, detector.Words())
			}
			if at := one.at(r.Append); detector.Takes(series[one.device], at, one.value) {
				h.verdicts[one.device] = append(h.verdicts[one.device], toldVerdict{at, detector.Step(series[one.device], at, one.value)})
			}
		}
	}
}

// alert makes an alert from its line.
func (h *toldHistory) alert(line string) (o object, source int64) {
	words := strings.Fields(line)
	at, since := clockOf(h.t, words[10]), clockOf(h.t, words[12])
	p, rule := h.in.Pipeline, words[2]
	labels := object{"alertname": rule, "device": words[1], "pipeline": p.Name}
	level := func(word string) any {
		if word == "none" {
			return nil
		}
		return word
	}
	if words[4] != "none" {
		labels["severity"] = words[4]
	}
	status := map[string]string{"recovering": "firing", "ok": "inactive"}
	if status[words[3]] == "" {
		status[words[3]] = words[3]
	}
	o = object{
		"schema": alertSchema, "pipeline": p.Name, "rule": rule, "device": words[1], "state": words[3], "status": status[words[3]], "level": level(words[4]), "previous": level(words[6]),
		"value": h.float(words[7], "value="), "threshold": h.float(words[8], "threshold="), "at": written(at), "startsAt": written(since),
		"id": toldID([]string{p.Name, rule, words[1]}, int64(since)), "episode": object{"start": written(since), "event": h.number(words[13][1:])},
		"labels": labels, "annotations": object{"summary": "said"},
	}
	if words[3] == "resolved" || words[3] == "ok" {
		o["endsAt"] = written(at)
	}
	cause := object{"topic": p.Source.Topic, "partition": h.in.Partition}
	last := words[len(words)-1]
	if n, err := strconv.ParseInt(last, 10, 64); err == nil {
		cause["offset"] = n
	} else {
		cause["reason"] = last
	}
	o["cause"] = cause
	for _, word := range words[14 : len(words)-2] {
		h.word(o, word, at)
	}
	return o, h.number(words[0])
}

func (h *toldHistory) float(word, name string) any {
	text, ok := strings.CutPrefix(word, name)
	require.True(h.t, ok, word)
	if text == "null" {
		return nil
	}
	v, err := strconv.ParseFloat(text, 64)
	require.NoError(h.t, err)
	return v
}

// word adds what an alert says beside itself.
func (h *toldHistory) word(o object, word string, at event.Time) {
	cause := o["cause"].(object)
	name, text, _ := strings.Cut(word, "=")
	switch name {
	case "flapping", "error":
		o[name] = true
	case "repeat":
		o[name] = h.number(text)
	case "acked":
		o[name] = object{"author": text, "reason": "known", "at": written(clockOf(h.t, "11:00:00"))}
	case "suppressed":
		o["suppressed_by"] = strings.Split(text, ",")
	case "escalation":
		step, severity, _ := strings.Cut(text, ":")
		o[name] = h.number(step)
		o["labels"].(object)["severity"] = severity
	case "labels":
		for _, one := range strings.Split(text, ",") {
			label, text, _ := strings.Cut(one, ":")
			o["labels"].(object)[label] = text
		}
	case "anomaly":
		var v anomaly.Verdict // on the last sample taken: what is said again comes before the reading of its time
		for _, one := range h.verdicts[fmt.Sprint(o["device"])] {
			if one.at < at || one.at == at && cause["reason"] == nil {
				v = one.Verdict
			}
		}
		o[name] = object{"kind": text, "expected": v.Expected, "band": v.Band, "score": v.Score}
	default:
		h.t.Fatal(word)
	}
}
