package configs

import (
	"slices"

	"github.com/weirstream/weir/operators/aggregate"
)

// isChoice reports whether v is one of the choices, of which pNN stands for every
// percentile.
func isChoice(v string, choices []string) bool {
	if slices.Contains(choices, aggregate.Percentile) && aggregate.IsPercentile(v) {
		return true
	}
	return slices.Contains(fixedChoices(choices), v)
}

// fixedChoices are the choices that stand for themselves.
func fixedChoices(choices []string) []string {
	return slices.DeleteFunc(slices.Clone(choices), func(c string) bool { return c == aggregate.Percentile })
}

// sayChoices lists the choices in a message.
func sayChoices(choices []string) string {
	if !slices.Contains(choices, aggregate.Percentile) {
		return orList(choices)
	}
	return orList(append(fixedChoices(choices), aggregate.Percentile+" such as p95"))
}

// choiceSchema is the schema of a text with choices.
func choiceSchema(choices []string) map[string]any {
	s := orReference(map[string]any{"enum": fixedChoices(choices)})
	if slices.Contains(choices, aggregate.Percentile) {
		s["anyOf"] = append(s["anyOf"].([]any), map[string]any{"type": "string", "pattern": "^p[0-9]{1,3}$"})
	}
	return s
}
