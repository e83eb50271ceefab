package expr

import (
	"strings"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/parser"
)

// Mention is one place at which an expression names something that it does not
// bring itself.
type Mention struct {
	// Name is the name, or two with a dot between where that stands behind a dot:
	// temp_5m.mean, labels.site.
	Name string
	// Line and Col are where it begins, both from 1 and in characters.
	Line, Col int
}

// Label is the name of the label it is; false: it is none.
func (m Mention) Label() (string, bool) { return strings.CutPrefix(m.Name, "labels.") }

// Mentions returns what an expression names, in the order of the text. Its error is
// of type *Error. Whether the expression can be compiled is not looked at.
func Mentions(source string) ([]Mention, error) {
	if err := fitting(source); err != nil {
		return nil, err
	}
	tree, err := parser.Parse(source)
	if err != nil {
		return nil, foreign(source, err)
	}
	s := new(survey)
	ast.Walk(&tree.Node, s)
	behind := map[*ast.IdentifierNode]string{}
	for _, m := range s.members {
		if base, name := dotted(m); base != nil {
			behind[base] = name
		}
	}
	for _, c := range s.calls {
		if callee, ok := c.Callee.(*ast.IdentifierNode); ok {
			behind[callee] = ""
		}
	}
	var all []Mention
	for _, n := range s.names {
		name, known := behind[n]
		if !known {
			name = n.Value
		}
		if name == "" || s.declares(n.Value) {
			continue
		}
		e := at(source, n.Location(), Error{})
		all = append(all, Mention{name, e.Line, e.Col})
	}
	return all, nil
}

// declares reports whether let gives the name a meaning.
func (s *survey) declares(name string) bool {
	for _, l := range s.lets {
		if l == name {
			return true
		}
	}
	return false
}

// dotted is the name that a word behind a dot makes with the one before it; nil
// where it is something else.
func dotted(m *ast.MemberNode) (*ast.IdentifierNode, string) {
	base, named := m.Node.(*ast.IdentifierNode)
	word, plain := m.Property.(*ast.StringNode)
	if !named || !plain {
		return nil, ""
	}
	return base, base.Value + "." + word.Value
}

// join makes one name of the two words of a field whose name has a dot, such as the
// result of a window, so that all that follows knows fields by one name only. It
// implements ast.Visitor.
type join struct{ fields []string }

// Visit implements ast.Visitor.
func (j *join) Visit(node *ast.Node) {
	m, ok := (*node).(*ast.MemberNode)
	if !ok {
		return
	}
	_, name := dotted(m)
	for _, f := range j.fields {
		if f == name {
			ast.Patch(node, &ast.IdentifierNode{Value: name})
		}
	}
}
