package configs

import (
	"reflect"

	"github.com/goccy/go-yaml/ast"
)

// keyed is a mapping from names of the user's own to single values, in the order
// of the file.
type keyed[T any] struct {
	leaf
	names []text
	items []*T
}

// put adds a value under a name.
func (k *keyed[T]) put(name text) value {
	item := new(T)
	k.names, k.items = append(k.names, name), append(k.items, item)
	return any(item).(value)
}

// keyed fills such a mapping.
func (d *decoder) keyed(into interface{ put(text) value }, b *leaf, n ast.Node, at place, path string) {
	b.at, b.path, b.set = at, path, true
	if _, ok := n.(ast.MapNode); !ok {
		b.bad = true
		d.errorf(placeOf(n), "%s must be a mapping from names to values, not %s", path, kindOf(n))
		return
	}
	seen := make(map[string]place)
	for _, pair := range pairs(n) {
		key, ok := d.key(pair)
		if !ok {
			b.bad = true
			continue
		}
		keyAt, itemPath := placeOf(pair.Key), join(path, key)
		if first, again := seen[key]; again {
			d.errorf(keyAt, "%s is given twice; the first is at line %d", itemPath, first.line)
			b.bad = true
			continue
		}
		seen[key] = keyAt
		if d.unusable(pair.Value, itemPath) {
			b.bad = true
			continue
		}
		item := into.put(text{leaf: leaf{at: keyAt, path: itemPath, raw: key, set: true}, value: key})
		d.value(item, reflect.StructTag(""), pair.Value, itemPath)
		b.bad = b.bad || item.base().bad
	}
	if len(seen) == 0 && !b.bad {
		b.bad = true
		d.errorf(placeOf(n), "%s is empty; write at least one name and its value, or remove the line", path)
	}
}
