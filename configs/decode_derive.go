package configs

import (
	"reflect"

	"github.com/goccy/go-yaml/ast"
)

// derives is a mapping from the names of metrics to their expressions, each
// either alone or in a mapping with from.
type derives struct{ named[derivedDoc] }

// derives fills such a mapping.
func (d *decoder) derives(t *derives, n ast.Node, at place, path string) {
	t.at, t.path, t.set = at, path, true
	const form = "{celsius: \"(value - 32) * 5 / 9\"}"
	if _, ok := n.(ast.MapNode); !ok {
		t.bad = true
		d.errorf(placeOf(n), "%s must be a mapping from names of metrics to expressions, such as %s, not %s", path, form, kindOf(n))
		return
	}
	seen := make(map[string]place)
	for _, pair := range pairs(n) {
		key, ok := d.key(pair)
		if !ok {
			t.bad = true
			continue
		}
		keyAt, itemPath := placeOf(pair.Key), join(path, key)
		if first, again := seen[key]; again {
			d.errorf(keyAt, "%s is given twice; the first is at line %d", itemPath, first.line)
			t.bad = true
			continue
		}
		seen[key] = keyAt
		item := t.grow(text{leaf: leaf{at: keyAt, path: itemPath, raw: key, set: true}, value: key})
		if d.unusable(pair.Value, itemPath) {
			t.bad = true
			d.section(nil, keyAt, itemPath, item)
			item.Addr().Interface().(*derivedDoc).Value.bad = true
			continue
		}
		if _, isMap := pair.Value.(ast.MapNode); isMap {
			d.section(pair.Value, keyAt, itemPath, item)
			continue
		}
		d.section(nil, keyAt, itemPath, item)
		doc := item.Addr().Interface().(*derivedDoc)
		d.value(&doc.Value, reflect.StructTag(""), pair.Value, itemPath)
		doc.set = true
	}
	if len(seen) == 0 && !t.bad {
		t.bad = true
		d.errorf(placeOf(n), "%s is empty; write at least one, such as %s", path, form)
	}
}

func (t *derives) schema() map[string]any {
	either := []any{new(text).schema(""), sectionSchema(t.element())}
	return map[string]any{"type": "object", "minProperties": 1, "additionalProperties": map[string]any{"anyOf": either}}
}
