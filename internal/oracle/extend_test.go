package oracle

import (
	"strconv"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/event"
	columns "github.com/weirstream/weir/operators/roster"
)

// A pipeline may be written with what a file is read into, without what the parser
// checks: behind the file, lines with + change the pipeline that came of it.
//
//   - window NAME session GAP | rolling SIZE EVERY | offset TIME | zone NAME | metric NAME | by WHAT | on WHEN | compute NAME,NAME...
//   - rule NAME result NAME | expect WHO | threshold LEVEL FIELD LABEL | message TEXT
//   - reset_clock_after TIME
//   - dedupe time REMEMBER
//   - where EXPRESSION
//   - derive NAME METRIC FIELD,FIELD...|- EXPRESSION
//   - labels NAME:KIND...
func extended(t testing.TB, text string) *configs.Pipeline {
	t.Helper()
	var file, changes []string
	for _, line := range strings.Split(text, "\n") {
		if change, ok := strings.CutPrefix(line, "+ "); ok {
			changes = append(changes, change)
		} else {
			file = append(file, line)
		}
	}
	p := pipelineOf(t, strings.Join(file, "\n"))
	for _, change := range changes {
		e := extension{t, p, strings.Fields(change)}
		switch e.words[0] {
		case "window":
			e.window()
		case "rule":
			e.rule(change)
		default:
			e.pipeline(change)
		}
	}
	return p
}

type extension struct {
	t     testing.TB
	p     *configs.Pipeline
	words []string
}

func (e extension) span(i int) event.Time {
	d, err := time.ParseDuration(e.words[i])
	require.NoError(e.t, err)
	return event.Time(d.Milliseconds())
}

// rest is the text from word i on.
func (e extension) rest(line string, i int) string {
	for range i {
		_, line, _ = strings.Cut(strings.TrimSpace(line), " ")
	}
	return strings.TrimSpace(line)
}

func (e extension) window() {
	var w *configs.Window
	for i := range e.p.Windows {
		if e.p.Windows[i].Name == e.words[1] {
			w = &e.p.Windows[i]
		}
	}
	require.NotNil(e.t, w, "%v", e.words)
	switch e.words[2] {
	case "session":
		w.Kind, w.Gap, w.Size, w.Every = configs.Session, e.span(3), 0, 0
	case "rolling":
		w.Kind, w.Size, w.Every = configs.Rolling, e.span(3), e.span(4)
	case "offset":
		w.Offset = e.span(3)
	case "by":
		w.By = e.words[3]
	case "on":
		w.Emit.On = e.words[3]
	case "zone":
		place, err := time.LoadLocation(e.words[3])
		require.NoError(e.t, err)
		w.Location, w.Size, w.Every = place, 86_400_000, 86_400_000
	case "metric":
		w.Metric, w.MetricIndex = e.words[3], e.metric(e.words[3])
	case "compute":
		w.Compute = strings.Split(e.words[3], ",")
	default:
		e.t.Fatal(e.words)
	}
}

func (e extension) rule(line string) {
	var r *configs.Rule
	for i := range e.p.Rules {
		if e.p.Rules[i].Name == e.words[1] {
			r = &e.p.Rules[i]
		}
	}
	require.NotNil(e.t, r, "%v", e.words)
	switch e.words[2] {
	case "result":
		r.When.Result = e.words[3]
	case "expect":
		r.NoData.Expect = e.words[3]
	case "threshold":
		for i := range r.Levels {
			if l := &r.Levels[i]; l.Name == e.words[3] {
				if l.Labels == nil {
					l.Labels = map[string]string{}
				}
				l.Labels[e.words[4]] = e.words[5]
				*map[string]**float64{"above": &l.Above, "below": &l.Below, "clear_above": &l.ClearAbove, "clear_below": &l.ClearBelow}[e.words[4]] = nil
			}
		}
	case "message":
		r.Message, r.Template = e.rest(line, 3), nil
		for s := r.Message; s != ""; {
			before, after, _ := strings.Cut(s, "{{")
			field, rest, _ := strings.Cut(after, "}}")
			r.Template = append(r.Template, configs.Part{Literal: before}, configs.Part{Field: field})
			s = rest
		}
	default:
		e.t.Fatal(e.words)
	}
}

func (e extension) metric(name string) int {
	for i := range e.p.Metrics {
		if e.p.Metrics[i] == name {
			return i
		}
	}
	e.p.Metrics = append(e.p.Metrics, name)
	return len(e.p.Metrics) - 1
}

func (e extension) pipeline(line string) {
	switch e.words[0] {
	case "reset_clock_after":
		e.p.Time.ResetClockAfter = e.span(1)
	case "dedupe":
		e.p.Dedupe = configs.Dedupe{By: e.words[1], Remember: e.span(2)}
	case "where":
		e.p.Where = &configs.Expression{Source: e.rest(line, 1)}
	case "derive":
		d := configs.Derived{Name: e.words[1], Index: e.metric(e.words[1]), From: e.metric(e.words[2]), Value: configs.Expression{Source: e.rest(line, 4)}}
		if e.words[3] != "-" {
			for _, name := range strings.Split(e.words[3], ",") {
				d.Fields = append(d.Fields, e.metric(name))
			}
		}
		e.p.Derive = append(e.p.Derive, d)
	case "labels":
		e.p.Roster = &configs.Roster{Path: "roster.csv"}
		for _, word := range e.words[1:] {
			name, of, _ := strings.Cut(word, ":")
			e.p.Roster.Labels = append(e.p.Roster.Labels, columns.Label{
				Name: name, Kind: map[string]columns.Kind{"text": columns.Text, "number": columns.Number, "bool": columns.Bool}[of],
			})
		}
	default:
		e.t.Fatal(e.words)
	}
}

// bytesOf is a roster written on one line, with ; at the end of each row.
func bytesOf(rows string) []byte { return []byte(strings.ReplaceAll(rows, ";", "\n") + "\n") }

// enterLine lets a version of the roster come into force, from a line: roster
// POSITION ROWS.
func (t *task) enterLine(line string) error {
	words := strings.SplitN(line, " ", 3)
	position, err := strconv.ParseInt(words[1], 10, 64)
	if err != nil {
		return err
	}
	file := bytesOf(words[2])
	r, err := readRoster(file)
	t.rosters[fingerprint(file)] = r
	t.enter(fact{position: position, isRoster: true, roster: fingerprint(file), entry: &entry{to: position}}, newWitness(nil))
	return err
}
