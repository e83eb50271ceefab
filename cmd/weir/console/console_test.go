package console

import (
	"compress/gzip"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
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
	for _, part := range []string{"default-src 'self'", "object-src 'none'", "base-uri 'none'", "require-trusted-types-for 'script'", "trusted-types 'none'", "frame-ancestors 'none'"} {
		require.Contains(t, policy, part, "names of devices are written by strangers")
	}
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

// Texts are legible in the light and in the dark: the contrast that WCAG 2.2 asks for at level AA, 4.5 to 1.
func TestContrast(t *testing.T) {
	css, err := files.ReadFile("assets/style.css")
	require.NoError(t, err)
	schemes := regexp.MustCompile(`(?s):root \{(.*?)\n\s*\}`).FindAllStringSubmatch(string(css), -1)
	require.Len(t, schemes, 2)
	for k, scheme := range schemes {
		colors := map[string]string{}
		for _, m := range regexp.MustCompile(`--([a-z-]+): #([0-9a-f]+);`).FindAllStringSubmatch(scheme[1], -1) {
			colors[m[1]] = m[2]
		}
		for _, pair := range []string{
			"text panel", "text raised", "soft panel", "soft raised", "soft ground", "accent panel", "accent ground", "on-accent accent", "ground text",
			"critical critical-ground", "warning warning-ground", "note note-ground", "good good-ground", "critical panel", "warning panel", "note panel", "good panel",
		} {
			text, ground, _ := strings.Cut(pair, " ")
			a, b := luminance(t, colors[text]), luminance(t, colors[ground])
			require.GreaterOrEqual(t, (max(a, b)+0.05)/(min(a, b)+0.05), 4.5, "scheme %d: %s", k, pair)
		}
	}
}

// luminance is that of a colour (WCAG 2.2, relative luminance).
func luminance(t *testing.T, hex string) float64 {
	t.Helper()
	if len(hex) == 3 {
		hex = string([]byte{hex[0], hex[0], hex[1], hex[1], hex[2], hex[2]})
	}
	require.Len(t, hex, 6)
	sum := 0.0
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		n, err := strconv.ParseUint(hex[2*i:2*i+2], 16, 8)
		require.NoError(t, err)
		v := float64(n) / 255
		if v <= 0.04045 {
			v /= 12.92
		} else {
			v = math.Pow((v+0.055)/1.055, 2.4)
		}
		sum += weight * v
	}
	return sum
}
