package configs

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strconv"
	"strings"
)

// Schema returns the JSON Schema (draft 2020-12) of the pipeline file, derived
// from the types of document.go. It covers what a schema can say well; Parse
// is stricter.
func Schema() []byte {
	root := sectionSchema(reflect.TypeFor[document]())
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["title"] = "weir pipeline"
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(root); err != nil {
		panic("configs: the schema is made of maps, lists, texts and numbers only: " + err.Error())
	}
	return out.Bytes()
}

func sectionSchema(t reflect.Type) map[string]any {
	properties := make(map[string]any)
	var required []string
	for i := range t.NumField() {
		f := t.Field(i)
		key := f.Tag.Get("key")
		if key == "" || f.Type == reflect.TypeFor[planned]() {
			continue
		}
		properties[key] = fieldSchema(f.Type, f.Tag)
		if f.Tag.Get("need") != "" {
			required = append(required, key)
		}
	}
	s := map[string]any{"type": "object", "additionalProperties": false, "properties": properties}
	if required != nil {
		s["required"] = required
	}
	return s
}

func fieldSchema(t reflect.Type, tag reflect.StructTag) map[string]any {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	var s map[string]any
	switch v := reflect.New(t).Interface().(type) {
	case value:
		s = v.schema(tag)
	case *derives:
		s = v.schema()
	case *texts:
		s = map[string]any{"type": "array", "minItems": 1, "uniqueItems": true, "items": new(text).schema(tag)}
	case interface {
		grow() reflect.Value
		element() reflect.Type
	}:
		s = map[string]any{"type": "array", "minItems": 1, "items": sectionSchema(v.element())}
	case interface {
		grow(text) reflect.Value
		element() reflect.Type
	}:
		s = map[string]any{"type": "object", "minProperties": 1, "additionalProperties": sectionSchema(v.element())}
	default:
		s = sectionSchema(t)
		if short := tag.Get("short"); short != "" {
			s = orShorthand(s, t, short)
		}
	}
	if doc := tag.Get("doc"); doc != "" {
		s["description"] = doc
	}
	return s
}

// reference matches a text that holds ${...}, which any value may be.
const reference = `\$\{.*\}`

// orReference is the schema of a value that may also be written as ${...}.
func orReference(s map[string]any) map[string]any {
	return map[string]any{"anyOf": []any{s, map[string]any{"type": "string", "pattern": reference}}}
}

func (t *text) schema(tag reflect.StructTag) map[string]any {
	s := map[string]any{"type": "string"}
	if tag.Get("empty") == "" {
		s["minLength"] = 1
	}
	if c := tag.Get("choice"); c != "" {
		s = choiceSchema(strings.Split(c, ","))
	}
	return withDefault(s, tag, func(v string) any { return v })
}

func (p *span) schema(tag reflect.StructTag) map[string]any {
	const pattern = `^([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?$|` + reference
	s := map[string]any{"type": "string", "minLength": 1, "pattern": pattern}
	return withDefault(s, tag, func(v string) any { return v })
}

func (p *size) schema(tag reflect.StructTag) map[string]any {
	const pattern = `^[0-9]+([KMGT]i?)?B$|` + reference
	return withDefault(map[string]any{"type": "string", "pattern": pattern}, tag, func(v string) any { return v })
}

func (n *number) schema(tag reflect.StructTag) map[string]any {
	return orReference(map[string]any{"type": "number"})
}

func (n *whole) schema(tag reflect.StructTag) map[string]any {
	integer := func(v string) any {
		i, _ := strconv.ParseInt(v, 10, 64)
		return i
	}
	s := map[string]any{"type": "integer", "minimum": integer(tag.Get("min")), "maximum": integer(tag.Get("max"))}
	return withDefault(orReference(s), tag, integer)
}

func (f *toggle) schema(tag reflect.StructTag) map[string]any {
	return withDefault(orReference(map[string]any{"type": "boolean"}), tag, func(v string) any { return v == "true" })
}

func withDefault(s map[string]any, tag reflect.StructTag, parse func(string) any) map[string]any {
	if d := tag.Get("default"); d != "" {
		s["default"] = parse(d)
	}
	return s
}
