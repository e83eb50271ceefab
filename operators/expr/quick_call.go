package expr

import (
	"math"

	"github.com/expr-lang/expr/ast"
)

// call is a function of numbers.
func (b *builder) call(name string, arguments []ast.Node) (term, bool) {
	terms := make([]term, len(arguments))
	for i, node := range arguments {
		t, ok := b.term(node)
		if !ok || !t.isNumber() {
			return term{}, false
		}
		terms[i] = t
	}
	switch {
	case name == "min" && len(terms) > 0:
		return least(terms)
	case name == "max" && len(terms) > 0:
		return greatest(terms)
	case len(terms) == 1:
		return single(name, terms[0])
	}
	return term{}, false
}

// single is a function of one number.
func single(name string, t term) (term, bool) {
	x := t.numeric()
	switch name {
	case "abs":
		return absolute(t), true
	case "floor":
		return rounded(t, math.Floor), true
	case "ceil":
		return rounded(t, math.Ceil), true
	case "round":
		return rounded(t, math.Round), true
	case "float":
		return term{float: x, constant: t.constant}, true
	case "int":
		if t.integral != nil {
			return t, true
		}
		return term{integral: func(f *frame) int {
			n, ok := wholeOf(x(f))
			f.fault = f.fault || !ok
			return n
		}}, true
	}
	return term{}, false
}

func absolute(t term) term {
	if whole := t.integral; whole != nil {
		return term{integral: func(f *frame) int {
			n := whole(f)
			if n < 0 {
				return -n
			}
			return n
		}}
	}
	x := t.float
	return term{float: func(f *frame) float64 {
		v := x(f)
		if v < 0 { // not math.Abs: the language leaves the sign of zero alone
			return -v
		}
		return v
	}}
}

// rounded is a fraction even where a whole number is rounded.
func rounded(t term, round func(float64) float64) term {
	x := t.numeric()
	if t.integral != nil {
		return term{float: x}
	}
	return term{float: func(f *frame) float64 { return round(x(f)) }}
}

// greatest keeps the first of its arguments that no later one is above, so that a
// first argument that is no number stays. least does likewise.
func greatest(terms []term) (term, bool) {
	if whole, ok := integrals(terms); ok {
		return term{integral: best(whole, func(kept, next int) bool { return kept < next })}, true
	}
	fraction, ok := floats(terms)
	return term{float: best(fraction, func(kept, next float64) bool { return kept < next })}, ok
}

func least(terms []term) (term, bool) {
	if whole, ok := integrals(terms); ok {
		return term{integral: best(whole, func(kept, next int) bool { return kept > next })}, true
	}
	fraction, ok := floats(terms)
	return term{float: best(fraction, func(kept, next float64) bool { return kept > next })}, ok
}

func best[T any, F ~func(*frame) T](of []F, better func(kept, next T) bool) F {
	return func(f *frame) T {
		kept := of[0](f)
		for _, x := range of[1:] {
			if next := x(f); better(kept, next) {
				kept = next
			}
		}
		return kept
	}
}

func integrals(terms []term) ([]integral, bool) {
	all := make([]integral, len(terms))
	for i, t := range terms {
		if t.integral == nil {
			return nil, false
		}
		all[i] = t.integral
	}
	return all, true
}

// floats returns the terms as fractions where all are.
func floats(terms []term) ([]float, bool) {
	all := make([]float, len(terms))
	for i, t := range terms {
		if t.float == nil {
			return all, false
		}
		all[i] = t.float
	}
	return all, true
}
