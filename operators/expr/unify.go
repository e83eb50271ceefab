package expr

import (
	"reflect"

	"github.com/expr-lang/expr/ast"
)

// unify makes whole numbers fractional where they stand beside fractional ones:
// as arguments of min and max and as the two outcomes of a choice. Without it the
// kind of such a result would be known at run time only, `value > 0 ? value : 0`
// would not pass for a number, and max(1, value) would pass for a whole one. It
// implements ast.Visitor and is run until nothing changes.
type unify struct{ changed bool }

// Reset begins a round.
func (u *unify) Reset() { u.changed = false }

// ShouldRepeat reports whether the types have to be worked out anew.
func (u *unify) ShouldRepeat() bool { return u.changed }

// Visit implements ast.Visitor.
func (u *unify) Visit(node *ast.Node) {
	switch n := (*node).(type) {
	case *ast.BuiltinNode:
		if n.Name == "min" || n.Name == "max" {
			parts := make([]*ast.Node, len(n.Arguments))
			for i := range n.Arguments {
				parts[i] = &n.Arguments[i]
			}
			u.level(parts...)
		}
	case *ast.ConditionalNode:
		u.level(&n.Exp1, &n.Exp2)
	}
}

// level turns the whole ones among numbers of both kinds into fractional ones.
func (u *unify) level(parts ...*ast.Node) {
	wholes, fractions := 0, 0
	for _, p := range parts {
		switch (*p).Type().Kind() {
		case reflect.Int:
			wholes++
		case reflect.Float64:
			fractions++
		}
	}
	if wholes == 0 || fractions == 0 || wholes+fractions < len(parts) {
		return
	}
	for _, p := range parts {
		if (*p).Type().Kind() == reflect.Int {
			wrapped := &ast.BuiltinNode{Name: "float", Arguments: []ast.Node{*p}}
			wrapped.SetType(reflect.TypeFor[float64]())
			ast.Patch(p, wrapped)
			u.changed = true
		}
	}
}
