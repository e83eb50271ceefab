package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/docs"
)

// document is docs/openapi.yaml, and what was asked of it.
type document struct {
	root    map[string]any
	schemas *jsonschema.Compiler

	mu    sync.Mutex
	asked map[string][]int // statuses by operation
}

const documentURL = "http://weir.test/openapi.json"

func openDocument(t testing.TB) *document {
	t.Helper()
	text, err := yaml.YAMLToJSON(docs.OpenAPI())
	require.NoError(t, err)
	parsed, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	require.NoError(t, err)
	d := &document{root: parsed.(map[string]any), schemas: jsonschema.NewCompiler(), asked: map[string][]int{}}
	d.schemas.DefaultDraft(jsonschema.Draft2020)
	d.schemas.AssertFormat()
	require.NoError(t, d.schemas.AddResource(documentURL, parsed))
	return d
}

// at follows $ref until there is none, and returns where that is.
func (d *document) at(pointer string) (map[string]any, string) {
	var now any = d.root
	for _, part := range strings.Split(strings.TrimPrefix(pointer, "#/"), "/") {
		now = now.(map[string]any)[strings.NewReplacer("~1", "/", "~0", "~").Replace(part)]
	}
	object, _ := now.(map[string]any)
	if ref, ok := object["$ref"].(string); ok {
		return d.at(ref)
	}
	return object, pointer
}

// operations are METHOD PATH of all operations.
func (d *document) operations() (list []string) {
	for path, item := range d.root["paths"].(map[string]any) {
		for method := range item.(map[string]any) {
			if method != "parameters" {
				list = append(list, strings.ToUpper(method)+" "+path)
			}
		}
	}
	slices.Sort(list)
	return list
}

// operation is that of a request; empty: none.
func (d *document) operation(method, path string) string {
	parts := strings.Split(path, "/")
	for _, op := range d.operations() {
		m, template, _ := strings.Cut(op, " ")
		wanted := strings.Split(template, "/")
		if m == method && slices.EqualFunc(parts, wanted, func(have, want string) bool { return have == want || strings.HasPrefix(want, "{") && have != "" }) {
			return op
		}
	}
	return ""
}

// answer is an answer of the API.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// check says what of an answer is not as the document has it.
func (d *document) check(op string, a answer) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked[op] = append(d.asked[op], a.status)
	method, path, _ := strings.Cut(op, " ")
	responses := "#/paths/" + strings.ReplaceAll(path, "/", "~1") + "/" + strings.ToLower(method) + "/responses"
	response, where := d.at(fmt.Sprint(responses, "/", a.status))
	if response == nil {
		return fmt.Errorf("%s: status %d is not in the document: %s", op, a.status, a.body)
	}
	for name, h := range asObject(response["headers"]) {
		if required, _ := asObject(h)["required"].(bool); required && a.header.Get(name) == "" {
			return fmt.Errorf("%s: status %d without header %s", op, a.status, name)
		}
	}
	content := asObject(response["content"])
	kind := a.header.Get("Content-Type")
	switch {
	case len(content) == 0 && len(a.body) > 0:
		return fmt.Errorf("%s: status %d has a body", op, a.status)
	case len(content) == 0:
		return nil
	case content[kind] == nil:
		return fmt.Errorf("%s: status %d has content of type %q", op, a.status, kind)
	case !strings.HasSuffix(kind, "json"):
		return nil
	}
	return d.fits(where+"/content/"+strings.ReplaceAll(kind, "/", "~1")+"/schema", a.body)
}

// fits says what of a body is not as a schema of the document has it.
func (d *document) fits(pointer string, body []byte) error {
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("%w: %q", err, body)
	}
	schema, err := d.schemas.Compile(documentURL + pointer)
	if err != nil {
		return err
	}
	if err := schema.Validate(value); err != nil {
		return fmt.Errorf("%s: %w: %s", pointer, err, body)
	}
	return nil
}

func asObject(v any) map[string]any { object, _ := v.(map[string]any); return object }

// RoundTrip implements http.RoundTripper: every answer has to be as the document has it.
func (d *document) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil || resp.Header.Get("Content-Type") == "text/event-stream" {
		return resp, err
	}
	body, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	op := d.operation(r.Method, r.URL.EscapedPath())
	switch {
	case op != "":
		return resp, d.check(op, answer{resp.StatusCode, resp.Header, body})
	case resp.StatusCode != 404 && resp.StatusCode != 405:
		return nil, fmt.Errorf("%s %s: status %d, and is not in the document", r.Method, r.URL, resp.StatusCode)
	}
	return resp, d.fits("#/components/schemas/Problem", body)
}

// What the document says is what the program answers, route by route, and it is a document: all its references lead somewhere, its
// schemas are schemas that its examples fit, and its parameters are those of the paths.
func TestAPIDocument(t *testing.T) {
	d := openDocument(t)
	require.Equal(t, "3.1.0", d.root["openapi"])
	var routes []string
	for pattern := range newAPI(nil, "", slog.New(slog.DiscardHandler)).routes() {
		routes = append(routes, pattern)
	}
	slices.Sort(routes)
	require.Equal(t, routes, d.operations())

	ids := map[string]bool{}
	for _, op := range d.operations() {
		method, path, _ := strings.Cut(op, " ")
		item, _ := d.at("#/paths/" + strings.ReplaceAll(path, "/", "~1"))
		operation := item[strings.ToLower(method)].(map[string]any)
		id := operation["operationId"].(string)
		require.False(t, ids[id], id)
		ids[id] = true
		require.NotEmpty(t, operation["summary"], op)
		declared := map[string]bool{}
		for _, list := range []any{item["parameters"], operation["parameters"]} {
			all, _ := list.([]any)
			for _, p := range all {
				p := asObject(p)
				if ref, ok := p["$ref"].(string); ok {
					p, _ = d.at(ref)
				}
				require.NotEmpty(t, p["schema"], "%s: %v", op, p)
				if p["in"] == "path" {
					require.Equal(t, true, p["required"])
					declared["{"+p["name"].(string)+"}"] = true
				}
			}
		}
		inPath := map[string]bool{}
		for _, part := range strings.Split(path, "/") {
			if strings.HasPrefix(part, "{") {
				inPath[part] = true
			}
		}
		require.Equal(t, inPath, declared, op)
	}
	schemas, examples := 0, 0
	d.walk(t, d.root, "#", func(pointer string, object map[string]any) {
		if ref, ok := object["$ref"].(string); ok {
			to, _ := d.at(ref)
			require.NotNil(t, to, "%s leads nowhere", ref)
		}
		schema, ok := object["schema"]
		if !ok {
			return
		}
		_, err := d.schemas.Compile(documentURL + pointer + "/schema")
		require.NoError(t, err)
		require.NotNil(t, schema)
		schemas++
		values := map[string]any{}
		for name := range asObject(object["examples"]) {
			values[name], _ = d.at(pointer + "/examples/" + name)
		}
		if e, ok := object["example"]; ok {
			values["example"] = map[string]any{"value": e}
		}
		for name, e := range values {
			text, err := json.Marshal(asObject(e)["value"])
			require.NoError(t, err)
			require.NoError(t, d.fits(pointer+"/schema", text), "%s %s", pointer, name)
			examples++
		}
	})
	require.Greater(t, schemas, 50)
	require.Greater(t, examples, 20)
	t.Logf("%d operations, %d schemas, %d examples", len(routes), schemas, examples)
}

// walk visits all objects.
func (d *document) walk(t *testing.T, v any, pointer string, visit func(string, map[string]any)) {
	switch v := v.(type) {
	case map[string]any:
		visit(pointer, v)
		for _, key := range slices.Sorted(maps.Keys(v)) {
			if key != "example" && key != "value" {
				d.walk(t, v[key], pointer+"/"+strings.NewReplacer("~", "~0", "/", "~1").Replace(key), visit)
			}
		}
	case []any:
		for i, e := range v {
			d.walk(t, e, fmt.Sprint(pointer, "/", i), visit)
		}
	}
}

// Every operation of the document is asked of a running pipeline, and every answer is as the document has it.
func TestAPIAnswersAsDocumented(t *testing.T) {
	f := newAPIFleet(t, 2)
	p := f.start("one", "")
	defer p.end()
	waitFor(t, "tasks", func() bool { return p.work().ready() })
	waitFor(t, "topics", func() bool { status, _ := p.ask("GET", "/v1/alerts", ""); return status == 200 })
	f.send("pump-1", "load", 95, time.Now().Add(-2*time.Minute))
	f.send("pump-1", "load", 95, time.Now())
	f.send("pump-1", "temperature", 90, time.Now())
	waitFor(t, "the reading", func() bool { return p.counters().Firing == 2 })
	waitFor(t, "the group", func() bool { status, _ := p.ask("GET", "/v1/groups/labels.site/Hamburg", ""); return status == 200 })
	_, list := p.ask("GET", "/v1/alerts?limit=5", "")
	id := list["alerts"].([]any)[0].(map[string]any)["id"].(string)

	for _, c := range []struct {
		method, path, body string
		want               int
	}{
		{"GET", "/v1/pipelines", "", 200}, {"GET", "/v1/pipelines/fleet", "", 200}, {"GET", "/v1/pipelines/other", "", 404},
		{"GET", "/v1/pipelines/fleet/tasks", "", 200}, {"GET", "/v1/pipelines/other/tasks", "", 404},
		{"GET", "/v1/pipelines/fleet/lag", "", 200}, {"GET", "/v1/pipelines/other/lag", "", 404},
		{"GET", "/v1/devices", "", 200}, {"GET", "/v1/devices?limit=x", "", 400}, {"GET", "/v1/devices?pipeline=other", "", 404},
		{"GET", "/v1/devices/pump-1", "", 200}, {"GET", "/v1/devices/pump-7", "", 404},
		{"GET", "/v1/groups?by=labels.site", "", 200}, {"GET", "/v1/groups?limit=-1", "", 400}, {"GET", "/v1/groups?pipeline=other", "", 404},
		{"GET", "/v1/groups/site_1m/Hamburg", "", 200}, {"GET", "/v1/groups/site_1m/Rome", "", 404}, {"GET", "/v1/groups/a/b?pipeline=other", "", 404},
		{"GET", "/v1/live?device=a&pipeline=other", "", 404},
		{"GET", "/v1/alerts?rule=hot", "", 200}, {"GET", "/v1/alerts?limit=0", "", 400}, {"GET", "/v1/alerts?pipeline=other", "", 404},
		{"GET", "/v1/alerts/" + id, "", 200}, {"GET", "/v1/alerts/ffffffffff", "", 404},
		{"POST", "/v1/alerts/" + id + "/ack", `{"author":"kim","reason":"on it"}`, 200}, {"POST", "/v1/alerts/" + id + "/ack", `{}`, 400},
		{"POST", "/v1/alerts/ffffffffff/ack", `{"author":"kim"}`, 404}, {"POST", "/v1/alerts/" + id + "/ack", `{"author":"` + strings.Repeat("x", maxBody) + `"}`, 413},
		{"DELETE", "/v1/alerts/" + id + "/ack", "", 204}, {"DELETE", "/v1/alerts/" + id + "/ack", "", 404},
		{"POST", "/v1/silences", `{"name":"belt","matchers":[{"name":"rule","op":"=","value":"hot"}],"for":"2h","author":"kim"}`, 201},
		{"POST", "/v1/silences", `{"matchers":[{"name":"rule","op":"=","value":"hot"}],"for":"2h","author":"kim","maintenance":true}`, 201},
		{"POST", "/v1/silences", `{"for":"2h"}`, 400}, {"POST", "/v1/silences?pipeline=other", `{}`, 404},
		{"GET", "/v1/silences", "", 200}, {"GET", "/v1/silences?pipeline=other", "", 404},
		{"DELETE", "/v1/silences/belt", "", 204}, {"DELETE", "/v1/silences/belt?maintenance", "", 404},
		{"POST", "/v1/reload", "", 200}, {"POST", "/v1/reload?pipeline=other", "", 404},
		{"GET", "/v1/nothing", "", 404}, {"PUT", "/v1/pipelines", "", 405},
	} {
		status, body := p.ask(c.method, c.path, c.body)
		require.Equal(t, c.want, status, "%s %s: %v", c.method, c.path, body)
	}
	resp, err := p.client().Get(p.url + "/v1/openapi.yaml")
	require.NoError(t, err)
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Equal(t, docs.OpenAPI(), text)

	for _, op := range p.document.operations() {
		good := slices.ContainsFunc(p.document.asked[op], func(status int) bool { return status < 300 })
		require.True(t, good || op == "GET /v1/live", "%s was not asked", op)
	}
}

// Whoever has no token is told so on every route, also on those that there are not.
func TestAPIAdmitsOnEveryRoute(t *testing.T) {
	d := openDocument(t)
	for _, c := range []struct {
		token, host string
		want        int
	}{{"secret", "127.0.0.1", 401}, {"", "evil.example", 403}} {
		mux := http.NewServeMux()
		newAPI(nil, c.token, slog.New(slog.DiscardHandler)).mount(mux, &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
		for _, op := range append(d.operations(), "GET /v1/nothing", "PUT /v1/alerts") {
			method, path, _ := strings.Cut(op, " ")
			r := httptest.NewRequest(method, strings.NewReplacer("{", "", "}", "").Replace(path), strings.NewReader("{}"))
			r.Host = c.host
			r.Header.Set("Content-Type", "application/json")
			w := httptest.NewRecorder()
			mux.ServeHTTP(w, r)
			require.Equal(t, c.want, w.Code, op)
			if slices.Contains(d.operations(), op) {
				require.NoError(t, d.check(op, answer{w.Code, w.Result().Header, w.Body.Bytes()}))
			}
		}
	}
}
