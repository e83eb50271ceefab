package task

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A script of works is as the others are, but that a reading begins with its
// partition, and
//
//	advance devices 12:00:00, advance groups 12:00:00   all tasks have caught up at that time
//	wall 12:00:00                                       append time of the partials that follow
//	deliver                                             the group tasks fold what there is
//	restart                                             all tasks are recovered from their journals
//	ack, unack, silence, unsilence, commands             as in other scripts, for the group tasks
//	sent                                                says what device tasks have sent since asked last
//	counters
//
// A block "file" is another version of the file, to which all tasks go over.
func TestGroupScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/groups/*.txt")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			src, err := os.ReadFile(file)
			require.NoError(t, err)
			s := &worksScript{t: t}
			s.script.t = t
			got := runBlocks(src, s.block)
			if *updateFlag {
				require.NoError(t, os.WriteFile(file, got, 0o644))
				return
			}
			sameLines(t, src, got, "expected and actual (-update accepts it)")
		})
	}
}

// runBlocks runs a script block by block and returns it with what was said.
func runBlocks(src []byte, run func(head string, input []string) []string) []byte {
	var out strings.Builder
	lines := strings.Split(strings.TrimSuffix(string(src), "\n"), "\n")
	for i := 0; i < len(lines); i++ {
		fmt.Fprintln(&out, lines[i])
		if lines[i] == "" || lines[i][0] == '#' {
			continue
		}
		head := lines[i]
		var input []string
		for i++; i < len(lines) && lines[i] != "----"; i++ {
			fmt.Fprintln(&out, lines[i])
			input = append(input, lines[i])
		}
		out.WriteString("----\n")
		for i++; i < len(lines) && lines[i] != ""; i++ {
		}
		for _, said := range run(head, input) {
			fmt.Fprintln(&out, said)
		}
		out.WriteString("\n")
	}
	return []byte(strings.TrimSuffix(out.String(), "\n"))
}

type worksScript struct {
	script
	t     *testing.T
	works *works
}

func (s *worksScript) block(head string, input []string) []string {
	words := strings.Fields(head)
	if words[0] == "works" {
		n, err := strconv.Atoi(words[1])
		require.NoError(s.t, err)
		s.works = newWorks(s.t, strings.Join(input, "\n"), n)
		s.last = 0
		return nil
	}
	if words[0] == "file" {
		s.works.succeed(strings.Join(input, "\n"))
		return s.said()
	}
	var told []string
	for _, line := range input {
		told = append(told, s.line(line)...)
	}
	return told
}

func (s *worksScript) line(line string) []string {
	w, words := s.works, strings.Fields(line)
	if line[0] == '#' {
		return nil
	}
	switch words[0] {
	case "advance":
		plants := w.devices
		if words[1] == "groups" {
			plants = w.groups
		}
		for _, p := range plants {
			w.advance(p, s.time(words[2]))
		}
	case "ack", "unack", "silence", "unsilence", "commands":
		for _, p := range w.groups { // there is one, where it matters
			s.operate(p, words)
		}
		w.collect()
	case "wall":
		w.wall = s.time(words[1])
	case "deliver":
		w.deliver(-1)
	case "restart":
		for _, p := range append(slices.Clone(w.devices), w.groups...) {
			p.restart()
		}
	case "counters":
		return []string{"devices " + sayCounters(w.total(w.devices)) + sayUngrouped(w), "groups " + sayCounters(w.total(w.groups))}
	case "sent":
		return s.sent()
	default:
		partition, err := strconv.Atoi(words[0])
		require.NoError(s.t, err, line)
		w.fold(partition, s.reading(words[1:]))
	}
	return s.said()
}

// said is what the works have said since asked last.
func (s *worksScript) said() (told []string) {
	for _, o := range s.works.said {
		told = append(told, sayOfWorks(s.t, o))
	}
	s.works.said = nil
	return told
}

func sayUngrouped(w *works) string {
	if n := w.total(w.devices).Ungrouped; n > 0 {
		return fmt.Sprintf(" ungrouped=%d", n)
	}
	return ""
}

func (s *worksScript) sent() []string {
	var told []string
	for _, o := range s.works.sent {
		var r partialRecord
		require.NoError(s.t, r.parse([]byte(o.value)))
		switch {
		case r.kind == kindPartial:
			told = append(told, fmt.Sprintf("partial %s>%d %s of %s in %s from %s, readings %d", o.id, o.to, r.window, r.device, o.key, clock(r.partial.Start), r.partial.Count))
		case o.to == 0:
			told = append(told, fmt.Sprintf("watermark %s %s", o.id, clock(r.watermark)))
		}
	}
	s.works.sent = nil
	return told
}

// sayOfWorks is an output as one line: the fields that matter, times as scripts
// have them.
func sayOfWorks(t require.TestingT, o said) string {
	if strings.HasSuffix(o.topic, ".commands") {
		return sayCommand(t, o)
	}
	if !strings.Contains(o.value, `"group"`) && !strings.Contains(o.topic, "groups") {
		return sayOutput(t, o)
	}
	if strings.Contains(o.value, alertSchema) {
		asDescribed(t, o.value)
	}
	var b strings.Builder
	b.WriteString(o.topic)
	for _, f := range fieldsOf(t, o.value) {
		text := string(f.value)
		switch f.name {
		case "schema", "pipeline", "id", "status", "appended", "clock":
			continue
		case "group":
			require.Equal(t, strconv.Quote(o.key), text)
		}
		var at time.Time
		if text != "null" && json.Unmarshal(f.value, &at) == nil {
			text = clockOf(at)
		}
		fmt.Fprintf(&b, " %s=%s", f.name, strings.Trim(text, `"`))
	}
	return b.String()
}
