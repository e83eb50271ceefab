package task

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/event"
)

// A script is blocks of
//
//	pipeline [partitions=N] [wall-stamped]     or     example NAME     or     feed     or     roster [now|later]     or     file
//	lines of input
//	----
//	lines of output, up to an empty line
//
// A roster is that of the pipelines below it, or comes into force now, or when the
// task is recovered next. A file takes the place of the pipeline, and the task goes on
// from its state.
//
// Lines of a feed:
//
//	12:00:01.5 pump-1 temperature 21.5 [seq=3] [append=12:00:02] [unstamped] [header=NAME] [key=NAME]
//	every 10s 12:00 12:05 pump-1 temperature 21.5   such a reading, again and again, before 12:05; 21.5/22/21 are values by turns
//	raw 12:00:02 [header=NAME] [trace=TEXT] [key=NAME] JSON   append time and payload; @12:00:01 is a time
//	hex 12:00:02 FFFE                            the same, in hexadecimal
//	big 12:00:02 70000                           the same, so many times x
//	advance 12:01:00 [mono=12:01:00]             caught up; monotonic time is the same unless it says otherwise
//	seal, restart                                commit; commit, crash and recover from the journal
//	counters, timer, state DEVICE                say more
//	ack RULE DEVICE AUTHOR [later]               commands, and those they take back; of the alert that is open now. With
//	unack RULE DEVICE [later]                    later they enter with the next of them, or when the task is recovered
//	silence KEY 12:00:00 13:00:00 rule=hot level=~warn.* labels.site!=Hamburg [later]
//	unsilence KEY [later]
//	commands                                     what the task has written enters
//
// Times are of 2026-03-01, in UTC; 1/12:00:00 is a day later. A reading without
// append= is appended at its event time or with the record before, whichever is
// later; - is no event time. Neighbouring readings are folded as one batch, and
// the whole script once more one by one: the outputs must not differ.
var updateFlag = flag.Bool("update", false, "rewrite the expected outputs of testdata")

const scriptDay = event.Time(1_772_323_200_000) // 2026-03-01

type script struct {
	t       require.TestingT
	plant   *plant
	single  bool // fold one record at a time
	pending []Record
	roster  string
	last    event.Time // append time of the record before
}

func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			src, err := os.ReadFile(file)
			require.NoError(t, err)
			got := runScript(t, src, false)
			sameLines(t, got, runScript(t, src, true), "one batch and one by one")
			if *updateFlag {
				require.NoError(t, os.WriteFile(file, got, 0o644))
				return
			}
			sameLines(t, src, got, "expected and actual (-update accepts it)")
		})
	}
}

// sameLines shows the first line in which two texts differ.
func sameLines(t *testing.T, x, y []byte, what string) {
	a, b := strings.Split(string(x), "\n"), strings.Split(string(y), "\n")
	for i := range max(len(a), len(b)) {
		if i >= len(a) || i >= len(b) || a[i] != b[i] {
			from := max(i-3, 0)
			require.Fail(t, what+" differ", "line %d:\n-- %s\n++ %s", i+1,
				strings.Join(a[min(from, len(a)):min(i+2, len(a))], "\n-- "), strings.Join(b[min(from, len(b)):min(i+2, len(b))], "\n++ "))
		}
	}
}

// runScript runs a script and returns it with the outputs it gave.
func runScript(t *testing.T, src []byte, single bool) []byte {
	var out bytes.Buffer
	s := &script{t: t, single: single}
	scan := bufio.NewScanner(bytes.NewReader(src))
	for scan.Scan() {
		line := scan.Text()
		fmt.Fprintln(&out, line)
		if line == "" || line[0] == '#' {
			continue
		}
		var input []string
		for scan.Scan() && scan.Text() != "----" {
			fmt.Fprintln(&out, scan.Text())
			input = append(input, scan.Text())
		}
		out.WriteString("----\n")
		for scan.Scan() && scan.Text() != "" {
		}
		for _, said := range s.block(line, input) {
			fmt.Fprintln(&out, said)
		}
		out.WriteString("\n")
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n"))
}

// block runs one block and returns its lines of output.
func (s *script) block(line string, input []string) []string {
	words := strings.Fields(line)
	switch words[0] {
	case "pipeline", "example":
		text := strings.Join(input, "\n")
		if words[0] == "example" {
			file, err := os.ReadFile("../../configs/examples/" + words[1] + ".yaml")
			require.NoError(s.t, err)
			text = string(file)
			if csv, err := os.ReadFile("../../configs/examples/" + words[1] + ".csv"); err == nil {
				s.roster = string(csv)
			}
		}
		o := plantOptions{roster: s.roster}
		for _, word := range words[1:] {
			if n, ok := strings.CutPrefix(word, "partitions="); ok {
				o.partitions, _ = strconv.Atoi(n)
			}
			o.wallStamped = o.wallStamped || word == "wall-stamped"
		}
		s.plant = newPlant(s.t, text, o)
		s.last = 0
		return nil
	case "file":
		old := s.plant
		s.plant = newPlant(s.t, strings.Join(input, "\n"), plantOptions{roster: s.roster})
		s.plant.succeed(old)
		return s.say()
	case "roster":
		s.roster = strings.Join(input, "\n")
		switch {
		case len(words) == 1:
		case words[1] == "later":
			s.plant.roster = s.roster
		default:
			s.plant.setRoster(s.roster)
			s.plant.take()
			return s.say()
		}
		return nil
	case "feed":
		var told []string
		for _, line := range input {
			told = append(told, s.line(line)...)
		}
		return append(told, s.flush()...)
	}
	require.Fail(s.t, "unknown block", line)
	return nil
}

// line runs one line of a feed.
func (s *script) line(line string) []string {
	words := strings.Fields(line)
	if len(words) == 0 || words[0][0] == '#' {
		return nil
	}
	switch words[0] {
	case "advance", "seal", "restart", "counters", "timer", "state", "ack", "unack", "silence", "unsilence", "commands":
		told := s.flush()
		return append(told, s.command(words)...)
	case "every":
		step, err := time.ParseDuration(words[1])
		require.NoError(s.t, err, line)
		values := strings.Split(words[6], "/")
		for at, i := s.time(words[2]), 0; at < s.time(words[3]); at, i = at+event.Time(step.Milliseconds()), i+1 {
			words[6] = values[i%len(values)]
			s.pending = append(s.pending, s.reading(append([]string{clock(at)}, words[4:]...)))
		}
	case "raw", "hex", "big":
		s.pending = append(s.pending, s.payload(words[0], line))
	default:
		s.pending = append(s.pending, s.reading(words))
	}
	return nil
}

func (s *script) command(words []string) []string {
	p := s.plant
	switch words[0] {
	case "advance":
		now := Now{Wall: s.time(words[1])}
		now.Mono = int64(now.Wall - scriptDay)
		if len(words) > 2 {
			now.Mono = int64(s.time(strings.TrimPrefix(words[2], "mono=")) - scriptDay)
		}
		p.advance(now)
	case "seal":
		p.seal()
	case "restart":
		p.restart()
	case "ack", "unack", "silence", "unsilence", "commands":
		s.operate(p, words)
	case "counters":
		return []string{sayCounters(p.task.Counters())}
	case "timer":
		if due := p.task.NextTimer(); due == event.Never {
			return []string{"timer never"}
		} else if due == 0 {
			return []string{"timer now"}
		} else {
			return []string{"timer by " + clock(due)}
		}
	case "state":
		slot, ok := p.table.Lookup([]byte(words[1]))
		if !ok {
			return []string{words[1] + " is not known"}
		}
		return sayState(p.plan.Describe(p.table, slot))
	}
	return s.say()
}

// flush folds the readings that wait.
func (s *script) flush() []string {
	if len(s.pending) == 0 {
		return nil
	}
	var err error
	if s.single {
		for i := range s.pending {
			if err = s.plant.fold(s.pending[i]); err != nil {
				break
			}
		}
	} else {
		err = s.plant.fold(s.pending...)
	}
	s.pending = s.pending[:0]
	told := s.say()
	if err != nil {
		var misplaced *MisplacedError
		require.True(s.t, errors.As(err, &misplaced))
		told = append(told, "refused: "+err.Error())
	}
	return told
}

func (s *script) say() []string {
	var told []string
	for _, o := range s.plant.taken() {
		told = append(told, sayOutput(s.t, o))
	}
	return told
}

func (s *script) reading(words []string) Record {
	require.GreaterOrEqual(s.t, len(words), 4, "%v", words)
	r := reading{device: words[1], metric: words[2], value: words[3], at: event.Never, seq: -1}
	appended := s.last
	if words[0] != "-" {
		r.at = s.time(words[0])
		appended = max(appended, r.at)
	}
	var header, key []byte
	unstamped := false
	for _, word := range words[4:] {
		name, value, _ := strings.Cut(word, "=")
		switch name {
		case "seq":
			n, err := strconv.ParseInt(value, 10, 64)
			require.NoError(s.t, err)
			r.seq = n
		case "append":
			appended = s.time(value)
		case "header":
			header = []byte(value)
		case "key":
			key = []byte(value)
		case "unstamped":
			unstamped = true
		default:
			require.Fail(s.t, "unknown option", word)
		}
	}
	r.appended, s.last = appended, appended
	rec := r.record()
	rec.Device, rec.Unstamped = header, unstamped
	if key != nil {
		rec.Key = key
	}
	return rec
}

func (s *script) payload(kind, line string) Record {
	var rec Record
	rest := strings.TrimPrefix(line, kind+" ")
	word, rest, _ := strings.Cut(rest, " ")
	rec.Append = s.time(word)
	s.last = rec.Append
	for {
		if value, ok := strings.CutPrefix(rest, "header="); ok {
			value, rest, _ = strings.Cut(value, " ")
			rec.Device = []byte(value)
		} else if value, ok := strings.CutPrefix(rest, "trace="); ok {
			value, rest, _ = strings.Cut(value, " ")
			rec.Trace = []byte(value)
		} else if value, ok := strings.CutPrefix(rest, "key="); ok {
			value, rest, _ = strings.Cut(value, " ")
			rec.Key = []byte(value)
		} else {
			break
		}
	}
	var err error
	switch kind {
	case "hex":
		rec.Value, err = hex.DecodeString(rest)
	case "big":
		var n int
		n, err = strconv.Atoi(rest)
		rec.Value = bytes.Repeat([]byte("x"), n)
	default:
		rec.Value = []byte(s.stampAll(rest))
	}
	require.NoError(s.t, err, line)
	return rec
}

// stampAll puts times in the place of @12:00:01.
func (s *script) stampAll(text string) string {
	for {
		before, after, found := strings.Cut(text, "@")
		if !found {
			return text
		}
		n := len(after) - len(strings.TrimLeft(after, "0123456789:./"))
		text = before + strconv.Quote(stamp(s.time(after[:n]))) + after[n:]
	}
}

func (s *script) time(word string) event.Time {
	t := scriptDay
	if days, rest, ok := strings.Cut(word, "/"); ok {
		n, err := strconv.Atoi(days)
		require.NoError(s.t, err, word)
		t += event.Time(n) * 86_400_000
		word = rest
	}
	parsed, err := time.Parse("15:04:05", word)
	require.NoError(s.t, err, word)
	midnight := time.Date(parsed.Year(), parsed.Month(), parsed.Day(), 0, 0, 0, 0, time.UTC)
	return t + event.Time(parsed.Sub(midnight).Milliseconds())
}

// clock is a time as scripts have it.
func clock(t event.Time) string {
	day := event.Time(86_400_000)
	n := (t - scriptDay) / day
	if t < scriptDay {
		n = -((scriptDay - t + day - 1) / day)
	}
	text := time.UnixMilli(int64(t)).UTC().Format("15:04:05.999")
	if n != 0 {
		return fmt.Sprintf("%d/%s", n, text)
	}
	return text
}
