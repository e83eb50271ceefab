package main

import "github.com/weirstream/weir/configs"

// looksAt is what a rule looks at, as the file has it: WINDOW.RESULT, a metric or an expression; empty for silence, and where there is no
// such rule.
func looksAt(p *configs.Pipeline, rule string) string {
	for i := range p.Rules {
		r := &p.Rules[i]
		switch {
		case r.Name != rule:
		case r.Formula != nil:
			return r.Formula.Source
		case r.When.Window >= 0:
			return p.Windows[r.When.Window].Name + "." + r.When.Result
		case r.When.Metric >= 0:
			return p.Metrics[r.When.Metric]
		}
	}
	return ""
}
