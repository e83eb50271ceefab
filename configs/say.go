package configs

import (
	"errors"

	"github.com/weirstream/weir/event"
)

// RuleSentence says what the rule of that name does, as Explain does; false where the
// pipeline has none.
func (p *Pipeline) RuleSentence(name string) (string, bool) {
	for i := range p.Rules {
		if p.Rules[i].Name == name {
			return p.sayRule(&p.Rules[i]), true
		}
	}
	return "", false
}

// ParseSpan reads a span as pipeline files have them, such as 1h30m or 2d, in
// milliseconds, at most a hundred years. The error is made to follow the value.
func ParseSpan(text string) (event.Time, error) {
	span, problem := parseSpan(text)
	if problem != "" {
		return 0, errors.New(problem)
	}
	return span, nil
}

// WindowSentence says what the window of that name does, as Explain does; false where the pipeline has none.
func (p *Pipeline) WindowSentence(name string) (string, bool) {
	for i := range p.Windows {
		if p.Windows[i].Name == name {
			return p.sayWindow(&p.Windows[i]), true
		}
	}
	return "", false
}
