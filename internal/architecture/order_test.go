package architecture

import (
	"go/ast"
	"go/types"
	"strings"
)

const orderInstead = "go over sorted keys, or say on the line why no order reaches an output: // unordered: reason"

// checkOrder finds walks over maps, which Go makes in a different order each time.
func checkOrder(m *module, u *unit, info *types.Info) []finding {
	var all []finding
	for _, file := range u.files {
		marked := markedLines(m, file, "unordered:")
		report := func(n ast.Node, what, instead string) {
			f := m.at(n.Pos(), finding{rule: "order", what: what, instead: instead})
			if !marked[f.line] && !marked[f.line-1] {
				all = append(all, f)
			}
		}
		sorted := map[ast.Expr]bool{} // calls whose result is sorted at once
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.RangeStmt:
				switch kind(info.TypeOf(n.X)) {
				case aMap:
					report(n, "range over a map", orderInstead)
				case unknown:
					report(n, "range over something of unknown type", "put it into a variable of a known type first; if that is a map, "+orderInstead)
				}
			case *ast.CallExpr:
				path, name := calledName(info, n)
				switch {
				case path == "slices" && strings.HasPrefix(name, "Sorted") && len(n.Args) > 0:
					sorted[n.Args[0]] = true
				case path == "maps" && (name == "Keys" || name == "Values" || name == "All") && !sorted[n]:
					report(n, "maps."+name, "wrap it in slices.Sorted, or say on the line why no order reaches an output: // unordered: reason")
				}
			}
			return true
		})
	}
	return all
}

// What can be ranged over.
const (
	other = iota
	aMap
	unknown
)

func kind(t types.Type) int {
	if t == nil {
		return unknown
	}
	switch under := t.Underlying().(type) {
	case *types.Map:
		return aMap
	case *types.Basic:
		if under.Kind() == types.Invalid {
			return unknown
		}
	case *types.Interface: // the constraint of a type parameter
		for i := range under.NumEmbeddeds() {
			union, ok := under.EmbeddedType(i).(*types.Union)
			if !ok {
				if k := kind(under.EmbeddedType(i)); k != other {
					return k
				}
				continue
			}
			for j := range union.Len() {
				if k := kind(union.Term(j).Type()); k != other {
					return k
				}
			}
		}
	}
	return other
}

// calledName returns the package and the name of a called function of a package.
func calledName(info *types.Info, call *ast.CallExpr) (path, name string) {
	fun := ast.Unparen(call.Fun)
	if index, ok := fun.(*ast.IndexExpr); ok {
		fun = index.X
	}
	if sel, ok := fun.(*ast.SelectorExpr); ok {
		return packageOf(info, sel.X), sel.Sel.Name
	}
	return "", ""
}

// markedLines returns the lines with a comment "// marker reason".
func markedLines(m *module, file *ast.File, marker string) map[int]bool {
	lines := map[int]bool{}
	for _, group := range file.Comments {
		for _, c := range group.List {
			if hasReason(c.Text, marker) {
				lines[m.fset.Position(c.Pos()).Line] = true
			}
		}
	}
	return lines
}

// hasReason reports whether a comment is the marker and something behind it.
func hasReason(comment, marker string) bool {
	reason, ok := strings.CutPrefix(comment, "// "+marker)
	return ok && strings.TrimSpace(reason) != ""
}
