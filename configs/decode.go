package configs

import (
	"reflect"
	"slices"
	"strconv"

	"github.com/goccy/go-yaml/ast"
)

// decoder fills a document from a YAML tree and collects what there is to say.
type decoder struct {
	file  string
	src   []byte
	o     Options
	diags Diagnostics
	kind  fileKind
}

// document decodes the tree, every key and default of it.
func (d *decoder) document(n ast.Node) *document {
	doc := new(document)
	d.root(n, doc)
	return doc
}

// root decodes the tree into doc, a pointer to the section that a file is.
func (d *decoder) root(n ast.Node, doc any) {
	d.section(n, place{1, 1}, "", reflect.ValueOf(doc).Elem())
}

// section fills a struct of document.go from a mapping; n is nil where the
// mapping is absent and only defaults are to be filled in.
func (d *decoder) section(n ast.Node, at place, path string, into reflect.Value) {
	self := into.Addr().Interface().(interface{ self() *section }).self()
	self.at, self.path, self.set = at, path, n != nil
	seen := make(map[string]place)
	var meant []string
	for _, pair := range pairs(n) {
		key, ok := d.key(pair)
		if !ok {
			continue
		}
		keyAt := placeOf(pair.Key)
		field, found := fieldOf(into, key)
		if !found {
			meant = append(meant, d.unknown(keyAt, path, key, into.Type()))
			continue
		}
		if first, again := seen[key]; again {
			d.errorf(keyAt, "%s is given twice; the first is at line %d, remove one", join(path, key), first.line)
			continue
		}
		seen[key] = keyAt
		d.field(field.value, field.tag, pair.Value, keyAt, join(path, key))
	}
	for i := range into.NumField() {
		tag := into.Type().Field(i).Tag
		key := tag.Get("key")
		if _, given := seen[key]; key == "" || given {
			continue
		}
		if slices.Contains(meant, key) {
			// It is there under a misspelt name: that is enough to say.
			spoil(fresh(into.Field(i)).Addr().Interface(), at, join(path, key))
			continue
		}
		d.absent(into.Field(i), tag, self, join(path, key))
	}
}

// field fills one field from its node.
func (d *decoder) field(v reflect.Value, tag reflect.StructTag, n ast.Node, at place, path string) {
	v = fresh(v)
	target := v.Addr().Interface()
	if p, ok := target.(*planned); ok {
		p.at, p.path, p.set = at, path, true
		d.errorf(at, "%s is not supported yet%s", path, clause(tag.Get("doc")))
		return
	}
	if reason := refusedNode(n); reason != "" {
		spoil(target, at, path)
		d.errorf(placeOf(n), "%s: %s", path, reason)
		return
	}
	if _, null := n.(*ast.NullNode); null {
		spoil(target, at, path)
		d.errorf(at, "%s has no value; write one or remove the line", path)
		return
	}
	if by, ok := target.(*identity); ok {
		if list, isList := n.(*ast.SequenceNode); isList {
			d.identity(by, list, at, path)
			return
		}
	}
	switch t := target.(type) {
	case value:
		d.value(t, tag, n, path)
	case *texts:
		d.texts(t, tag, n, at, path)
	case interface{ grow() reflect.Value }:
		d.list(t, target.(interface{ base() *leaf }).base(), tag, n, at, path)
	case *derives:
		d.derives(t, n, at, path)
	case interface{ put(text) value }:
		d.keyed(t, target.(interface{ base() *leaf }).base(), n, at, path)
	case interface{ grow(text) reflect.Value }:
		d.named(t, target.(interface{ base() *leaf }).base(), n, at, path)
	default:
		if _, scalar := scalarOf(joined(n)); scalar && tag.Get("short") != "" {
			d.shorthand(v, tag, n, section{at: at, path: path, set: true})
			return
		}
		if _, ok := n.(ast.MapNode); !ok {
			d.errorf(placeOf(n), "%s must be a mapping, such as %s, not %s", path, tag.Get("form"), kindOf(n))
			spoil(target, at, path)
			return
		}
		d.section(n, at, path, v)
	}
}

// fresh returns v, or what it points to once that has been made.
func fresh(v reflect.Value) reflect.Value {
	if v.Kind() != reflect.Pointer {
		return v
	}
	v.Set(reflect.New(v.Type().Elem()))
	return v.Elem()
}

// spoil marks a field so that nothing more is said about it.
func spoil(target any, at place, path string) {
	switch t := target.(type) {
	case interface{ base() *leaf }:
		b := t.base()
		b.at, b.path, b.bad, b.set = at, path, true, true
	case interface{ self() *section }:
		s := t.self()
		s.at, s.path, s.bad = at, path, true
	}
}

// absent fills a field whose key is not there.
func (d *decoder) absent(v reflect.Value, tag reflect.StructTag, parent *section, path string) {
	if need := tag.Get("need"); need != "" && parent.set {
		d.errorf(parent.at, "%s is missing: %s", path, need)
		spoil(v.Addr().Interface(), parent.at, path)
	}
	switch t := v.Addr().Interface().(type) {
	case *planned:
	case value:
		b := t.base()
		b.at, b.path = parent.at, path
		if standard := tag.Get("default"); standard != "" && !b.bad {
			b.raw = standard
			t.read(scalar{text: standard, raw: standard, kind: kindOfDefault(standard)}, tag)
		}
	case interface{ base() *leaf }:
		t.base().at, t.base().path = parent.at, path
	default:
		if v.Kind() == reflect.Struct {
			d.section(nil, parent.at, path, v)
		}
	}
}

func kindOfDefault(s string) scalarKind {
	if s == "true" || s == "false" {
		return plainBool
	}
	return plainText
}

// value fills a leaf.
func (d *decoder) value(t value, tag reflect.StructTag, n ast.Node, path string) {
	b := t.base()
	b.at, b.path, b.set = placeOf(n), path, true
	s, ok := scalarOf(joined(n))
	if !ok {
		b.bad = true
		d.notScalar(t, n)
		return
	}
	expanded, err := d.expand(s)
	if err != nil {
		b.bad = true
		d.errorf(b.at, "%s: %s", path, err)
		return
	}
	s = expanded
	b.raw, b.refers, b.secret = s.raw, s.expanded, tag.Get("secret") != ""
	if _, isText := t.(*text); s.kind == quotedText && !isText || s.raw == "" {
		b.raw = strconv.Quote(s.raw)
	}
	if s.text == "" && tag.Get("empty") == "" {
		b.bad = true
		d.errorf(b.at, "%s is empty; write a value or remove the line", path)
		return
	}
	if problem := t.read(s, tag); problem != "" {
		b.bad = true
		d.errorf(b.at, "%s %s", b, problem)
	}
}

// notScalar explains a list or a mapping where a single value must be.
func (d *decoder) notScalar(t value, n ast.Node) {
	b := t.base()
	_, takesText := t.(*text)
	if m, ok := n.(*ast.MappingNode); ok && m.IsFlowStyle && takesText {
		d.errorf(b.at, "%s must be a single value, not a mapping; put a text that begins with { in quotes", b.path)
		return
	}
	d.errorf(b.at, "%s must be a single value, not %s", b.path, kindOf(n))
}

// key returns the key of a pair, or says why it is none.
func (d *decoder) key(pair *ast.MappingValueNode) (string, bool) {
	if reason := refusedNode(pair.Key); reason != "" {
		d.errorf(placeOf(pair.Key), "%s", reason)
		return "", false
	}
	s, ok := scalarOf(pair.Key)
	if !ok || s.text == "" {
		d.errorf(placeOf(pair.Key), "a key must be a word")
		return "", false
	}
	return s.text, true
}

// unknown reports a key that section t does not have.
// It returns the key that was meant, where it can tell.
func (d *decoder) unknown(at place, path, key string, t reflect.Type) string {
	where := d.kind.String()
	if path != "" {
		where = path
	}
	if better := nearest(key, keysOf(t, true)); better != "" {
		d.errorf(at, "unknown key %s in %s; did you mean %s?", quoteKey(key), where, better)
		return better
	}
	d.errorf(at, "unknown key %s in %s; the keys here are %s", quoteKey(key), where, andList(keysOf(t, false)))
	return ""
}

func quoteKey(key string) string { return strconv.Quote(shorten(key)) }

type docField struct {
	value reflect.Value
	tag   reflect.StructTag
}

func fieldOf(section reflect.Value, key string) (docField, bool) {
	t := section.Type()
	for i := range t.NumField() {
		if t.Field(i).Tag.Get("key") == key {
			return docField{section.Field(i), t.Field(i).Tag}, true
		}
	}
	return docField{}, false
}

// keysOf returns the keys of a section in the order of document.go, those that
// are only planned where withPlanned asks for them.
func keysOf(t reflect.Type, withPlanned bool) []string {
	var keys []string
	for i := range t.NumField() {
		key := t.Field(i).Tag.Get("key")
		if key == "" || !withPlanned && t.Field(i).Type == reflect.TypeFor[planned]() {
			continue
		}
		keys = append(keys, key)
	}
	return keys
}

// pairs returns the entries of a mapping; none for nil.
func pairs(n ast.Node) []*ast.MappingValueNode {
	switch n := n.(type) {
	case *ast.MappingNode:
		return n.Values
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{n}
	default:
		return nil
	}
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// clause returns `; s`, or nothing.
func clause(s string) string {
	if s == "" {
		return ""
	}
	return "; " + s
}
