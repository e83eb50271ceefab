package expr

import (
	"fmt"

	"github.com/expr-lang/expr/vm"

	"github.com/weirstream/weir/operators/roster"
)

// slow works an expression out by the language's own VM.
type slow struct {
	program *vm.Program
	machine vm.VM
	names   map[string]any // what the expression sees, filled in anew for every input
	fields  []slowField
	labels  []slowLabel
	row     map[string]any // labels
	bare    bool
}

type slowField struct {
	name  string
	index int
}

type slowLabel struct {
	roster.Label
	index int
}

func newSlow(program *vm.Program, p *Program, e *Environment) slow {
	s := slow{program: program, names: map[string]any{}, row: map[string]any{}, bare: e.Bare}
	for _, i := range p.fields {
		s.fields = append(s.fields, slowField{e.Fields[i], i})
	}
	for _, i := range p.labels {
		s.labels = append(s.labels, slowLabel{e.Labels[i], i})
	}
	s.names["labels"] = s.row
	return s
}

func (s *slow) run(in *Input) (any, error) {
	if !s.bare {
		s.names["device"], s.names["metric"] = string(in.Device), in.Metric
		s.names["value"], s.names["time"] = in.Value, int(in.Time)
	}
	for _, f := range s.fields {
		s.names[f.name] = in.Fields[f.index]
	}
	for _, l := range s.labels {
		switch l.Kind {
		case roster.Text:
			s.row[l.Name] = textLabel(in, l.index)
		case roster.Number:
			s.row[l.Name] = numberLabel(in, l.index)
		case roster.Bool:
			s.row[l.Name] = boolLabel(in, l.index)
		}
	}
	result, err := s.machine.Run(s.program, s.names)
	if err != nil {
		return nil, fmt.Errorf("work out %q: %w", s.program.Source().String(), err)
	}
	return result, nil
}

func (s *slow) number(in *Input) (float64, error) {
	result, err := s.run(in)
	if err != nil {
		return 0, err
	}
	switch v := result.(type) {
	case float64:
		return v, nil
	case int:
		return float64(v), nil
	case bool:
		if v {
			return 1, nil
		}
		return 0, nil
	}
	return 0, fmt.Errorf("work out %q: the result is no number", s.program.Source().String())
}

func (s *slow) condition(in *Input) (bool, error) {
	result, err := s.run(in)
	if err != nil {
		return false, err
	}
	if v, ok := result.(bool); ok {
		return v, nil
	}
	return false, fmt.Errorf("work out %q: the result is no condition", s.program.Source().String())
}
