// Package console is the page that operators see of a weir process: throughput and lag, what was dropped and why, alerts, and
// devices as small plots. It holds no data; a browser asks the API of the same process for all it shows.
package console

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"net/http"
	"path"
	"strings"
	"time"
)

// files are written by hand and served as they are.
//
//go:embed assets
var files embed.FS

// policy is what the page may do: talk to the process that served it, and nothing else. Texts cannot become markup, for there
// is no trusted type that would let them.
const policy = "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; " +
	"require-trusted-types-for 'script'; trusted-types 'none'"

// Handler answers for the page at / and for what it is made of under /console/.
func Handler() http.Handler {
	mux := http.NewServeMux()
	entries, err := files.ReadDir("assets")
	if err != nil {
		panic(fmt.Errorf("assets of the console: %w", err)) // they are in the program
	}
	for _, e := range entries {
		text, err := files.ReadFile("assets/" + e.Name())
		if err != nil {
			panic(fmt.Errorf("assets of the console: %w", err))
		}
		pattern := "GET /console/" + e.Name()
		if e.Name() == "index.html" {
			pattern = "GET /{$}"
		}
		mux.Handle(pattern, newAsset(e.Name(), text))
	}
	return mux
}

// asset is one file, and the same compressed.
type asset struct {
	name, kind, tag string
	text, packed    []byte
}

func newAsset(name string, text []byte) *asset {
	sum := sha256.Sum256(text)
	a := &asset{name: name, kind: kindOf(name), tag: hex.EncodeToString(sum[:12]), text: text}
	var packed bytes.Buffer
	z, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err == nil {
		_, err = z.Write(text)
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		panic(fmt.Errorf("compress %s: %w", name, err)) // neither the level nor memory can be wrong
	}
	a.packed = packed.Bytes()
	return a
}

// ServeHTTP implements http.Handler. A browser may keep the file, but has to ask each time whether it is still the one: the next
// version of the process has others.
func (a *asset) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", a.kind)
	h.Set("Cache-Control", "no-cache")
	h.Set("Vary", "Accept-Encoding")
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	text, tag := a.text, a.tag
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Encoding", "gzip")
		text, tag = a.packed, a.tag+"-gzip"
	}
	h.Set("ETag", `"`+tag+`"`)
	http.ServeContent(w, r, a.name, time.Time{}, bytes.NewReader(text))
}

// kindOf is the media type of a file. The machine's own table may say otherwise, and a browser then refuses a script.
func kindOf(name string) string {
	switch path.Ext(name) {
	case ".html":
		return "text/html; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	}
	return "application/octet-stream"
}
