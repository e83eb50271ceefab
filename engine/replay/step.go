package replay

import (
	"fmt"

	"github.com/weirstream/weir/alerts/commands"
	"github.com/weirstream/weir/configs"
)

// step does what a step of a test says.
func (f *found) step(w *Works, s *configs.Scenario, step *configs.ScenarioStep) error {
	at := s.Start + step.At
	switch step.Kind {
	case configs.StepRestart:
		return w.Restart()
	case configs.StepSilence, configs.StepMaintenance:
		one, err := silenceOf(s, step)
		if err != nil {
			return err
		}
		return w.Command(at, one.Key(), one.AppendValue(nil))
	case configs.StepUnsilence, configs.StepUnmaintenance:
		one := commands.Silence{Kind: commands.KindSilence, Name: step.Name}
		if step.Kind == configs.StepUnmaintenance {
			one.Kind = commands.KindMaintenance
		}
		return w.Command(at, one.Key(), nil)
	}
	a, open := f.openAlert(step)
	if !open {
		f.undone = append(f.undone, Line{Expected: sayStep(step), Found: "no episode is open", Differs: true})
		return nil
	}
	if step.Kind == configs.StepUnack {
		return w.Command(at, commands.AckKey(a.ID), nil)
	}
	ack := commands.Ack{ID: a.ID, Rule: a.Rule, Author: step.Author, Reason: step.Reason, At: at}
	if ack.Device = a.Device; a.By != "" {
		ack.Device, ack.Group, ack.By = "", a.Device, a.By
	}
	return w.Command(at, ack.Key(), ack.AppendValue(nil))
}

func silenceOf(s *configs.Scenario, step *configs.ScenarioStep) (commands.Silence, error) {
	one := commands.Silence{
		Kind: commands.KindSilence, Name: step.Name, Start: s.Start + step.Start, End: s.Start + step.End, At: s.Start + step.At,
	}
	if step.Kind == configs.StepMaintenance {
		one.Kind = commands.KindMaintenance
	}
	for _, m := range step.Matchers {
		matcher, err := commands.NewMatcher(m.Name, m.Op, m.Value)
		if err != nil {
			return one, err
		}
		one.Matchers = append(one.Matchers, matcher)
	}
	return one, one.Check()
}

// openAlert is the newest event of the alert that a step is about, and whether its
// episode is open.
func (f *found) openAlert(step *configs.ScenarioStep) (Alert, bool) {
	for i := len(f.alerts) - 1; i >= 0; i-- {
		if a := f.alerts[i]; a.Rule == step.Rule && a.Device == step.Device {
			return a, a.State != "resolved" && a.State != "ok"
		}
	}
	return Alert{}, false
}

func sayStep(step *configs.ScenarioStep) string {
	what := "ack"
	if step.Kind == configs.StepUnack {
		what = "unack"
	}
	return fmt.Sprintf("%s %s %s %s", relative(step.At), what, step.Rule, step.Device)
}

// marks is what an event says beside state, level and value.
type marks struct {
	SuppressedBy []string
	Acked        bool
	Flapping     bool
	Error        bool
	Repeat       int64 // 0: it is none
	Escalation   int64
	Severity     string // the label; empty: none
}

// meetsMarks reports whether an event says what is expected.
func meetsMarks(want *configs.ExpectedMarks, got *Alert) bool {
	is := func(want *bool, got bool) bool { return want == nil || *want == got }
	counts := func(want *int64, got int64) bool { return want == nil || *want == got }
	if len(want.SuppressedBy) > 0 && fmt.Sprint(want.SuppressedBy) != fmt.Sprint(got.SuppressedBy) {
		return false
	}
	return is(want.Suppressed, len(got.SuppressedBy) > 0) && is(want.Acked, got.Acked) && is(want.Flapping, got.Flapping) && is(want.Error, got.Error) &&
		counts(want.Repeat, got.Repeat) && counts(want.Escalation, got.Escalation) &&
		(want.Severity == "" || want.Severity == got.Severity) && (want.Reason == "" || want.Reason == got.Reason)
}

// sayExpectedMarks says what is asked of an event, behind a space.
func sayExpectedMarks(want *configs.ExpectedMarks) (text string) {
	if len(want.SuppressedBy) > 0 {
		text += fmt.Sprintf(" suppressed by %s", list(want.SuppressedBy))
	}
	for _, m := range []struct {
		word string
		is   *bool
	}{{"suppressed", want.Suppressed}, {"acked", want.Acked}, {"flapping", want.Flapping}, {"error", want.Error}} {
		switch {
		case m.is == nil, m.word == "suppressed" && len(want.SuppressedBy) > 0:
		case *m.is:
			text += " " + m.word
		default:
			text += " not " + m.word
		}
	}
	if want.Repeat != nil {
		text += fmt.Sprintf(" repeat %d", *want.Repeat)
	}
	if want.Escalation != nil {
		text += fmt.Sprintf(" escalation %d", *want.Escalation)
	}
	if want.Severity != "" {
		text += " severity " + want.Severity
	}
	if want.Reason != "" {
		text += " (" + want.Reason + ")"
	}
	return text
}

// sayMarks says what an event has, behind a space.
func sayMarks(a *Alert) (text string) {
	if len(a.SuppressedBy) > 0 {
		text += " suppressed by " + list(a.SuppressedBy)
	}
	for _, m := range []struct {
		word string
		is   bool
	}{{"acked", a.Acked}, {"flapping", a.Flapping}, {"error", a.Error}} {
		if m.is {
			text += " " + m.word
		}
	}
	if a.Repeat > 0 {
		text += fmt.Sprintf(" repeat %d", a.Repeat)
	}
	if a.Escalation > 0 {
		text += fmt.Sprintf(" escalation %d severity %s", a.Escalation, a.Severity)
	}
	if a.Reason != "" {
		text += " (" + a.Reason + ")"
	}
	return text
}

func list(words []string) (text string) {
	for i, w := range words {
		if i > 0 {
			text += ","
		}
		text += w
	}
	return text
}
