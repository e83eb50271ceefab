package architecture

import (
	"errors"
	"go/ast"
	"go/build"
	"go/parser"
	"go/types"
	"path/filepath"
)

// typing finds out the types of the module's expressions. It does not insist: a
// package that does not compile (somebody is in the middle of it) has types all
// the same, with holes. Packages that are not ours are read for their
// declarations; where one is not found, it counts as empty.
type typing struct {
	module *module
	done   map[string]*types.Package
	info   map[string]*types.Info // by folder
}

func newTypes(m *module) *typing {
	return &typing{module: m, done: map[string]*types.Package{"unsafe": types.Unsafe}, info: map[string]*types.Info{}}
}

// of returns the types of a package of ours.
func (t *typing) of(u *unit) *types.Info {
	t.ours(u)
	return t.info[u.folder]
}

func (t *typing) ours(u *unit) *types.Package {
	path := t.module.name + "/" + u.folder
	if p := t.done[path]; p != nil {
		return p
	}
	info := &types.Info{Types: map[ast.Expr]types.TypeAndValue{}, Uses: map[*ast.Ident]types.Object{}}
	t.info[u.folder] = info
	t.done[path] = types.NewPackage(path, u.files[0].Name.Name) // ends a cycle of imports
	conf := types.Config{Importer: importFunc(t.load), Error: func(error) {}}
	p, _ := conf.Check(path, t.module.fset, u.files, info)
	t.done[path] = p
	return p
}

// load is the importer of a package of ours.
func (t *typing) load(path string) (*types.Package, error) {
	if p := t.done[path]; p != nil {
		return p, nil
	}
	if folder, ok := t.module.own(path); ok {
		for _, u := range t.module.units {
			if u.folder == folder {
				return t.ours(u), nil
			}
		}
	}
	p := t.foreign(path)
	if p == nil {
		p = types.NewPackage(path, filepath.Base(path))
		p.MarkComplete()
	}
	t.done[path] = p
	return p, nil
}

// foreign reads the declarations of a package that is not ours, but of those it
// imports only iter: what matters here is whether a thing is a map, a channel or a
// sequence.
func (t *typing) foreign(path string) *types.Package {
	found, err := t.find(path)
	if err != nil {
		return nil
	}
	var files []*ast.File
	for _, name := range found.GoFiles {
		file, err := parser.ParseFile(t.module.fset, filepath.Join(found.Dir, name), nil, parser.SkipObjectResolution)
		if err != nil {
			return nil
		}
		files = append(files, file)
	}
	conf := types.Config{
		IgnoreFuncBodies: true,
		Importer: importFunc(func(path string) (*types.Package, error) {
			if path == "iter" {
				return t.load(path)
			}
			return nil, errors.New("not needed")
		}),
		Error: func(error) {},
	}
	p, _ := conf.Check(path, t.module.fset, files, nil)
	return p
}

// find looks in the standard library first, and asks the go command (go/build
// does, for modules) only for the few packages beyond it.
func (t *typing) find(path string) (*build.Package, error) {
	dir := filepath.Join(build.Default.GOROOT, "src", filepath.FromSlash(path))
	if found, err := build.Default.ImportDir(dir, 0); err == nil {
		return found, nil
	}
	if t.module.root == "" {
		return nil, errors.New("not on disk")
	}
	return build.Default.Import(path, t.module.root, 0)
}

type importFunc func(path string) (*types.Package, error)

// Import implements types.Importer.
func (f importFunc) Import(path string) (*types.Package, error) { return f(path) }

// packageOf returns the import path that a name stands for, "" if it is no import.
func packageOf(info *types.Info, x ast.Expr) string {
	if id, ok := x.(*ast.Ident); ok {
		if name, ok := info.Uses[id].(*types.PkgName); ok {
			return name.Imported().Path()
		}
	}
	return ""
}
