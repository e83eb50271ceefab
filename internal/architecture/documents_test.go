package architecture

import "strings"

// checkDocument asks for a comment that says what a package is for.
func checkDocument(m *module, u *unit) []finding {
	name := u.files[0].Name.Name
	for _, file := range u.files {
		if file.Doc == nil {
			continue
		}
		text := file.Doc.Text()
		if name != "main" && !strings.HasPrefix(text, "Package "+name+" ") {
			return []finding{m.at(file.Doc.Pos(), finding{
				rule: "documents", what: "the comment of package " + name + " does not begin with its name",
				instead: "begin with \"Package " + name + " \"",
			})}
		}
		return nil
	}
	return []finding{m.at(u.files[0].Package, finding{
		rule: "documents", what: "package " + name + " does not say what it is for",
		instead: "write a comment above the package clause, in doc.go or at the head of its only file",
	})}
}
