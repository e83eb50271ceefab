package main

import (
	"fmt"
	"net/http"

	"github.com/weirstream/weir/docs"
)

// document answers with the OpenAPI document.
func (a *api) document(w http.ResponseWriter, r *http.Request) {
	if err := a.admit(r); err != nil {
		a.refuse(w, err)
		return
	}
	w.Header().Set("Content-Type", "application/yaml")
	_, _ = w.Write(docs.OpenAPI()) // whoever asked may be gone
}

// orProblem answers with a problem what no route of the API is for.
func (a *api) orProblem(routes *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h, pattern := routes.Handler(r)
		if pattern != "" {
			routes.ServeHTTP(w, r)
			return
		}
		if err := a.admit(r); err != nil {
			a.refuse(w, err)
			return
		}
		said := statusOnly{header: w.Header()}
		h.ServeHTTP(&said, r) // sets Allow where only the method is wrong
		w.Header().Del("X-Content-Type-Options")
		if said.status == http.StatusMethodNotAllowed {
			a.refuse(w, problemOf(said.status, fmt.Sprintf("%s takes %s", r.URL.Path, w.Header().Get("Allow"))))
			return
		}
		a.refuse(w, problemOf(http.StatusNotFound, fmt.Sprintf("there is no %s", r.URL.Path)))
	})
}

// statusOnly takes only the status of an answer, and its header.
type statusOnly struct {
	header http.Header
	status int
}

// Header implements http.ResponseWriter.
func (v *statusOnly) Header() http.Header { return v.header }

// WriteHeader implements http.ResponseWriter.
func (v *statusOnly) WriteHeader(status int) { v.status = status }

// Write implements http.ResponseWriter.
func (v *statusOnly) Write(b []byte) (int, error) { return len(b), nil }
