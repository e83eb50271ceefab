package oracle

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The files of testdata/told were worked out by hand from docs/SEMANTICS.md. Each has
// a pipeline, what happens (see toldInput), the alerts that must be told, and what the
// verifier says where one of them is told otherwise. An alert is a line:
//
//	SOURCE DEVICE RULE STATE LEVEL from PREVIOUS value=V threshold=T at TIME since TIME #NUMBER WORDS... by OFFSET|REASON
//
// with the words flapping, error, repeat=N, acked=WHO, suppressed=WHAT,..., escalation=N:SEVERITY, labels=NAME:TEXT,... and
// anomaly=KIND. What is told otherwise is one of
//
//	without N | twice N | N FIELD VALUE | N FIELD | command OFFSET lost
//
// where N counts the alerts from 1, a field without a value is left out, and what the verifier says stands below, indented.
//
// The records are made from these lines alone, as docs/RECORDS.md has them: the model
// has no part in them.
func TestToldByHand(t *testing.T) {
	files, err := filepath.Glob("testdata/told/*.txt")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			s := readTold(t, file)
			report := Check(s.input(t))
			require.Empty(t, report.Differences, "%s", report)
			require.Equal(t, len(s.alerts), report.Alerts)
			for i, o := range s.otherwise {
				said := saidOf(Check(s.told(t, o.words)))
				if !*update {
					assert.Equal(t, o.said, said, "%s", strings.Join(o.words, " "))
				}
				s.otherwise[i].said = said
			}
			if *update {
				s.write(t, file)
			}
			s.eachLeftOutOrTwice(t)
			s.eachField(t)
		})
	}
}

// update accepts what the verifier says, and nothing else: what must be told is worked
// out by hand.
var update = flag.Bool("update", false, "rewrite what the verifier says in testdata/told")

// toldFile is one file.
type toldFile struct {
	parts     []string
	in        Input // but for its alerts
	alerts    []object
	sources   []int64 // of the alerts
	otherwise []otherwise
}

type otherwise struct {
	words []string
	said  []string
}

func readTold(t *testing.T, file string) *toldFile {
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	parts := strings.Split(string(text), "\n---\n")
	require.Len(t, parts, 4)
	h := newToldHistory(t, parts[0], parts[1])
	s := &toldFile{parts: parts, in: h.in}
	for _, line := range meant(parts[2]) {
		a, source := h.alert(line)
		s.alerts, s.sources = append(s.alerts, a), append(s.sources, source)
	}
	for _, line := range strings.Split(parts[3], "\n") {
		switch words := strings.Fields(line); {
		case len(words) == 0 || words[0] == "#":
		case strings.HasPrefix(line, " "):
			last := &s.otherwise[len(s.otherwise)-1]
			last.said = append(last.said, strings.Join(words, " "))
		default:
			s.otherwise = append(s.otherwise, otherwise{words: words})
		}
	}
	require.NotEmpty(t, s.otherwise)
	return s
}

// write writes a file anew, with what the verifier says.
func (s *toldFile) write(t *testing.T, file string) {
	var b strings.Builder
	next := 0
	for _, line := range strings.Split(strings.TrimSpace(s.parts[3]), "\n") {
		if strings.HasPrefix(line, " ") {
			continue
		}
		b.WriteString(line + "\n")
		if line != "" && !strings.HasPrefix(line, "#") {
			for _, said := range s.otherwise[next].said {
				b.WriteString("    " + said + "\n")
			}
			next++
		}
	}
	parts := append(slices.Clone(s.parts[:3]), b.String())
	require.NoError(t, os.WriteFile(file, []byte(strings.Join(parts, "\n---\n")), 0o600))
}

// saidOf are the differences, a line each.
func saidOf(r *Report) (lines []string) {
	for _, d := range r.Differences {
		lines = append(lines, d.String())
	}
	return lines
}

// input is what the verifier is shown, with these alerts, or with those of the file.
func (s *toldFile) input(t *testing.T, alerts ...object) Input {
	if alerts == nil {
		alerts = s.alerts
	}
	in := s.in
	var records []OutputRecord
	for i, a := range alerts {
		number := a["episode"].(object)["event"]
		records = append(records, OutputRecord{
			Offset: int64(i), Key: []byte(fmt.Sprint(a["device"])), ID: fmt.Sprintf("%v-%v", a["id"], number), Seq: strconv.Itoa(i + 1), Value: encode(a),
		})
	}
	in.Outputs = map[string][]OutputRecord{in.Pipeline.Alerts.Topic: records}
	return in
}

// copied is an alert that may be changed.
func copied(t *testing.T, a object) (c object) {
	require.NoError(t, json.Unmarshal(encode(a), &c))
	return c
}

// told is the input with one thing told otherwise.
func (s *toldFile) told(t *testing.T, words []string) Input {
	number := func(word string) int {
		n, err := strconv.Atoi(word)
		require.NoError(t, err, "%v", words)
		return n
	}
	all := slices.Clone(s.alerts)
	switch words[0] {
	case "without":
		return s.input(t, slices.Delete(all, number(words[1])-1, number(words[1]))...)
	case "twice":
		n := number(words[1])
		return s.input(t, slices.Insert(all, n, all[n-1])...)
	case "command":
		in := s.input(t)
		in.Commands = slices.Clone(in.Commands)
		in.Commands[number(words[1])].Key = []byte("something else")
		return in
	}
	n := number(words[0]) - 1
	all[n] = copied(t, all[n])
	o, path := all[n], strings.Split(words[1], ".")
	for _, name := range path[:len(path)-1] {
		o = o[name].(object)
	}
	in := s.input(t, all...)
	if last := path[len(path)-1]; len(words) == 2 {
		delete(o, last)
	} else {
		var v any
		require.NoError(t, json.Unmarshal([]byte(words[2]), &v), "%v", words)
		o[last] = v
	}
	records := in.Outputs[in.Pipeline.Alerts.Topic]
	records[n].Value = encode(all[n])
	return in
}

// Each alert is missed where it is not told, and one too many where it is told twice;
// nothing else is said then.
func (s *toldFile) eachLeftOutOrTwice(t *testing.T) {
	for i := range s.alerts {
		for word, kind := range map[string]string{"without": Missing, "twice": Repeated} {
			found := Check(s.told(t, []string{word, strconv.Itoa(i + 1)})).Differences
			if assert.Len(t, found, 1, "%s %d", word, i+1) {
				assert.Equal(t, kind, found[0].Kind, "%s %d: %s", word, i+1, found[0])
				assert.Equal(t, s.sources[i], found[0].Source, "%s %d: %s", word, i+1, found[0])
			}
		}
	}
}

// more are fields that an alert may have which does not.
func more() object {
	return object{
		"flapping": true, "error": true, "repeat": 1, "escalation": 1, "resets": 1, "suppressed_by": []string{"schedule"}, "endsAt": "2026-03-01T12:00:00.000Z",
		"acked":  object{"author": "eve", "reason": "", "at": "2026-03-01T12:00:00.000Z"},
		"window": object{"name": "w", "start": "2026-03-01T12:00:00.000Z", "end": "2026-03-01T12:01:00.000Z"}, "anomaly": object{"kind": "spike", "expected": 1, "band": 1, "score": 1},
	}
}

// Each value of each alert counts, and so does one that it should not have.
func (s *toldFile) eachField(t *testing.T) {
	for i, a := range s.alerts {
		check := func(what string, edit func(o object)) {
			c := copied(t, a)
			edit(c)
			in := s.input(t)
			in.Outputs[in.Pipeline.Alerts.Topic][i].Value = encode(c)
			assert.NotEmpty(t, Check(in).Differences, "alert %d: %s", i+1, what)
		}
		for name, v := range more() {
			if _, there := a[name]; !there {
				check("with "+name, func(o object) { o[name] = v })
			}
		}
		var walk func(o object, path []string)
		walk = func(o object, path []string) {
			for _, name := range slices.Sorted(maps.Keys(o)) {
				here := append(slices.Clone(path), name)
				at := func(c object, do func(o object)) {
					for _, name := range path {
						c = c[name].(object)
					}
					do(c)
				}
				check("without "+strings.Join(here, "."), func(c object) { at(c, func(o object) { delete(o, name) }) })
				if inner, ok := o[name].(object); ok {
					walk(inner, here)
					continue
				}
				check(strings.Join(here, ".")+" changed", func(c object) { at(c, func(o object) { o[name] = anotherThan(o[name]) }) })
			}
		}
		walk(copied(t, a), nil)
	}
}

// anotherThan is another value of the same kind.
func anotherThan(v any) any {
	switch v := v.(type) {
	case string:
		return v + "x"
	case float64:
		return v + 7
	case bool:
		return !v
	case []any:
		return append(slices.Clone(v), "x")
	default: // null
		return "x"
	}
}

// toldID is the id of an episode: hex of the first 16 bytes of SHA-256 over pipeline,
// rule and device, each behind its length, and the start.
func toldID(names []string, start int64) string {
	var b []byte
	for _, name := range names {
		b = append(binary.BigEndian.AppendUint64(b, uint64(len(name))), name...)
	}
	sum := sha256.Sum256(binary.BigEndian.AppendUint64(b, uint64(start)))
	return hex.EncodeToString(sum[:16])
}
