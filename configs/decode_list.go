package configs

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// texts fills a list of texts.
func (d *decoder) texts(t *texts, tag reflect.StructTag, n ast.Node, at place, path string) {
	t.at, t.path, t.set = at, path, true
	seq, ok := n.(*ast.SequenceNode)
	if !ok {
		t.bad = true
		example := "a, b"
		if s, scalar := scalarOf(n); scalar {
			example = s.raw
		}
		d.errorf(placeOf(n), "%s must be a list; write [%s]", path, example)
		return
	}
	if len(seq.Values) == 0 {
		t.bad = true
		d.errorf(placeOf(n), "%s is an empty list%s", path, clause(emptyAdvice(tag)))
		return
	}
	t.items = make([]text, len(seq.Values))
	for i, item := range seq.Values {
		itemPath := fmt.Sprintf("%s[%d]", path, i)
		if d.unusable(item, itemPath) {
			t.items[i].bad = true
			continue
		}
		d.value(&t.items[i], tag, item, itemPath)
		for j := range i {
			if t.items[i].ok() && t.items[j].ok() && t.items[i].value == t.items[j].value {
				d.errorf(t.items[i].at, "%s is listed twice; leave one out", &t.items[i])
				t.items[i].bad = true
			}
		}
	}
	words := make([]string, len(t.items))
	for i := range t.items {
		words[i] = t.items[i].raw
	}
	t.raw = "[" + strings.Join(words, ", ") + "]"
}

func emptyAdvice(tag reflect.StructTag) string {
	if need := tag.Get("need"); need != "" {
		return need
	}
	return "write at least one or remove the line"
}

// unusable reports nodes that can be no item of a list.
func (d *decoder) unusable(n ast.Node, path string) bool {
	if reason := refusedNode(n); reason != "" {
		d.errorf(placeOf(n), "%s: %s", path, reason)
		return true
	}
	if _, null := n.(*ast.NullNode); null {
		d.errorf(placeOf(n), "%s has no value; write one or remove it", path)
		return true
	}
	return false
}

// list fills a list of mappings.
func (d *decoder) list(into interface{ grow() reflect.Value }, b *leaf, tag reflect.StructTag, n ast.Node, at place, path string) {
	b.at, b.path, b.set = at, path, true
	seq, ok := n.(*ast.SequenceNode)
	if !ok {
		b.bad = true
		d.errorf(placeOf(n), "%s must be a list, each item after a dash, not %s", path, kindOf(n))
		return
	}
	if len(seq.Values) == 0 {
		b.bad = true
		d.errorf(placeOf(n), "%s is an empty list; %s", path, emptyAdvice(tag))
		return
	}
	for i, item := range seq.Values {
		itemPath := fmt.Sprintf("%s[%d]", path, i)
		if d.unusable(item, itemPath) {
			b.bad = true
			continue
		}
		v := into.grow()
		if _, isMap := item.(ast.MapNode); !isMap {
			b.bad = true
			d.errorf(placeOf(item), "%s must be a mapping of %s, not %s", itemPath, andList(keysOf(v.Type(), false)), kindOf(item))
			item = nil
		}
		d.section(item, placeOfItem(item, b.at), itemPath, v)
	}
}

func placeOfItem(n ast.Node, otherwise place) place {
	if n == nil {
		return otherwise
	}
	return placeOf(n)
}

// named fills a mapping whose keys are names of the user's own.
func (d *decoder) named(into interface{ grow(text) reflect.Value }, b *leaf, n ast.Node, at place, path string) {
	b.at, b.path, b.set = at, path, true
	if _, ok := n.(ast.MapNode); !ok {
		b.bad = true
		d.errorf(placeOf(n), "%s must be a mapping from names, such as {warning: {above: 8}}, not %s", path, kindOf(n))
		return
	}
	seen := make(map[string]place)
	for _, pair := range pairs(n) {
		key, ok := d.key(pair)
		if !ok {
			b.bad = true
			continue
		}
		keyAt := placeOf(pair.Key)
		itemPath := join(path, key)
		if first, again := seen[key]; again {
			d.errorf(keyAt, "%s is given twice; the first is at line %d", itemPath, first.line)
			b.bad = true
			continue
		}
		seen[key] = keyAt
		item := pair.Value
		v := into.grow(text{leaf: leaf{at: keyAt, path: itemPath, raw: key, set: true}, value: key})
		if reason := refusedNode(item); reason != "" {
			d.errorf(placeOf(item), "%s: %s", itemPath, reason)
			b.bad, item = true, nil
		} else if _, isMap := item.(ast.MapNode); !isMap {
			d.errorf(placeOf(item), "%s must be a mapping, such as {above: 8, clear_below: 7}, not %s", itemPath, kindOf(item))
			b.bad, item = true, nil
		}
		d.section(item, keyAt, itemPath, v)
	}
	if len(seen) == 0 && !b.bad {
		b.bad = true
		d.errorf(placeOf(n), "%s is empty; write at least one, such as warning: {above: 8}", path)
	}
}
