package configs

import "reflect"

// setting is one line of the full explanation.
type setting struct {
	path, value string
	isDefault   bool
}

// settingsOf lists every setting of a document that has a value, in the order
// of document.go.
func settingsOf(doc *document) []setting {
	var out []setting
	collect(reflect.ValueOf(doc).Elem(), &out)
	return out
}

func collect(section reflect.Value, out *[]setting) {
	for i := range section.NumField() {
		f := section.Field(i)
		if section.Type().Field(i).Tag.Get("key") == "" {
			continue
		}
		if f.Kind() == reflect.Pointer {
			if f.IsNil() {
				continue
			}
			f = f.Elem()
		}
		switch t := f.Addr().Interface().(type) {
		case *planned:
		case interface{ each(func(reflect.Value)) }:
			t.each(func(item reflect.Value) { collect(item, out) })
		case interface{ base() *leaf }:
			if b := t.base(); b.raw != "" {
				*out = append(*out, setting{path: b.path, value: b.show(), isDefault: !b.set})
			}
		default:
			collect(f, out)
		}
	}
}
