package console

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func ask(path string, header map[string]string) *http.Response {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	for name, value := range header { // unordered: names differ
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	Handler().ServeHTTP(w, r)
	return w.Result()
}

func TestAssets(t *testing.T) {
	entries, err := files.ReadDir("assets")
	require.NoError(t, err)
	sent := 0
	for _, e := range entries {
		path := "/console/" + e.Name()
		if e.Name() == "index.html" {
			path = "/"
		}
		kind := map[string]string{"html": "text/html; charset=utf-8", "css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}[e.Name()[strings.LastIndex(e.Name(), ".")+1:]]
		plain, packed := ask(path, nil), ask(path, map[string]string{"Accept-Encoding": "gzip, br"})
		text, err := io.ReadAll(plain.Body)
		require.NoError(t, err)
		want, err := files.ReadFile("assets/" + e.Name())
		require.NoError(t, err)
		require.Equal(t, string(want), string(text))
		for _, resp := range []*http.Response{plain, packed} {
			require.Equal(t, 200, resp.StatusCode, path)
			require.Equal(t, kind, resp.Header.Get("Content-Type"), path)
			require.Equal(t, policy, resp.Header.Get("Content-Security-Policy"))
			require.Equal(t, "nosniff", resp.Header.Get("X-Content-Type-Options"))
			require.Equal(t, "no-cache", resp.Header.Get("Cache-Control"))
			require.Equal(t, "Accept-Encoding", resp.Header.Get("Vary"))
			require.Regexp(t, `^"[0-9a-f]{24}(-gzip)?"$`, resp.Header.Get("ETag"))
		}
		require.NotEqual(t, plain.Header.Get("ETag"), packed.Header.Get("ETag"), "a cache must not take one for the other")
		require.Equal(t, "gzip", packed.Header.Get("Content-Encoding"))
		short, err := io.ReadAll(packed.Body)
		require.NoError(t, err)
		sent += len(short)
		z, err := gzip.NewReader(strings.NewReader(string(short)))
		require.NoError(t, err)
		long, err := io.ReadAll(z)
		require.NoError(t, err)
		require.Equal(t, string(want), string(long))
		for _, resp := range []*http.Response{plain, packed} {
			again := ask(path, map[string]string{"Accept-Encoding": map[bool]string{true: "gzip"}[resp == packed], "If-None-Match": resp.Header.Get("ETag")})
			require.Equal(t, http.StatusNotModified, again.StatusCode)
		}
	}
	require.Less(t, sent, 40<<10, "the whole page, as it is sent")
}

// What the policy would refuse is not there, and all that the page wants is.
func TestPageKeepsToItsPolicy(t *testing.T) {
	page, err := files.ReadFile("assets/index.html")
	require.NoError(t, err)
	for _, inline := range []string{`<style`, ` style=`, `<script>`, ` on[a-z]+=`, `javascript:`} {
		require.NotRegexp(t, inline, string(page))
	}
	named := regexp.MustCompile(`(?:href|src)="([^"#][^"]*)"`).FindAllStringSubmatch(string(page), -1)
	require.NotEmpty(t, named)
	for _, m := range named {
		require.Equal(t, 200, ask("/"+m[1], nil).StatusCode, m[1])
	}
	entries, err := files.ReadDir("assets")
	require.NoError(t, err)
	for _, e := range entries {
		text, err := files.ReadFile("assets/" + e.Name())
		require.NoError(t, err)
		for _, m := range regexp.MustCompile(`from '\./([^']+)'`).FindAllStringSubmatch(string(text), -1) {
			require.Equal(t, 200, ask("/console/"+m[1], nil).StatusCode, "%s imports %s", e.Name(), m[1])
		}
		for _, sink := range []string{"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function"} {
			require.NotContains(t, string(text), sink, "%s: texts of devices never become markup", e.Name())
		}
		for _, m := range regexp.MustCompile(`https?://[^'"\s)]+`).FindAllString(string(text), -1) {
			require.Equal(t, "http://www.w3.org/2000/svg", m, "%s: nothing comes from elsewhere", e.Name())
		}
	}
}

func TestOnlyAssets(t *testing.T) {
	for _, path := range []string{"/console/", "/console/index.html", "/console/none.js", "/console/../assets/app.js", "/other"} {
		require.NotEqual(t, 200, ask(path, nil).StatusCode, path)
	}
}
