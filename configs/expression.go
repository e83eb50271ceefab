package configs

import "github.com/weirstream/weir/operators/expr"

// Environment is what an expression of the pipeline can name. The fields of
// expr.Input are in the order of Source.Reading.Metrics, the labels in that of
// Roster.Labels.
func (p *Pipeline) Environment(want expr.Want) expr.Environment {
	e := expr.Environment{Fields: p.Source.Reading.Metrics, Want: want}
	if p.Roster != nil {
		e.Labels = p.Roster.Labels
	}
	return e
}
