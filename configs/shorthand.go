package configs

import (
	"reflect"

	"github.com/goccy/go-yaml/ast"
)

// shorthand fills a section from a single value, which is that of its key short:
// rolling: 1h is rolling: {size: 1h}. In messages the value is called by the name
// of the section, as it stands in the file.
func (d *decoder) shorthand(v reflect.Value, tag reflect.StructTag, n ast.Node, self section) {
	*v.Addr().Interface().(interface{ self() *section }).self() = self
	for i := range v.NumField() {
		field := v.Type().Field(i).Tag
		switch key := field.Get("key"); key {
		case "":
		case tag.Get("short"):
			d.field(v.Field(i), field, n, self.at, self.path)
		default:
			d.absent(v.Field(i), field, &self, join(self.path, key))
		}
	}
}

// orShorthand is the schema of a section that may be a single value instead.
func orShorthand(s map[string]any, t reflect.Type, short string) map[string]any {
	for i := range t.NumField() {
		if f := t.Field(i); f.Tag.Get("key") == short {
			return map[string]any{"anyOf": []any{s, fieldSchema(f.Type, f.Tag)}}
		}
	}
	return s
}
