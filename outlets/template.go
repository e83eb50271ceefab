package outlets

import (
	"fmt"
	"strings"
)

const labelField = "labels."

// Template is a text with fields of an alert: {{device}} (or its group, of a window over several devices), {{rule}}, {{level}},
// {{pipeline}} and {{labels.NAME}}.
type Template struct {
	parts []templatePart
}

type templatePart struct{ literal, field string }

// ParseTemplate reads a template.
func ParseTemplate(s string) (Template, error) {
	var t Template
	for rest := s; rest != ""; {
		before, after, found := strings.Cut(rest, "{{")
		if before != "" {
			t.parts = append(t.parts, templatePart{literal: before})
		}
		if !found {
			break
		}
		inside, next, closed := strings.Cut(after, "}}")
		field := strings.TrimSpace(inside)
		switch {
		case !closed:
			return t, fmt.Errorf("template %q: {{ is not closed", s)
		case field != "device" && field != "rule" && field != "level" && field != "pipeline" && !strings.HasPrefix(field, labelField):
			return t, fmt.Errorf("template %q: {{%s}} is not known; the fields are device, rule, level, pipeline and labels.NAME", s, field)
		}
		t.parts = append(t.parts, templatePart{field: field})
		rest = next
	}
	return t, nil
}

// Expand fills the template in; values go through escape. A level that an alert does not have is "ok", a label is empty.
func (t Template) Expand(a *Alert, escape func(string) string) string {
	var b strings.Builder
	for _, p := range t.parts {
		b.WriteString(p.literal)
		switch {
		case p.field == "":
		case p.field == "device":
			b.WriteString(escape(a.Of()))
		case p.field == "rule":
			b.WriteString(escape(a.Rule))
		case p.field == "pipeline":
			b.WriteString(escape(a.Pipeline))
		case p.field == "level" && a.Level == "":
			b.WriteString("ok")
		case p.field == "level":
			b.WriteString(escape(a.Level))
		default:
			b.WriteString(escape(a.Labels[strings.TrimPrefix(p.field, labelField)]))
		}
	}
	return b.String()
}
