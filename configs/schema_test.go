package configs

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"strconv"
	"testing"

	"github.com/goccy/go-yaml/ast"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// conforms checks a value against the keywords of JSON Schema that Schema uses,
// and panics over any other.
func conforms(s map[string]any, v any) error {
	for keyword, arg := range s {
		bad := false
		switch keyword {
		case "$schema", "title", "description", "default":
		case "type":
			bad = typeOf(v) != arg && !(arg == "number" && typeOf(v) == "integer")
		case "enum":
			bad = true
			for _, e := range arg.([]any) {
				bad = bad && !reflect.DeepEqual(e, v)
			}
		case "pattern":
			text, ok := v.(string)
			bad = ok && !regexp.MustCompile(arg.(string)).MatchString(text)
		case "minLength":
			text, ok := v.(string)
			bad = ok && float64(len(text)) < arg.(float64)
		case "minimum":
			n, ok := v.(float64)
			bad = ok && n < arg.(float64)
		case "maximum":
			n, ok := v.(float64)
			bad = ok && n > arg.(float64)
		case "anyOf":
			bad = true
			for _, one := range arg.([]any) {
				bad = bad && conforms(one.(map[string]any), v) != nil
			}
		case "required":
			m, ok := v.(map[string]any)
			for _, key := range arg.([]any) {
				_, given := m[key.(string)]
				bad = bad || ok && !given
			}
		case "minProperties":
			m, ok := v.(map[string]any)
			bad = ok && float64(len(m)) < arg.(float64)
		case "minItems":
			l, ok := v.([]any)
			bad = ok && float64(len(l)) < arg.(float64)
		case "maxItems":
			l, ok := v.([]any)
			bad = ok && float64(len(l)) > arg.(float64)
		case "uniqueItems":
			l, ok := v.([]any)
			different := map[string]bool{}
			for _, item := range l {
				different[fmt.Sprint(item)] = true
			}
			bad = ok && len(different) < len(l)
		case "items":
			for i, item := range asList(v) {
				if err := conforms(arg.(map[string]any), item); err != nil {
					return fmt.Errorf("[%d]: %w", i, err)
				}
			}
		case "properties", "additionalProperties":
			if err := conformProperties(s, v); err != nil {
				return err
			}
		default:
			panic("the test does not know the keyword " + keyword)
		}
		if bad {
			return fmt.Errorf("%v: %s %v", v, keyword, arg)
		}
	}
	return nil
}

func conformProperties(s map[string]any, v any) error {
	m, _ := v.(map[string]any)
	properties, _ := s["properties"].(map[string]any)
	for key, item := range m {
		sub, known := properties[key].(map[string]any)
		if !known {
			sub, known = s["additionalProperties"].(map[string]any)
		}
		if !known {
			return fmt.Errorf("unknown key %s", key)
		}
		if err := conforms(sub, item); err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
	}
	return nil
}

func asList(v any) []any {
	l, _ := v.([]any)
	return l
}

func typeOf(v any) string {
	switch v := v.(type) {
	case string:
		return "string"
	case bool:
		return "boolean"
	case float64:
		if v == float64(int64(v)) {
			return "integer"
		}
		return "number"
	case []any:
		return "array"
	case map[string]any:
		return "object"
	default:
		return "null"
	}
}

func checkSchema(t *testing.T, path string) error {
	t.Helper()
	src, err := os.ReadFile(path)
	require.NoError(t, err)
	var schema, doc any
	require.NoError(t, json.Unmarshal(Schema(), &schema))
	tree := new(decoder).tree(src)
	require.NotNil(t, tree, path)
	doc = plainData(tree)
	return conforms(schema.(map[string]any), doc)
}

// plainData is what an editor makes of a YAML tree.
func plainData(n ast.Node) any {
	n = joined(n)
	if s, ok := scalarOf(n); ok {
		v, err := strconv.ParseFloat(s.text, 64)
		switch {
		case s.kind == plainBool:
			return s.text == "true"
		case s.kind != quotedText && err == nil:
			return v
		default:
			return s.text
		}
	}
	if seq, ok := n.(*ast.SequenceNode); ok {
		l := []any{}
		for _, item := range seq.Values {
			l = append(l, plainData(item))
		}
		return l
	}
	m := map[string]any{}
	for _, pair := range pairs(n) {
		m[pair.Key.GetToken().Value] = plainData(pair.Value)
	}
	return m
}

// The schema accepts whatever Parse accepts.
func TestSchemaAcceptsGoodFiles(t *testing.T) {
	for _, path := range append(files(t, "examples/*.yaml"), files(t, "testdata/good/*.yaml")...) {
		assert.NoError(t, checkSchema(t, path), path)
	}
}

// The schema refuses what a schema can: names, kinds and ranges of keys.
func TestSchemaRefusesWrongFiles(t *testing.T) {
	for _, name := range []string{
		"unknown-keys", "unknown-words", "name-missing", "derive-forms", "name-is-a-number", "partitioner", "format-planned", "kafka-list", "kafka-embedded",
		"mqtt-filters", "durations", "sizes", "size-unit", "late-unknown", "dedupe-list", "dedupe-list-field", "dedupe-list-seq", "dedupe-list-twice", "dedupe-list-empty", "dedupe-list-word", "dedupe-list-nested",
		"compute-percentiles", "compute-scalar", "count-range", "levels-list", "level-labels", "rules-planned", "alerts-mqtt-no-topic",
	} {
		path := "testdata/wrong/" + name + ".yaml"
		assert.Error(t, checkSchema(t, path), path)
	}
}
