package configs

import (
	"reflect"
	"strings"
)

// labelPrefix is what comes before the name of a label.
const labelPrefix = "labels."

// threshold is a number, or the label that gives every device its own.
type threshold struct {
	number
	label string // labels.NAME without what comes before NAME
	own   bool   // it is a label
}

// ok reports whether there is a number that nobody has complained about.
func (t *threshold) ok() bool { return t.number.ok() && !t.own }

func (t *threshold) read(s scalar, tag reflect.StructTag) string {
	if t.label, t.own = strings.CutPrefix(s.text, labelPrefix); t.own {
		return ""
	}
	problem := t.number.read(s, tag)
	if problem != "" && (strings.HasPrefix(s.text, "label") || strings.Contains(s.text, "{labels.")) {
		return "must be a number, or labels.NAME for the device's own"
	}
	return problem
}

func (t *threshold) schema(reflect.StructTag) map[string]any {
	return map[string]any{"anyOf": []any{
		map[string]any{"type": "number"},
		map[string]any{"type": "string", "pattern": `^labels\..|` + reference},
	}}
}

// written is the threshold as Level has it: nil where the file gives none, or a
// label.
func (t *threshold) written() *float64 {
	if !t.set || t.bad || t.own {
		return nil
	}
	v := t.value
	return &v
}
