package architecture

import (
	"bufio"
	"bytes"
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// module is the parsed source of a Go module.
type module struct {
	name  string // as go.mod has it
	root  string // where it lies on disk, "" if it does not
	fset  *token.FileSet
	units []*unit // in order of folder
}

// unit is one folder of Go files, without its tests.
type unit struct {
	folder string // relative to the module, "." for its root
	files  []*ast.File
}

// finding is one breach of one rule.
type finding struct {
	file    string // relative to the module
	line    int
	rule    string
	what    string
	instead string
}

// String is what a person reads: where, which rule, what, and what to do instead.
func (f finding) String() string {
	return fmt.Sprintf("%s:%d: %s: %s; %s", f.file, f.line, f.rule, f.what, f.instead)
}

// parse reads a module. Folders that the go command skips, nested modules and
// test files are left out.
func parse(tree fs.FS) (*module, error) {
	m := &module{fset: token.NewFileSet()}
	byFolder := map[string]*unit{}
	err := fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			return skipFolder(tree, name)
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		text, err := fs.ReadFile(tree, name)
		if err != nil {
			return err
		}
		file, err := parser.ParseFile(m.fset, name, text, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return fmt.Errorf("parse: %w", err)
		}
		folder := path.Dir(name)
		u := byFolder[folder]
		if u == nil {
			u = &unit{folder: folder}
			byFolder[folder] = u
			m.units = append(m.units, u)
		}
		u.files = append(u.files, file)
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(m.units, func(a, b *unit) int { return cmp.Compare(a.folder, b.folder) })
	m.name, err = moduleName(tree)
	return m, err
}

func skipFolder(tree fs.FS, name string) error {
	base := path.Base(name)
	if name == "." {
		return nil
	}
	if base == "testdata" || base == "vendor" || base[0] == '.' || base[0] == '_' {
		return fs.SkipDir
	}
	if _, err := fs.Stat(tree, path.Join(name, "go.mod")); err == nil {
		return fs.SkipDir
	}
	return nil
}

func moduleName(tree fs.FS) (string, error) {
	text, err := fs.ReadFile(tree, "go.mod")
	if err != nil {
		return "", err
	}
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		if name, ok := strings.CutPrefix(lines.Text(), "module "); ok {
			return strings.TrimSpace(name), nil
		}
	}
	return "", fmt.Errorf("go.mod names no module")
}

// own returns the folder of an import of ours.
func (m *module) own(importPath string) (folder string, ok bool) {
	if importPath == m.name {
		return ".", true
	}
	return strings.CutPrefix(importPath, m.name+"/")
}

// at makes a finding of a place in the source.
func (m *module) at(pos token.Pos, f finding) finding {
	p := m.fset.Position(pos)
	f.file, f.line = p.Filename, p.Line
	return f
}

// under reports whether folder is top or lies in it.
func under(folder, top string) bool {
	return folder == top || strings.HasPrefix(folder, top+"/")
}

// check applies every rule; the findings are in order of file and line.
func check(m *module) []finding {
	var all []finding
	types := newTypes(m)
	for _, u := range m.units {
		all = append(all, checkImports(m, u)...)
		all = append(all, checkDocument(m, u)...)
		p, ok := placeOf(u.folder)
		if ok && p.pure {
			info := types.of(u)
			all = append(all, checkPurity(m, u, info)...)
			all = append(all, checkOrder(m, u, info)...)
		}
		if ok && p.layer <= 2 {
			all = append(all, checkVariables(m, u)...)
		}
	}
	slices.SortStableFunc(all, func(a, b finding) int {
		return cmp.Or(cmp.Compare(a.file, b.file), cmp.Compare(a.line, b.line))
	})
	return all
}
