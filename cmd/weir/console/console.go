// Package console is the page that operators see of a weir process: throughput and lag, what was dropped and why, alerts, and
// devices as small plots. It holds no data; a browser asks the API of the same process for all it shows.
package console

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"time"
)

// files are written by hand and served as they are.
//
//go:embed assets
var files embed.FS

// policy is what the page may do: talk to the process that served it, and nothing else. Texts can not become markup, for there
// is no trusted type that would let them.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; " +
	"frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

// Mount puts the page at / and what it is made of under /console/.
func Mount(mux *http.ServeMux) error {
	names, err := fs.Glob(files, "assets/*")
	if err != nil {
		return fmt.Errorf("assets of the console: %w", err)
	}
	for _, name := range names {
		text, err := files.ReadFile(name)
		if err != nil {
			return fmt.Errorf("assets of the console: %w", err)
		}
		pattern := "GET /console/" + path.Base(name)
		if path.Base(name) == "index.html" {
			pattern = "GET /{$}"
		}
		mux.Handle(pattern, serve(name, text))
	}
	return nil
}

// serve answers with one file. A browser may keep it, but has to ask each time whether it is still the one: the next version of
// the process has others.
func serve(name string, text []byte) http.Handler {
	sum := sha256.Sum256(text)
	tag := `"` + hex.EncodeToString(sum[:12]) + `"`
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Type", kindOf(name))
		h.Set("ETag", tag)
		h.Set("Cache-Control", "no-cache")
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(text))
	})
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
