package codec

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// malformedDocuments is what a reader of RFC 8259 must refuse, by the rule that
// is broken.
func malformedDocuments() map[string]string {
	return map[string]string{
		"nothing": "", "only space": " \n", "byte order mark": "\ufeff{}", "two documents": "{}{}", "something behind": "{} x", "nul behind": "{}\x00",
		"form feed as space": "{\f}", "no-break space": "{\u00a0}", "nul as space": "{\x00}", "comment": "{/**/}", "line comment": "{}//",
		"open object": "{", "open array": "[", "open key": `{"a`, "key only": `{"a"`, "no value": `{"a":`, "no comma": `{"a":1 "b":2}`, "open after value": `{"a":1`,
		"open after comma": `{"a":1,`, "trailing comma": `{"a":1,}`, "leading comma": `{,"a":1}`, "two commas": `{"a":1,,"b":2}`, "two colons": `{"a"::1}`,
		"comma for colon": `{"a",1}`, "equals for colon": `{"a"=1}`, "colon only": `{:1}`, "bare key": `{a:1}`, "single quotes": `{'a':1}`, "number as key": `{1:1}`,
		"null as key": `{null:1}`, "array as key": `{[]:1}`, "array trailing comma": `[{},]`, "array leading comma": `[,{}]`, "array of comma": `[,]`,
		"array without comma": `[{}{}]`, "array open": `[{}`, "array open after comma": `[{},`, "colon in array": `[1:2]`, "wrong bracket": `[}`, "wrong brace": `{]`,
		"crossed": `{"a":[}]`, "closed twice": `{}}`, "array closed twice": `[]]`, "inner closed twice": `{"a":[]]}`, "inner wrong bracket": `{"a":{"b":[1}}`,
		"inner trailing comma": `{"a":[1,]}`, "inner object trailing comma": `{"a":[{"b":1,}]}`, "inner leading comma": `{"a":[,1]}`, "inner key": `{"a":{1}}`, "inner open": `{"a":[[`,
		"inner colon": `{"a":{"b"}}`, "inner bare word": `{"a":[b]}`, "inner array as object": `{"a":["b":1]}`, "inner object as array": `{"a":{"b","c"}}`,
		"tab in string": "{\"a\":\"\t\"}", "newline in string": "{\"a\":\"x\ny\"}", "nul in string": "{\"a\":\"\x00\"}", "unit separator in key": "{\"a\x1f\":1}",
		"control far in string": `{"a":"0123456789abcdef` + "\x01" + `"}`, "open string": `{"a":"`, "open escape": `{"a":"\`, "escaped quote only": `{"a":"\"}`,
		"unknown escape": `{"a":"\x41"}`, "capital escape": `{"a":"\N"}`, "escaped apostrophe": `{"a":"\'"}`, "escaped newline": "{\"a\":\"\\\n\"}", "short unicode": `{"a":"\u12"}`,
		"no hex": `{"a":"\u12g4"}`, "capital unicode": `{"a":"\U0041"}`, "short second surrogate": `{"a":"\ud800\udc"}`, "sign in unicode": `{"a":"\u+123"}`, "escape in key": `{"\a":1}`,
		"cut unicode": `{"a":"\u00`, "leading zero": `{"a":01}`, "minus leading zero": `{"a":-01}`, "two zeros": `{"a":00}`, "plus": `{"a":+1}`, "point first": `{"a":.1}`,
		"point last": `{"a":1.}`, "minus only": `{"a":-}`, "minus point": `{"a":-.1}`, "e only": `{"a":1e}`, "e sign only": `{"a":1e+}`, "e point": `{"a":1.e1}`, "fraction exponent": `{"a":1e1.5}`,
		"two points": `{"a":1.2.3}`, "two exponents": `{"a":1e2e3}`, "hexadecimal": `{"a":0x1f}`, "underscore": `{"a":1_000}`, "NaN": `{"a":NaN}`, "Infinity": `{"a":Infinity}`,
		"minus Infinity": `{"a":-Infinity}`, "full-width digit": `{"a":１}`, "number and word": `{"a":1a}`, "spaced number": `{"a":1 000}`, "spaced minus": `{"a":- 1}`,
		"capital true": `{"a":True}`, "short true": `{"a":tru}`, "long true": `{"a":truee}`, "short false": `{"a":fals}`, "wrong false": `{"a":falze}`, "falsy": `{"a":falsy}`, "long null": `{"a":nulll}`, "cut null": `{"a":nul`,
		"undefined": `{"a":undefined}`, "function": `{"a":f()}`, "inner literal": `{"a":[tru]}`, "invalid byte": "{\"a\":\xff}", "invalid byte between": "{\xff}",
		"too deep": `{"a":` + strings.Repeat("[", 512) + strings.Repeat("]", 512) + "}", "open and deep": strings.Repeat(`[`, 100_000), "open objects": strings.Repeat(`{"a":`, 100_000),
	}
}

// grammarOptions declare a, so that documents are scanned as a field, and
// Options that do not, so that they are skipped.
func grammarOptions() map[string]Options {
	return map[string]Options{
		"declared":   {Metric: "m", Value: "a", Metrics: []string{"temperature"}},
		"undeclared": {Metric: "m", Value: "v", Metrics: []string{"temperature"}},
		"wide":       {Device: "b", Time: "m", Seq: "c", Wide: []string{"a"}, Metrics: []string{"a"}},
	}
}

func TestMalformedDocuments(t *testing.T) {
	for rule, document := range malformedDocuments() {
		for name, o := range grammarOptions() {
			t.Run(rule+"/"+name, func(t *testing.T) {
				require.True(t, !json.Valid([]byte(document)) || strings.Contains(rule, "deep"))
				want := []string{`0 "" m-1 0 !malformed`}
				for _, payload := range []string{document, `{"x":` + document + `}`, `[{},` + document + `]`} {
					require.Equal(t, want, showAll(newScanner(t, o), payload), "scanner: %.100s", payload)
					require.Equal(t, want, showAll(newFallback(t, o), payload), "fallback: %.100s", payload)
				}
			})
		}
	}
}

func TestScalarsAtTheTopAreMalformed(t *testing.T) {
	for _, payload := range []string{`1`, `"x"`, `null`, `true`, ` -1e5 `} {
		decoded(t, narrow(""), payload, `0 "" m-1 0 !malformed`)
	}
}

// TestCutDocuments cuts a good message at every byte: what remains is malformed.
func TestCutDocuments(t *testing.T) {
	const message = ` [ {"device":"p\u0041\ud800\udc00", "metric":"door" ,"ts":1.5e3,"value":-0.25E-1,"x":{"y":[[],{},null,{"z":true}],"w":false}}, 3 ] `
	s, f := newScanner(t, narrow("ms")), newFallback(t, narrow("ms"))
	whole := strings.TrimRight(message, " ")
	require.Len(t, showAll(s, whole), 2)
	for n := range len(whole) {
		require.Equal(t, []string{`0 "" m-1 0 !malformed`}, showAll(s, whole[:n]), "%s", whole[:n])
		require.Equal(t, []string{`0 "" m-1 0 !malformed`}, showAll(f, whole[:n]), "%s", whole[:n])
	}
}

func TestDepth(t *testing.T) {
	arrays := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	objects := func(n int) string { return strings.Repeat(`{"":`, n) + "0" + strings.Repeat("}", n) }
	o := narrow("")
	for _, field := range []string{"x", "value"} {
		for name, nest := range map[string]func(int) string{"arrays": arrays, "objects": objects} {
			t.Run(field+" "+name, func(t *testing.T) {
				want := `0 "p" m1 0 !no_value`
				if field == "value" {
					want = `0 "p" m1 0 !value_type`
				}
				message := func(n int) string {
					return fmt.Sprintf(`{"device":"p","metric":"door","%s":%s}`, field, nest(n))
				}
				decoded(t, o, message(MaxDepth-1), want)
				decoded(t, o, message(MaxDepth), `0 "" m-1 0 !malformed`)
				decoded(t, o, "["+message(MaxDepth-2)+"]", want)
				decoded(t, o, "["+message(MaxDepth-1)+"]", `0 "" m-1 0 !malformed`)
			})
		}
	}
	decoded(t, o, arrays(MaxDepth), `0 "" m-1 0 !malformed`) // an element, not the document
	decoded(t, o, "["+arrays(MaxDepth-1)+",1]", `0 "" m-1 0 !malformed`, `1 "" m-1 0 !malformed`)
	decoded(t, o, "["+arrays(MaxDepth)+",1]", `0 "" m-1 0 !malformed`)
}

// reference returns the documents of the JSON test suite whose verdict is kind:
// y must be accepted, i may be either.
func reference(t *testing.T, kind string) map[string][]byte {
	root := os.Getenv("WEIR_REFERENCE")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared", "reference")
	}
	files, err := filepath.Glob(filepath.Join(root, "json", kind, "*.json"))
	require.NoError(t, err)
	if len(files) == 0 {
		t.Skipf("no JSON test suite under %s; set WEIR_REFERENCE to the folder that holds json/%s", root, kind)
	}
	documents := make(map[string][]byte)
	for _, file := range files {
		document, err := os.ReadFile(file)
		require.NoError(t, err)
		documents[filepath.Base(file)] = document
	}
	return documents
}

func TestReferenceDocuments(t *testing.T) {
	for _, kind := range []string{"y", "i"} {
		t.Run(kind, func(t *testing.T) {
			for name, document := range reference(t, kind) {
				valid := json.Valid(document)
				require.True(t, valid || kind == "i", name)
				for _, o := range []Options{narrow(""), narrow("ms"), wide("s"), {Metric: "m", Value: "asd", Metrics: []string{"x"}}} {
					require.Equal(t, showAll(newFallback(t, o), string(document)), showAll(newScanner(t, o), string(document)), name)
				}
				// As a field that nobody asked for, it does not touch the reading.
				want := `0 "p" m1 1`
				if !valid {
					want = `0 "" m-1 0 !malformed`
				}
				decoded(t, narrow(""), fmt.Sprintf(`{"device":"p","x":%s,"metric":"door","value":1}`, document), want)
			}
		})
	}
}
