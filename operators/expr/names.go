package expr

import (
	"fmt"
	"slices"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"

	"github.com/weirstream/weir/operators/roster"
)

// own are the names every expression knows.
func own() []string { return []string{"device", "metric", "value", "time"} }

// survey is what an expression names, and the first thing in it that is refused.
type survey struct {
	fields, labels []string
	names          []*ast.IdentifierNode
	members        []*ast.MemberNode
	calls          []*ast.CallNode
	lets           []string
	refused        file.Location
	why            string
}

// Visit implements ast.Visitor.
func (s *survey) Visit(node *ast.Node) {
	switch n := (*node).(type) {
	case *ast.IdentifierNode:
		s.names = append(s.names, n)
	case *ast.MemberNode:
		s.members = append(s.members, n)
	case *ast.CallNode:
		s.calls = append(s.calls, n)
	case *ast.VariableDeclaratorNode:
		s.lets = append(s.lets, n.Name)
	case *ast.BuiltinNode:
		if !isFunction(n.Name) {
			s.refuse(n, n.Name+" cannot be called here: an expression is worked out for every reading, without loops and without a clock")
		}
	case *ast.PredicateNode, *ast.PointerNode, *ast.MapNode, *ast.SequenceNode:
		s.refuse(n, "lists and maps cannot be made here, other than a list of values after in")
	case *ast.BinaryNode:
		if n.Operator == ".." {
			s.refuse(n, "ranges are lists of whole numbers; write x >= 1 and x <= 5 for a number between the two")
		}
	}
}

func (s *survey) refuse(n ast.Node, why string) {
	if s.why == "" {
		s.refused, s.why = n.Location(), why
	}
}

// surveyed looks at all names of a tree.
func surveyed(source string, root *ast.Node, e *Environment) (*survey, error) {
	s := new(survey)
	ast.Walk(root, s)
	if s.why != "" {
		return nil, at(source, s.refused, Error{Message: s.why})
	}
	var known []ast.Node // names that need no more looking at
	for _, m := range s.members {
		base, ok := m.Node.(*ast.IdentifierNode)
		if _, name := dotted(m); ok && slices.Contains(e.Fields, name) {
			known = append(known, base)
			s.uses(name)
			continue
		}
		if !ok || base.Value != "labels" {
			continue
		}
		known = append(known, base)
		if err := s.label(source, m, e); err != nil {
			return nil, err
		}
	}
	for _, c := range s.calls {
		callee, ok := c.Callee.(*ast.IdentifierNode)
		if !ok {
			return nil, at(source, c.Location(), Error{Message: "only functions can be called, by their name"})
		}
		known = append(known, callee)
		if !isFunction(callee.Value) {
			return nil, at(source, callee.Location(), Error{
				Message: fmt.Sprintf("there is no function %s", callee.Value), Name: callee.Value, Known: functions(),
			})
		}
	}
	for _, n := range s.names {
		if slices.Contains(known, ast.Node(n)) || !e.Bare && slices.Contains(own(), n.Value) || s.declares(n.Value) {
			continue
		}
		if err := s.field(source, n, e); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// label notes a use of labels.NAME.
func (s *survey) label(source string, m *ast.MemberNode, e *Environment) error {
	name, ok := m.Property.(*ast.StringNode)
	if !ok {
		return at(source, m.Location(), Error{Message: "labels must be followed by the name of a label, as in labels.site"})
	}
	if !slices.ContainsFunc(e.Labels, func(l roster.Label) bool { return l.Name == name.Value }) {
		var all []string
		for _, l := range e.Labels {
			all = append(all, l.Name)
		}
		return at(source, m.Location(), Error{
			Message: fmt.Sprintf("there is no label %s", name.Value), Name: name.Value, Known: all, Label: true,
		})
	}
	s.labels = append(s.labels, name.Value)
	return nil
}

// field notes a use of another field of the message.
func (s *survey) field(source string, n *ast.IdentifierNode, e *Environment) error {
	switch {
	case n.Value == "labels":
		return at(source, n.Location(), Error{Message: "labels must be followed by the name of a label, as in labels.site"})
	case slices.Contains(e.Fields, n.Value):
		s.uses(n.Value)
		return nil
	}
	var known []string
	if !e.Bare {
		known = own()
	}
	return at(source, n.Location(), Error{
		Message: fmt.Sprintf("there is no %s", n.Value), Name: n.Value, Known: append(known, e.Fields...),
	})
}

// uses notes a field.
func (s *survey) uses(name string) {
	if !slices.Contains(s.fields, name) {
		s.fields = append(s.fields, name)
	}
}
