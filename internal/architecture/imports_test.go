package architecture

import (
	"fmt"
	"go/ast"
	"strconv"
	"strings"
)

// driver is a foreign package that only some folders may know.
type driver struct {
	path    string // the package and its tree
	homes   []string
	instead string
}

func drivers() []driver {
	return []driver{
		{"testing", nil, "move it to a _test.go file"},
		{"github.com/stretchr/testify", nil, "move it to a _test.go file"},
		{"pgregory.net/rapid", nil, "move it to a _test.go file"},
		{"github.com/dgraph-io/badger", []string{"statestore/badgerstore"}, "go through the store that statestore/badgerstore offers"},
		{"github.com/eclipse/paho.mqtt.golang", []string{"ingest/mqtt", "outlets/mqtt"}, "go through ingest/mqtt, or outlets/mqtt for alerts"},
		{"github.com/mochi-mqtt", []string{"internal"}, "go through the brokers in internal"},
		{"github.com/spf13/cobra", []string{"cmd"}, "leave the command line to cmd"},
	}
}

// checkImports holds a package to the table, and drivers to their adapters.
func checkImports(m *module, u *unit) []finding {
	p, ok := placeOf(u.folder)
	if !ok {
		return []finding{m.at(u.files[0].Package, finding{
			rule: "table", what: "package " + u.folder + " has no place in the house",
			instead: "give it one in DESIGN section 3 and in the table of internal/architecture",
		})}
	}
	var all []finding
	for _, file := range u.files {
		for _, spec := range file.Imports {
			path := importPath(spec)
			if folder, ok := m.own(path); ok {
				if !p.allows(folder) {
					all = append(all, m.at(spec.Pos(), finding{
						rule: "table", what: fmt.Sprintf("%s imports %s", u.folder, folder), instead: p.instead(folder),
					}))
				}
				continue
			}
			all = append(all, checkDriver(m, u, spec)...)
		}
	}
	return all
}

func checkDriver(m *module, u *unit, spec *ast.ImportSpec) []finding {
	path := importPath(spec)
	for _, d := range drivers() {
		if !under(path, d.path) {
			continue
		}
		free := d.homes != nil && (under(u.folder, "internal") || under(u.folder, "bench"))
		for _, home := range d.homes {
			free = free || under(u.folder, home)
		}
		if !free {
			where := "tests"
			if d.homes != nil {
				where = strings.Join(d.homes, ", ")
			}
			return []finding{m.at(spec.Pos(), finding{
				rule: "imports", what: fmt.Sprintf("%s imports %s, which belongs to %s", u.folder, path, where), instead: d.instead,
			})}
		}
	}
	return nil
}

func importPath(spec *ast.ImportSpec) string {
	path, err := strconv.Unquote(spec.Path.Value)
	if err != nil {
		panic(err) // the parser has accepted it
	}
	return path
}
