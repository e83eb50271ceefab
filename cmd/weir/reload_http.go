package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

// reload answers POST /v1/reload: it reloads all pipelines, or the one that the query
// names, and says what weir diff says of each; 422 where one could not be taken. It
// answers this machine only, unless it was told otherwise, and never a page of a
// browser.
func (o *outside) reload(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Origin") != "" || !o.open && !fromHere(r.RemoteAddr) {
		http.Error(w, "only this machine may reload: start weir with --http-reload-from-anywhere to let others", http.StatusForbidden)
		return
	}
	name := r.URL.Query().Get("pipeline")
	status, found := http.StatusOK, false
	var text strings.Builder
	for _, i := range o.instances {
		if p := i.work().pipeline.Name; i.path == "" || name != "" && name != p {
			continue
		}
		found = true
		// Whoever hangs up has asked for it all the same.
		said, err := i.reload(context.WithoutCancel(r.Context()))
		if err != nil {
			status, said = http.StatusUnprocessableEntity, err.Error()+"\n"
		}
		if len(o.instances) > 1 {
			fmt.Fprintf(&text, "pipeline %s\n", i.work().pipeline.Name)
		}
		text.WriteString(said)
	}
	if !found {
		http.Error(w, fmt.Sprintf("no pipeline %q runs from a file here", name), http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	fmt.Fprint(w, text.String())
}

// fromHere reports whether an address of a client is one of this machine's own.
func fromHere(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// onHangup reloads all instances at every SIGHUP, until ctx ends.
func onHangup(ctx context.Context, instances []*instance) {
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)
	for {
		select {
		case <-ctx.Done():
			return
		case <-hangup:
		}
		for _, i := range instances {
			_, _ = i.reload(ctx) // it has been logged
		}
	}
}
