package expr

import (
	"cmp"
	"math"
	"strings"

	"github.com/expr-lang/expr/ast"
)

// binary is an operator between two parts. As the VM does, whole numbers stay
// whole under + - * and wrap around, / and ** give fractions, and a comparison of
// a whole number with a fraction is one of fractions.
func (b *builder) binary(n *ast.BinaryNode) (term, bool) {
	if n.Operator == "in" {
		return b.among(n)
	}
	x, xOK := b.term(n.Left)
	y, yOK := b.term(n.Right)
	if !xOK || !yOK {
		return term{}, false
	}
	switch {
	case x.truth != nil && y.truth != nil:
		return logic(n.Operator, x.truth, y.truth)
	case x.text != nil && y.text != nil:
		return texts(n.Operator, x.text, y.text)
	case x.integral != nil && y.integral != nil:
		if t, ok := wholes(n.Operator, x.integral, y.integral); ok {
			return t, true
		}
	}
	if !x.isNumber() || !y.isNumber() {
		return term{}, false
	}
	return fractions(n.Operator, x.numeric(), y.numeric())
}

func logic(operator string, x, y condition) (term, bool) {
	switch operator {
	case "and", "&&":
		return term{truth: func(f *frame) bool { return x(f) && y(f) }}, true
	case "or", "||":
		return term{truth: func(f *frame) bool { return x(f) || y(f) }}, true
	case "==":
		return term{truth: func(f *frame) bool { return x(f) == y(f) }}, true
	case "!=":
		return term{truth: func(f *frame) bool { return x(f) != y(f) }}, true
	}
	return term{}, false
}

func texts(operator string, x, y text) (term, bool) {
	switch operator {
	case "contains":
		return term{truth: func(f *frame) bool { return strings.Contains(x(f), y(f)) }}, true
	case "startsWith":
		return term{truth: func(f *frame) bool { return strings.HasPrefix(x(f), y(f)) }}, true
	case "endsWith":
		return term{truth: func(f *frame) bool { return strings.HasSuffix(x(f), y(f)) }}, true
	}
	return compared(operator, x, y)
}

// compared is a comparison of two parts of one kind.
func compared[T cmp.Ordered, F ~func(*frame) T](operator string, x, y F) (term, bool) {
	switch operator {
	case "==":
		return term{truth: func(f *frame) bool { return x(f) == y(f) }}, true
	case "!=":
		return term{truth: func(f *frame) bool { return x(f) != y(f) }}, true
	case "<":
		return term{truth: func(f *frame) bool { return x(f) < y(f) }}, true
	case "<=":
		return term{truth: func(f *frame) bool { return x(f) <= y(f) }}, true
	case ">":
		return term{truth: func(f *frame) bool { return x(f) > y(f) }}, true
	case ">=":
		return term{truth: func(f *frame) bool { return x(f) >= y(f) }}, true
	}
	return term{}, false
}

func wholes(operator string, x, y integral) (term, bool) {
	switch operator {
	case "+":
		return term{integral: func(f *frame) int { return x(f) + y(f) }}, true
	case "-":
		return term{integral: func(f *frame) int { return x(f) - y(f) }}, true
	case "*":
		return term{integral: func(f *frame) int { return x(f) * y(f) }}, true
	case "%":
		return term{integral: func(f *frame) int {
			n, by := x(f), y(f)
			if by == 0 {
				f.fault = true
				return 0
			}
			return n % by
		}}, true
	}
	return compared(operator, x, y)
}

func fractions(operator string, x, y float) (term, bool) {
	switch operator {
	case "+":
		return term{float: func(f *frame) float64 { return x(f) + y(f) }}, true
	case "-":
		return term{float: func(f *frame) float64 { return x(f) - y(f) }}, true
	case "*":
		return term{float: func(f *frame) float64 { return x(f) * y(f) }}, true
	case "/":
		return term{float: func(f *frame) float64 { return x(f) / y(f) }}, true
	case "**", "^":
		return term{float: func(f *frame) float64 { return math.Pow(x(f), y(f)) }}, true
	}
	return compared(operator, x, y)
}

// among is `in` with a list of constants, all texts or all numbers.
func (b *builder) among(n *ast.BinaryNode) (term, bool) {
	list, isList := n.Right.(*ast.ArrayNode)
	x, ok := b.term(n.Left)
	if !isList || !ok {
		return term{}, false
	}
	members := make([]term, len(list.Nodes))
	for i, node := range list.Nodes {
		if members[i], ok = b.term(node); !ok || !members[i].constant {
			return term{}, false
		}
	}
	if x.text != nil {
		return amongTexts(x.text, members)
	}
	if x.isNumber() {
		return amongNumbers(x, members)
	}
	return term{}, false
}

func amongTexts(x text, members []term) (term, bool) {
	values := make([]string, len(members))
	for i, m := range members {
		if m.text == nil {
			return term{}, false
		}
		values[i] = m.text(nil)
	}
	return term{truth: func(f *frame) bool {
		s := x(f)
		for _, v := range values {
			if s == v {
				return true
			}
		}
		return false
	}}, true
}

// amongNumbers compares a whole number with whole numbers as such, as the VM does:
// as fractions two of them could be one.
func amongNumbers(x term, members []term) (term, bool) {
	wholes, fractions := []int{}, []float64{}
	for _, m := range members {
		switch {
		case m.integral != nil && x.integral != nil:
			wholes = append(wholes, m.integral(nil))
		case m.isNumber():
			fractions = append(fractions, m.numeric()(nil))
		default:
			return term{}, false
		}
	}
	of, whole := x.numeric(), x.integral
	return term{truth: func(f *frame) bool {
		if len(wholes) > 0 {
			n := whole(f)
			for _, v := range wholes {
				if n == v {
					return true
				}
			}
		}
		v := of(f)
		for _, w := range fractions {
			if v == w {
				return true
			}
		}
		return false
	}}, true
}
