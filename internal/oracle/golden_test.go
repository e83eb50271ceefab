package oracle

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/event"
)

// The files of testdata were worked out by hand from docs/SEMANTICS.md. Each has
// a pipeline, what happens, and what must be said, with a line --- in between:
//
//	OFFSET APPENDED DEVICE METRIC VALUE [ts=TIME] [seq=N]    a record with one reading
//	OFFSET APPENDED raw KEY PAYLOAD                          a record
//	fact POSITION WALL [DEVICE...]                           wall time enters, devices are forgotten
//	roster POSITION ROW;ROW...                               a version of the roster comes into force
//
// What else may stand in the pipeline, extended says. Times are of 2026-03-01. What must be said begins with the source offset of its
// cause and is in the order in which it is said.
func TestGoldens(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			parts := strings.Split(string(text), "\n---\n")
			require.Len(t, parts, 3)
			var expected []string
			for _, line := range meant(parts[2]) {
				expected = append(expected, strings.Join(strings.Fields(line), " "))
			}
			assert.Equal(t, expected, play(t, extended(t, parts[0]), meant(parts[1])))
		})
	}
}

// meant are the lines that are neither empty nor comments.
func meant(text string) (lines []string) {
	for _, line := range strings.Split(text, "\n") {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			lines = append(lines, line)
		}
	}
	return lines
}

func pipelineOf(t testing.TB, text string) *configs.Pipeline {
	t.Helper()
	p, found := configs.Parse("test", []byte("kafka: {brokers: [\"localhost:9092\"]}\n"+text), configs.Options{})
	require.False(t, found.HasErrors(), "%s", found)
	return p
}

// play runs the model and writes down what it wants.
func play(t *testing.T, p *configs.Pipeline, lines []string) (said []string) {
	t.Helper()
	report := &Report{}
	model := newTask(&Input{Pipeline: p}, report)
	witness := newWitness(nil)
	for _, line := range lines {
		words := strings.Fields(line)
		if words[0] == "fact" {
			position, err := strconv.ParseInt(words[1], 10, 64)
			require.NoError(t, err)
			model.enter(fact{position: position, wall: clockOf(t, words[2]), forgotten: words[3:], entry: &entry{to: position}}, witness)
			continue
		}
		if words[0] == "roster" {
			require.NoError(t, model.enterLine(line))
			continue
		}
		model.fold(recordOf(t, line, words))
	}
	for i := range model.wants {
		said = append(said, brief(p, model.wants[i]))
	}
	for _, d := range report.Differences {
		said = append(said, d.String())
	}
	c := report.Classes
	return append(said, fmt.Sprintf("processed %d late %d future %d duplicate %d filtered %d bad %d", c.Processed, c.Late, c.Future, c.Duplicate, c.Filtered, c.Bad))
}

func clockOf(t testing.TB, s string) event.Time {
	t.Helper()
	at, err := time.Parse("2006-01-02 15:04:05", "2026-03-01 "+s)
	require.NoError(t, err)
	return event.Time(at.UTC().UnixMilli())
}

func recordOf(t *testing.T, line string, words []string) SourceRecord {
	t.Helper()
	offset, err := strconv.ParseInt(words[0], 10, 64)
	require.NoError(t, err)
	r := SourceRecord{Offset: offset, Append: clockOf(t, words[1]), Stamped: true}
	if words[2] == "raw" {
		r.Key, r.Value = []byte(words[3]), []byte(strings.SplitN(line, words[3]+" ", 2)[1])
		return r
	}
	r.Key = []byte(words[2])
	value := fmt.Sprintf(`{"device":%q,"metric":%q,"value":%s`, words[2], words[3], words[4])
	for _, word := range words[5:] {
		if at, found := strings.CutPrefix(word, "ts="); found {
			value += fmt.Sprintf(`,"ts":"2026-03-01T%sZ"`, at)
		} else if n, found := strings.CutPrefix(word, "seq="); found {
			value += `,"seq":` + n
		}
	}
	r.Value = []byte(value + "}")
	return r
}

// hour is a time of 2026-03-01, briefly.
func hour(at event.Time) string {
	if day := time.UnixMilli(int64(at)).UTC(); day.Format(time.DateOnly) != "2026-03-01" {
		return day.Format("01-02T15:04:05")
	}
	return strings.TrimSuffix(time.UnixMilli(int64(at)).UTC().Format("15:04:05.000"), ".000")
}

// brief writes a want on one line.
func brief(p *configs.Pipeline, w *want) string {
	switch {
	case w.aggregate != nil:
		a := w.aggregate
		s := fmt.Sprintf("%d %s %s %s-%s r%d", w.source, w.device, w.lane, hour(a.start), hour(a.end), a.revision)
		if a.final {
			s += " final"
		}
		for i := range a.results {
			name := p.Windows[a.window].Compute[i]
			s += " " + name + "=" + number(a.results[i].value)
		}
		if a.merged {
			s += " into " + hour(a.into)
		}
		if a.corrects {
			s += " corrects"
		}
		return s + resets(a.resets)
	case w.alert != nil:
		a := w.alert
		rule := &p.Rules[a.rule]
		name := func(level int) string {
			if level == none {
				return "none"
			}
			return rule.Levels[level].Name
		}
		s := fmt.Sprintf("%d %s %s %s %s from %s value=%s threshold=%s at %s since %s #%d", w.source, w.device, rule.Name, a.state, name(a.level), name(a.previous),
			number(a.value.value), number(a.threshold), hour(a.at), hour(a.began), a.number)
		if a.window != nil {
			s += fmt.Sprintf(" in %s-%s", hour(a.window.start), hour(a.window.end))
		}
		if a.flapping {
			s += " flapping"
		}
		if a.repeat > 0 {
			s += fmt.Sprintf(" repeat=%d", a.repeat)
		}
		if a.cause.reason != "" {
			return s + " by " + a.cause.reason + resets(a.resets)
		}
		return s + fmt.Sprintf(" by %d", a.cause.offset) + resets(a.resets)
	case w.restart != nil:
		return fmt.Sprintf("%d %s clock %s to %s late since %s", w.source, w.device, hour(w.restart.from), hour(w.restart.to), hour(w.restart.lateSince)) + resets(w.restart.resets)
	case w.rejected != nil:
		return fmt.Sprintf("%d %s rejected %s %d of %s from %s", w.source, cmp.Or(w.device, "?"), w.rejected.reason, w.rejected.parcel.readings, w.rejected.parcel.device, hour(w.rejected.parcel.start))
	default:
		return fmt.Sprintf("%d %s refused %s sample %d", w.source, cmp.Or(w.device, "?"), w.refusal.reason, w.refusal.reading.sample)
	}
}

func resets(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(" resets=%d", n)
}
