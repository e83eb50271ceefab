package configs

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/weirstream/weir/operators/roster"
)

// fieldNames are the fields a message can hold.
func fieldNames() []string {
	return []string{"device", "group", "value", "threshold", "level", "state", "rule", "active_for", "metric", "kind", "expected", "window.start", "window.end"}
}

// message parses the message of a rule, or writes the usual one.
func (c *checker) message(doc *ruleDoc, r *Rule) {
	m := &doc.Message
	if m.bad {
		return
	}
	who := "{{device}}"
	if w := r.Window(); w >= 0 && c.p.Windows[w].Grouped() {
		who = "{{group}}"
	}
	if !m.set && doc.NoData != nil {
		m.fill("{{device}}: {{rule}} is {{level}}, silent for {{value}} s (threshold {{threshold}} s)")
	}
	if !m.set && doc.Anomaly != nil {
		m.fill(doc.usualAnomaly(who))
	}
	if !m.set && doc.NoData == nil && doc.Anomaly == nil {
		m.fill(who + ": {{rule}} is {{level}}, " + doc.When.subject() + " = {{value}} (threshold {{threshold}})")
	}
	parts, problem := parseMessage(m.value)
	if problem != "" {
		c.errorf(m.at, "%s: %s", m.path, problem)
		return
	}
	r.Message, r.Template = m.value, parts
	for _, p := range parts {
		if name, ok := strings.CutPrefix(p.Field, labelPrefix); ok {
			if problem := c.label(name, roster.Text); problem != "" {
				c.errorf(m.at, "%s: {{%s}} %s", m.path, p.Field, problem)
				return
			}
		}
		if strings.HasPrefix(p.Field, "window.") && r.Formula != nil {
			c.errorf(m.at, "%s: {{%s}} has nothing to show: the rule looks at an expression, not at one window", m.path, p.Field)
			return
		}
		if strings.HasPrefix(p.Field, "window.") && r.When.Window < 0 && doc.When.ok() {
			c.errorf(m.at, "%s: {{%s}} has nothing to show: the rule looks at the metric %s, not at a window", m.path, p.Field, doc.When.value)
			return
		}
		if problem := c.groupField(p.Field, r); problem != "" && !doc.When.bad {
			c.errorf(m.at, "%s: %s", m.path, problem)
			return
		}
		if problem := doc.NoData.noField(p.Field); problem != "" {
			c.errorf(m.at, "%s: {{%s}} %s", m.path, p.Field, problem)
			return
		}
		if problem := doc.showsAnomaly(p.Field); problem != "" {
			c.errorf(m.at, "%s: {{%s}} %s", m.path, p.Field, problem)
			return
		}
		for _, f := range fieldNames() {
			if p.Field == "" && strings.Contains(p.Literal, "{"+f+"}") {
				c.warnf(m.at, "%s: {%s} is plain text; did you mean {{%s}}?", m.path, f, f)
			}
		}
	}
}

// parseMessage cuts a message into literals and fields. The second result says
// what is wrong.
func parseMessage(s string) ([]Part, string) {
	if len(s) > 4096 {
		return nil, fmt.Sprintf("the message has %d bytes; the most is 4096", len(s))
	}
	var parts []Part
	for s != "" {
		before, after, found := strings.Cut(s, "{{")
		if before != "" {
			parts = append(parts, Part{Literal: before})
		}
		if !found {
			break
		}
		inside, rest, closed := strings.Cut(after, "}}")
		if !closed {
			return nil, "{{ is not closed; write for example {{device}}"
		}
		part, problem := parseField(inside)
		if problem != "" {
			return nil, problem
		}
		parts = append(parts, part)
		s = rest
	}
	return parts, ""
}

// parseField reads what stands between {{ and }}: a field, or a field and its
// format as in value | printf "%.1f".
func parseField(s string) (Part, string) {
	name, format, formatted := strings.Cut(s, "|")
	name = strings.TrimSpace(name)
	if strings.HasPrefix(name, "labels.") {
		if formatted {
			return Part{}, "{{" + shorten(name) + "}} is text; only {{value}}, {{threshold}} and {{expected}} take printf"
		}
		return Part{Field: name}, ""
	}
	known := false
	for _, f := range fieldNames() {
		known = known || f == name
	}
	if !known {
		return Part{}, fmt.Sprintf("{{%s}} is not known; the fields are %s%s", shorten(name), andList(fieldNames()), suggest(strings.TrimLeft(name, ".$"), fieldNames()))
	}
	if !formatted {
		return Part{Field: name}, ""
	}
	if name != "value" && name != "threshold" && name != "expected" {
		return Part{}, "{{" + name + "}} is not a number; only {{value}}, {{threshold}} and {{expected}} take printf"
	}
	quoted, ok := strings.CutPrefix(strings.TrimSpace(format), "printf")
	layout, err := strconv.Unquote(strings.TrimSpace(quoted))
	if !ok || err != nil {
		return Part{}, fmt.Sprintf("{{%s}}: after | comes printf with a format in quotes, such as {{%s | printf \"%%.1f\"}}", shorten(strings.TrimSpace(s)), name)
	}
	if problem := badLayout(layout); problem != "" {
		return Part{}, fmt.Sprintf("{{%s}}: the format %q %s", name, shorten(layout), problem)
	}
	return Part{Field: name, Format: layout}, ""
}

// badLayout says what is wrong with a printf format, which must show exactly
// one number at a length that fits a message.
func badLayout(s string) string {
	shown := 0
	for {
		_, after, found := strings.Cut(s, "%")
		if !found {
			break
		}
		if rest, percent := strings.CutPrefix(after, "%"); percent {
			s = rest
			continue
		}
		after = strings.TrimLeft(after, "+- 0#")
		verb := strings.TrimLeft(after, "0123456789.")
		measures := after[:len(after)-len(verb)]
		width, precision, _ := strings.Cut(measures, ".")
		if tooLong(width) || tooLong(precision) {
			return "is too long; width and precision are 0 to 30"
		}
		if verb == "" || strings.IndexByte("feg", verb[0]) < 0 {
			return "must use %f, %e or %g, such as %.1f; values are decimal numbers"
		}
		shown++
		s = verb[1:]
	}
	if shown != 1 {
		return "must show the value once, such as %.1f"
	}
	return ""
}

func tooLong(digits string) bool {
	if digits == "" {
		return false
	}
	n, err := strconv.Atoi(digits)
	return err != nil || n > 30
}
