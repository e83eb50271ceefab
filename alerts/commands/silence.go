package commands

import (
	"errors"
	"fmt"
	"strings"

	"github.com/weirstream/weir/event"
)

// Silence is a time, [Start, End), in which the alerts that all of its matchers fit
// are suppressed.
type Silence struct {
	Kind           Kind   // KindSilence or KindMaintenance
	Name           string // letters, digits, - . and _, at most MaxName of them
	Matchers       []Matcher
	Start, End     event.Time
	Author, Reason string
	At             event.Time // when it was said

	key string
}

// Subject is an alert as silences see it. What it does not have is empty.
type Subject struct {
	Rule, Device, Group, Level string
	// Label returns the text of a label, empty where there is none; nil: there are no
	// labels.
	Label func(name string) string
}

func parseSilence(kind Kind, name string, r *record) (Silence, error) {
	s := Silence{Kind: kind, Name: name, Author: r.Author, Reason: r.Reason}
	for _, m := range r.Matchers {
		one, err := NewMatcher(m.Name, m.Op, m.Value)
		if err != nil {
			return Silence{}, err
		}
		s.Matchers = append(s.Matchers, one)
	}
	var err error
	if s.Start, err = instant("start", r.Start); err != nil {
		return Silence{}, err
	}
	if s.End, err = instant("end", r.End); err != nil {
		return Silence{}, err
	}
	if r.At != "" {
		if s.At, err = instant("at", r.At); err != nil {
			return Silence{}, err
		}
	}
	s.key = s.makeKey()
	return s, s.Check()
}

// Check says what keeps a silence from being a command.
func (s *Silence) Check() error {
	switch {
	case s.Kind != KindSilence && s.Kind != KindMaintenance:
		return fmt.Errorf("kind %q must be silence or maintenance", s.Kind)
	case !isName(s.Name):
		return fmt.Errorf("name %.120q must be 1 to %d letters, digits, - . and _", s.Name, MaxName)
	case len(s.Matchers) == 0:
		return errors.New("matchers are missing: a silence of everything has rule =~ \".*\"")
	case len(s.Matchers) > MaxMatchers:
		return fmt.Errorf("%d matchers are too many, at most %d", len(s.Matchers), MaxMatchers)
	case s.Start >= s.End:
		return fmt.Errorf("end %s must be later than start %s", stamp(s.End), stamp(s.Start))
	}
	return nil
}

func isName(text string) bool {
	const of = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._"
	return text != "" && len(text) <= MaxName && strings.Trim(text, of) == "" && !strings.ContainsFunc(text, func(r rune) bool { return !strings.ContainsRune(of, r) })
}

// Key is the key of the command, which is also what suppressed_by calls it.
func (s *Silence) Key() string {
	if s.key == "" {
		return s.makeKey()
	}
	return s.key
}

func (s *Silence) makeKey() string { return s.Kind.String() + "/" + s.Name }

// Covers reports whether the silence is in force at t.
func (s *Silence) Covers(t event.Time) bool { return s.Start <= t && t < s.End }

// Fits reports whether all matchers fit the alert, at whatever time.
func (s *Silence) Fits(a Subject) bool {
	for i := range s.Matchers {
		if !s.Matchers[i].Fits(a) {
			return false
		}
	}
	return true
}

// AppendValue appends the value of the command's record.
func (s *Silence) AppendValue(b []byte) []byte {
	r := record{Kind: s.Kind.String(), Start: stamp(s.Start), End: stamp(s.End), Author: s.Author, Reason: s.Reason, At: stamp(s.At)}
	for _, m := range s.Matchers {
		r.Matchers = append(r.Matchers, matcher{m.Name, m.Op, m.Value})
	}
	return r.append(b)
}
