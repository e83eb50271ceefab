package architecture

import (
	"go/ast"
	"go/token"
	"strings"
)

// checkVariables finds package-level variables that are neither errors nor tables.
func checkVariables(m *module, u *unit) []finding {
	var all []finding
	for _, file := range u.files {
		marked := markedLines(m, file, "table:")
		for _, decl := range file.Decls {
			group, ok := decl.(*ast.GenDecl)
			if !ok || group.Tok != token.VAR {
				continue
			}
			for _, spec := range group.Specs {
				spec := spec.(*ast.ValueSpec)
				line := m.fset.Position(spec.Pos()).Line
				if marked[line] || isTable(spec.Doc) || isTable(group.Doc) {
					continue
				}
				for _, name := range spec.Names {
					if name.Name != "_" && !isSentinel(name.Name, spec) {
						all = append(all, m.at(name.Pos(), finding{
							rule: "variables", what: "package-level variable " + name.Name,
							instead: "keep it in a type or a constant; a table that nothing writes is marked in its comment: // table: what it holds",
						}))
					}
				}
			}
		}
	}
	return all
}

// isTable reports whether a comment marks a table, or text that the compiler embeds.
func isTable(doc *ast.CommentGroup) bool {
	if doc == nil {
		return false
	}
	for _, c := range doc.List {
		if hasReason(c.Text, "table:") || strings.HasPrefix(c.Text, "//go:embed ") {
			return true
		}
	}
	return false
}

// isSentinel reports whether a variable is an error by name and by type: declared
// error, or made by errors.New or fmt.Errorf.
func isSentinel(name string, spec *ast.ValueSpec) bool {
	if !strings.HasPrefix(name, "Err") && !strings.HasPrefix(name, "err") {
		return false
	}
	if t, ok := spec.Type.(*ast.Ident); ok {
		return t.Name == "error"
	}
	for _, value := range spec.Values {
		call, ok := value.(*ast.CallExpr)
		if !ok {
			return false
		}
		sel, ok := call.Fun.(*ast.SelectorExpr)
		if !ok {
			return false
		}
		if x, ok := sel.X.(*ast.Ident); !ok || x.Name+"."+sel.Sel.Name != "errors.New" && x.Name+"."+sel.Sel.Name != "fmt.Errorf" {
			return false
		}
	}
	return len(spec.Values) > 0
}
