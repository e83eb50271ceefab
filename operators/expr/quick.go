package expr

import (
	"unsafe"

	"github.com/expr-lang/expr/ast"

	"github.com/weirstream/weir/operators/roster"
)

// quick works an expression out by closures over the kinds of the language:
// float64, int, bool and string. The kind of every part is known beforehand, and
// is the one that the VM has at run time.
type quick struct {
	frame *frame
	value float
	truth condition
	ok    bool
}

// frame is what the closures of one program share.
type frame struct {
	in *Input
	// fault is set where a part could not be worked out. The rest is worked out all
	// the same: the VM would have stopped there, and the result is an error either way.
	fault bool
}

type (
	float     func(*frame) float64
	integral  func(*frame) int
	condition func(*frame) bool
	text      func(*frame) string
)

// term is a part of an expression: exactly one of the functions is there.
type term struct {
	float    float
	integral integral
	truth    condition
	text     text
	// constant is set where it is the same for every input.
	constant bool
}

// numeric is the term as a fraction, nil where it is no number.
func (t term) numeric() float {
	if t.integral == nil {
		return t.float
	}
	whole := t.integral
	return func(f *frame) float64 { return float64(whole(f)) }
}

func (t term) isNumber() bool { return t.float != nil || t.integral != nil }

// newQuick compiles a checked tree; the result is not ok where the tree holds
// something that closures do not do.
func newQuick(root ast.Node, p *Program, e *Environment) quick {
	b := builder{e: e}
	t, ok := b.term(root)
	q := quick{frame: new(frame), ok: ok}
	if !ok {
		return q
	}
	switch {
	case p.want == Condition:
		q.truth, q.ok = t.truth, t.truth != nil
	case p.want == Either && t.truth != nil:
		q.value = counted(t.truth)
	default:
		q.value, q.ok = t.numeric(), t.isNumber()
	}
	return q
}

// counted is a condition as a number.
func counted(c condition) float {
	return func(f *frame) float64 {
		if c(f) {
			return 1
		}
		return 0
	}
}

func (q *quick) number(in *Input) (float64, error) {
	q.frame.in, q.frame.fault = in, false
	v := q.value(q.frame)
	if q.frame.fault {
		return 0, ErrWhole
	}
	return v, nil
}

func (q *quick) condition(in *Input) (bool, error) {
	q.frame.in, q.frame.fault = in, false
	v := q.truth(q.frame)
	if q.frame.fault {
		return false, ErrWhole
	}
	return v, nil
}

// builder makes terms of nodes.
type builder struct{ e *Environment }

// term compiles a node; false: it is left to the VM.
func (b *builder) term(node ast.Node) (term, bool) {
	switch n := node.(type) {
	case *ast.IntegerNode:
		v := n.Value
		return term{integral: func(*frame) int { return v }, constant: true}, true
	case *ast.FloatNode:
		v := n.Value
		return term{float: func(*frame) float64 { return v }, constant: true}, true
	case *ast.BoolNode:
		v := n.Value
		return term{truth: func(*frame) bool { return v }, constant: true}, true
	case *ast.StringNode:
		v := n.Value
		return term{text: func(*frame) string { return v }, constant: true}, true
	case *ast.IdentifierNode:
		return b.name(n.Value)
	case *ast.MemberNode:
		return b.member(n)
	case *ast.UnaryNode:
		return b.unary(n)
	case *ast.BinaryNode:
		return b.binary(n)
	case *ast.ConditionalNode:
		return b.choice(n)
	case *ast.BuiltinNode:
		return b.call(n.Name, n.Arguments)
	case *ast.CallNode:
		if callee, ok := n.Callee.(*ast.IdentifierNode); ok && callee.Value == "int" {
			return b.call("int", n.Arguments)
		}
	}
	return term{}, false
}

// name is a variable.
func (b *builder) name(name string) (term, bool) {
	own := name
	if b.e.Bare {
		own = ""
	}
	switch own {
	case "device":
		return term{text: func(f *frame) string {
			d := f.in.Device // nothing writes to it while it is looked at
			return unsafe.String(unsafe.SliceData(d), len(d))
		}}, true
	case "metric":
		return term{text: func(f *frame) string { return f.in.Metric }}, true
	case "value":
		return term{float: func(f *frame) float64 { return f.in.Value }}, true
	case "time":
		return term{integral: func(f *frame) int { return int(f.in.Time) }}, true
	}
	for i, field := range b.e.Fields {
		if field == name {
			return term{float: func(f *frame) float64 { return f.in.Fields[i] }}, true
		}
	}
	return term{}, false // declared by let
}

// member is a label.
func (b *builder) member(n *ast.MemberNode) (term, bool) {
	base, named := n.Node.(*ast.IdentifierNode)
	property, plain := n.Property.(*ast.StringNode)
	if !named || !plain || base.Value != "labels" {
		return term{}, false
	}
	for i, l := range b.e.Labels {
		if l.Name != property.Value {
			continue
		}
		switch l.Kind {
		case roster.Number:
			return term{float: func(f *frame) float64 { return numberLabel(f.in, i) }}, true
		case roster.Bool:
			return term{truth: func(f *frame) bool { return boolLabel(f.in, i) }}, true
		default:
			return term{text: func(f *frame) string { return textLabel(f.in, i) }}, true
		}
	}
	return term{}, false
}

func (b *builder) unary(n *ast.UnaryNode) (term, bool) {
	t, ok := b.term(n.Node)
	if !ok {
		return t, false
	}
	switch n.Operator {
	case "+":
		return t, t.isNumber()
	case "-":
		if t.integral != nil {
			of := t.integral
			return term{integral: func(f *frame) int { return -of(f) }, constant: t.constant}, true
		}
		of := t.float
		return term{float: func(f *frame) float64 { return -of(f) }, constant: t.constant}, of != nil
	case "!", "not":
		of := t.truth
		return term{truth: func(f *frame) bool { return !of(f) }, constant: t.constant}, of != nil
	}
	return t, false
}

// choice is a ternary operator.
func (b *builder) choice(n *ast.ConditionalNode) (term, bool) {
	c, ok := b.term(n.Cond)
	x, xOK := b.term(n.Exp1)
	y, yOK := b.term(n.Exp2)
	if !ok || !xOK || !yOK || c.truth == nil {
		return term{}, false
	}
	if x.float != nil && y.float != nil {
		return term{float: chosen(c.truth, x.float, y.float)}, true
	}
	if x.integral != nil && y.integral != nil {
		return term{integral: chosen(c.truth, x.integral, y.integral)}, true
	}
	if x.truth != nil && y.truth != nil {
		return term{truth: chosen(c.truth, x.truth, y.truth)}, true
	}
	if x.text != nil && y.text != nil {
		return term{text: chosen(c.truth, x.text, y.text)}, true
	}
	return term{}, false
}

func chosen[T any, F ~func(*frame) T](c condition, x, y F) F {
	return func(f *frame) T {
		if c(f) {
			return x(f)
		}
		return y(f)
	}
}
