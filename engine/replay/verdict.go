package replay

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/event"
)

// Verdict is the outcome of a test.
type Verdict struct {
	Passed      bool
	Alerts      []Line // of the rules that the test names; of a test that passed, too
	Aggregates  []Line // those expected
	Readings    []Line // classes that are expected
	Steps       []Line // those that could not be done
	Differences int
	Hints       []string // what may be the reason
}

// Line is one thing expected, found, or both. Either text is empty where there is
// none.
type Line struct {
	Expected string `json:"expected,omitempty"`
	Found    string `json:"found,omitempty"`
	Differs  bool   `json:"differs"`
}

// judge compares what a test expects with what it saw.
func judge(s *configs.Scenario, p *configs.Pipeline, f *found) Verdict {
	v := Verdict{Steps: f.undone}
	v.alerts(s, p, f)
	for i := range s.Aggregates {
		v.Aggregates = append(v.Aggregates, judgeAggregate(&s.Aggregates[i], s.Start, f.aggregates))
	}
	c := f.counters
	names := [...]string{"processed", "filtered", "late", "future", "bad", "duplicate"}
	for i, n := range [...]uint64{c.Processed, c.Filtered, c.Late, c.Future, c.Bad, c.Duplicate} {
		if want := s.Readings[i]; want >= 0 {
			v.Readings = append(v.Readings, Line{
				Expected: fmt.Sprintf("%s %d", names[i], want), Found: fmt.Sprintf("%s %d", names[i], n), Differs: uint64(want) != n,
			})
		}
	}
	for _, l := range slices.Concat(v.Alerts, v.Aggregates, v.Readings, v.Steps) {
		if l.Differs {
			v.Differences++
		}
	}
	v.Passed = v.Differences == 0
	return v
}

// alerts compares the events of the rules that the test names, one by one.
func (v *Verdict) alerts(s *configs.Scenario, p *configs.Pipeline, f *found) {
	inScope := map[string]bool{}
	for i := range s.Expect {
		inScope[s.Expect[i].Rule] = true
	}
	for _, rule := range s.None {
		inScope[rule] = true
	}
	got := slices.DeleteFunc(slices.Clone(f.alerts), func(a Alert) bool { return !inScope[a.Rule] })
	want := slices.Clone(s.Expect)
	slices.SortStableFunc(got, func(a, b Alert) int {
		return compareAlerts(alertOrder{a.At, a.Rule, a.Device}, alertOrder{b.At, b.Rule, b.Device})
	})
	slices.SortStableFunc(want, func(a, b configs.ExpectedAlert) int {
		return compareAlerts(alertOrder{s.Start + a.At, a.Rule, a.Device}, alertOrder{s.Start + b.At, b.Rule, b.Device})
	})
	for _, pair := range align(len(want), len(got), func(i, k int) bool { return meets(&want[i], &got[k], s.Start) }) {
		line := Line{Differs: !pair.equal}
		if pair.a >= 0 {
			line.Expected = sayExpected(&want[pair.a])
			if pair.b < 0 {
				v.hint(s, p, &want[pair.a])
			}
		}
		if pair.b >= 0 {
			line.Found = sayAlert(&got[pair.b], s.Start)
		}
		v.Alerts = append(v.Alerts, line)
	}
	v.Alerts = besides(v.Alerts)
}

// meets reports whether an alert is the one expected.
func meets(want *configs.ExpectedAlert, got *Alert, start event.Time) bool {
	return got.At == start+want.At && got.Rule == want.Rule && got.Device == want.Device && got.State == want.State &&
		(want.Level == "" || want.Level == got.Level) && (want.Kind == "" || want.Kind == got.Kind) &&
		(want.Value == nil || got.Value != nil && configs.Same(*want.Value, *got.Value)) && meetsMarks(&want.ExpectedMarks, got)
}

func sayExpected(e *configs.ExpectedAlert) string {
	return sayEvent(relative(e.At), e.Rule, e.Device, e.State, e.Level, e.Kind, e.Value) + sayExpectedMarks(&e.ExpectedMarks)
}

func sayAlert(a *Alert, start event.Time) string {
	return sayEvent(relative(a.At-start), a.Rule, a.Device, a.State, a.Level, a.Kind, a.Value) + sayMarks(a)
}

func sayEvent(at string, words ...any) string {
	text := at
	for _, w := range words {
		switch w := w.(type) {
		case string:
			if w != "" {
				text += " " + w
			}
		case *float64:
			if w != nil {
				text += " " + number(*w)
			}
		}
	}
	return text
}

func number(v float64) string { return strconv.FormatFloat(v, 'g', 10, 64) }

// hint says why an alert may be missing: nothing has closed its window.
func (v *Verdict) hint(s *configs.Scenario, p *configs.Pipeline, e *configs.ExpectedAlert) {
	i := slices.IndexFunc(p.Rules, func(r configs.Rule) bool { return r.Name == e.Rule })
	if i < 0 || p.Rules[i].When.Window < 0 {
		return
	}
	switch p.Windows[p.Rules[i].When.Window].Kind {
	case configs.Count, configs.Rolling:
		return
	}
	newest, seen := lastReading(s, e.Device)
	if newest >= e.At+p.Time.WaitForLate || s.End >= seen+p.Time.IdleAfter {
		return
	}
	h := fmt.Sprintf("a window that ends at %s is still open when the test ends at %s: it waits for a reading at %s or later (wait_for_late), or for silence until %s (idle_after)",
		relative(e.At), relative(s.End), relative(e.At+p.Time.WaitForLate), relative(seen+p.Time.IdleAfter))
	if !slices.Contains(v.Hints, h) {
		v.Hints = append(v.Hints, h)
	}
}

// lastReading is the greatest time of a reading of a device, and the greatest at
// which one arrives.
func lastReading(s *configs.Scenario, device string) (newest, seen event.Time) {
	if slices.Contains(s.Devices, device) {
		for _, one := range s.Series {
			for i, value := range one.Values {
				if !value.Absent {
					newest = max(newest, event.Time(i)*s.Every)
				}
			}
		}
	}
	seen = newest
	for i := range s.Rows {
		if s.Rows[i].Device == device {
			newest, seen = max(newest, s.Rows[i].At), max(seen, s.Rows[i].Arrives)
		}
	}
	return newest, seen
}

// judgeAggregate looks for an expected record of a window. Where it is not there,
// the newest of the same instance stands beside it.
func judgeAggregate(want *configs.ExpectedAggregate, start event.Time, all []Aggregate) Line {
	line := Line{Expected: sayExpectedAggregate(want), Differs: true}
	for i := range all {
		a := &all[i]
		if a.Window != want.Window || a.Device != want.Device || a.Start != start+want.Start || line.Found != "" && !line.Differs {
			continue
		}
		line.Found = sayAggregate(a, want, start)
		line.Differs = !meetsAggregate(want, a)
	}
	return line
}

func meetsAggregate(want *configs.ExpectedAggregate, a *Aggregate) bool {
	if want.Revision != 0 && want.Revision != a.Revision || want.Final != nil && *want.Final != a.Final {
		return false
	}
	return !slices.ContainsFunc(want.Values, func(w configs.ExpectedValue) bool {
		v := a.Values[w.Result]
		return v == nil || !configs.Same(w.Value, *v)
	})
}

func sayExpectedAggregate(want *configs.ExpectedAggregate) string {
	text := []string{relative(want.Start), want.Window, want.Device}
	if want.Revision != 0 {
		text = append(text, fmt.Sprintf("revision %d", want.Revision))
	}
	if want.Final != nil {
		text = append(text, fmt.Sprintf("final %t", *want.Final))
	}
	for _, w := range want.Values {
		text = append(text, w.Result+" "+number(w.Value))
	}
	return strings.Join(text, " ")
}

// sayAggregate says of a record what the test asks for.
func sayAggregate(a *Aggregate, want *configs.ExpectedAggregate, start event.Time) string {
	text := []string{relative(a.Start - start), a.Window, a.Device}
	if want.Revision != 0 {
		text = append(text, fmt.Sprintf("revision %d", a.Revision))
	}
	if want.Final != nil {
		text = append(text, fmt.Sprintf("final %t", a.Final))
	}
	for _, w := range want.Values {
		v := a.Values[w.Result]
		if v == nil {
			text = append(text, w.Result+" null")
			continue
		}
		text = append(text, w.Result+" "+number(*v))
	}
	return strings.Join(text, " ")
}
