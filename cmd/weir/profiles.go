package main

import (
	"fmt"
	"net/http"
	"net/http/pprof"
)

// profiles answers `go tool pprof http://ADDRESS/debug/pprof/profile` and its kin: where time and memory go is asked of the process that is
// slow, not of one that was built for asking. A profile costs the process time and tells of its insides, so whoever may ask the API may have one.
func (a *api) profiles(mux *http.ServeMux) {
	for pattern, answer := range map[string]http.HandlerFunc{ // unordered: patterns differ
		"GET /debug/pprof/":        pprof.Index,
		"GET /debug/pprof/profile": pprof.Profile,
		"GET /debug/pprof/symbol":  pprof.Symbol,
		"GET /debug/pprof/trace":   pprof.Trace,
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			err := a.admit(r)
			if err == nil {
				err = fromPage(r)
			}
			if err != nil {
				a.refuse(w, err)
				return
			}
			answer(w, r)
		})
	}
}

// fromPage refuses what a page of another site has a browser ask for. The page cannot read the answer, but an image whose address is that of
// a profile would start one. Browsers say where a request comes from (Fetch Metadata, Sec-Fetch-Site); what is no browser does not.
func fromPage(r *http.Request) error {
	switch from := r.Header.Get("Sec-Fetch-Site"); from {
	case "", "none", "same-origin":
		return nil
	default:
		return problemOf(http.StatusForbidden, fmt.Sprintf("a page of another site asks for this (%s): enter the address yourself", from))
	}
}

// scraped admits to /metrics whoever reaches the listener. Only where nothing but loopback keeps strangers off are requests under a foreign name
// refused, as the API refuses them: a page may have had its own name point here. Browsers always say the name; who says none is no page.
func (o *outside) scraped(metrics http.Handler) http.Handler {
	if o.api == nil {
		return metrics
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if a := o.api; r.Host != "" && a.token == "" && a.loopback && !a.isVouched(r) && !a.isHere(r.Host) {
			a.refuse(w, notHere(r.Host))
			return
		}
		metrics.ServeHTTP(w, r)
	})
}
