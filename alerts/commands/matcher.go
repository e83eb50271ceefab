package commands

import (
	"fmt"
	"regexp"
	"strings"
)

// labelPrefix begins the names of matchers on labels.
const labelPrefix = "labels."

// Matcher is a condition on one text of an alert. It is made by NewMatcher.
type Matcher struct {
	Name  string // rule, device, group, level or labels.NAME
	Op    string // = != =~ or !~
	Value string

	pattern *regexp.Regexp // of =~ and !~
	label   string         // of labels.NAME
}

// NewMatcher checks a condition and compiles its expression (RE2), which has to fit the
// whole text.
func NewMatcher(name, op, value string) (Matcher, error) {
	m := Matcher{Name: name, Op: op, Value: value}
	label, ok := strings.CutPrefix(name, labelPrefix)
	switch {
	case ok && label != "":
		m.label = label
	case name == "rule", name == "device", name == "group", name == "level":
	default:
		return Matcher{}, fmt.Errorf("matcher %.100q: the name must be rule, device, group, level or labels.NAME", name)
	}
	switch op {
	case "=", "!=":
	case "=~", "!~":
		if _, err := regexp.Compile(value); err != nil { // by itself: its brackets must not close ours
			return Matcher{}, fmt.Errorf("matcher %s %s %.200q: %w", name, op, value, err)
		}
		pattern, err := regexp.Compile("^(?:" + value + ")$")
		if err != nil {
			return Matcher{}, fmt.Errorf("matcher %s %s %.200q: %w", name, op, value, err)
		}
		m.pattern = pattern
	default:
		return Matcher{}, fmt.Errorf("matcher %s: op %.20q must be =, !=, =~ or !~", name, op)
	}
	return m, nil
}

// Fits reports whether the condition holds for the alert.
func (m *Matcher) Fits(a Subject) bool {
	text := m.text(a)
	switch m.Op {
	case "=":
		return text == m.Value
	case "!=":
		return text != m.Value
	case "=~":
		return m.pattern.MatchString(text)
	default:
		return !m.pattern.MatchString(text)
	}
}

func (m *Matcher) text(a Subject) string {
	switch m.Name {
	case "rule":
		return a.Rule
	case "device":
		return a.Device
	case "group":
		return a.Group
	case "level":
		return a.Level
	}
	if a.Label == nil {
		return ""
	}
	return a.Label(m.label)
}

// String is the condition as people write it: device=~"press-.*".
func (m Matcher) String() string { return fmt.Sprintf("%s%s%q", m.Name, m.Op, m.Value) }
