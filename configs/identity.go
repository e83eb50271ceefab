package configs

import (
	"reflect"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// identity is what tells a repeated reading from a new one: a word, or the list
// of all that a reading has of its own where it has no number.
type identity struct {
	text
}

// identityList is the list, in the order in which it is proposed; any other will do.
const identityList = "device,metric,time"

// identityWord is what a list is known as from then on.
const identityWord = "time"

func (t *identity) read(s scalar, tag reflect.StructTag) string {
	if slices.Contains(strings.Split(identityList, ","), s.text) {
		return "must be a list of all three: write [device, metric, time]"
	}
	return t.text.read(s, tag)
}

func (t *identity) schema(tag reflect.StructTag) map[string]any {
	s := t.text.schema(tag)
	fields := strings.Split(identityList, ",")
	list := map[string]any{
		"type": "array", "uniqueItems": true, "minItems": len(fields), "maxItems": len(fields), "items": map[string]any{"enum": fields},
	}
	s["anyOf"] = append(s["anyOf"].([]any), list)
	return s
}

// identity fills what tells a repeat from a list.
func (d *decoder) identity(t *identity, n *ast.SequenceNode, at place, path string) {
	if listHas(n, "seq") {
		t.at, t.path, t.set, t.bad = placeOf(n), path, true, true
		d.errorf(t.at, "%s: a sequence number tells repeats by itself; write by: seq", path)
		return
	}
	var list texts
	known := len(d.diags)
	d.texts(&list, reflect.StructTag(`choice:"`+identityList+`" need:"write [device, metric, time]"`), n, at, path)
	t.leaf, t.at, t.value = list.leaf, placeOf(n), identityWord
	switch missing := len(strings.Split(identityList, ",")) - len(list.items); {
	case len(d.diags) > known:
		t.bad = true
	case missing > 0:
		t.bad = true
		d.errorf(t.at, "%s: a repeat has device, metric and time of a reading seen before; write [device, metric, time]", t)
	}
}

// listHas reports whether a list has that word.
func listHas(n *ast.SequenceNode, word string) bool {
	return slices.ContainsFunc(n.Values, func(item ast.Node) bool {
		s, ok := scalarOf(item)
		return ok && s.text == word
	})
}
