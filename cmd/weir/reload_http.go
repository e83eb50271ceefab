package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"
)

// reloadOf is what became of a pipeline of the process at POST /v1/reload.
type reloadOf struct {
	Pipeline string `json:"pipeline"`
	Result   string `json:"result"`          // as weir_reloads_total has it, or starting
	Said     string `json:"said,omitempty"`  // what weir diff says
	Error    string `json:"error,omitempty"` // why this version of the file was not taken
}

// reload reloads all pipelines, or the one that the query names, side by side: 422 where one could not be taken, 202 where one is starting.
func (a *api) reload(r *http.Request) (reply, error) {
	name := r.URL.Query().Get("pipeline")
	var asked []*instance
	for _, i := range a.instances {
		if i.path != "" && (name == "" || name == i.work().pipeline.Name) {
			asked = append(asked, i)
		}
	}
	if len(asked) == 0 {
		return reply{}, problemOf(http.StatusNotFound, fmt.Sprintf("pipeline %q: none runs from a file here", name))
	}
	list := make([]reloadOf, len(asked))
	// Whoever hangs up has asked for it all the same.
	reloadAll(context.WithoutCancel(r.Context()), asked, func(k int, said string, result reloadResult, err error) {
		list[k] = reloadOf{Pipeline: asked[k].work().pipeline.Name, Result: result.String(), Said: said}
		if err != nil {
			list[k].Error = err.Error()
		}
	})
	out := reply{body: map[string]any{"reloads": list}}
	for _, one := range list {
		switch {
		case one.Error != "":
			out.status = http.StatusUnprocessableEntity
		case one.Result == reloadStarting.String() && out.status == 0:
			out.status = http.StatusAccepted
		}
	}
	return out, nil
}

// reloadAll reloads instances side by side, and says how the kth of them ended.
func reloadAll(ctx context.Context, instances []*instance, ended func(k int, said string, result reloadResult, err error)) {
	var all sync.WaitGroup
	for k, i := range instances {
		all.Go(func() {
			said, result, err := i.reload(ctx)
			ended(k, said, result, err)
		})
	}
	all.Wait()
}

// hangups has every SIGHUP arrive on a channel, instead of ending the process, until stop is called. One that comes while nobody listens waits.
func hangups() (hangup <-chan os.Signal, stop func()) {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGHUP)
	return c, func() { signal.Stop(c) }
}

// onHangup reloads all instances at every SIGHUP, until ctx ends; the service manager, if there is one, hears of it.
func onHangup(ctx context.Context, hangup <-chan os.Signal, instances []*instance, m *serviceManager) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-hangup:
		}
		m.reload(func() {
			reloadAll(ctx, instances, func(int, string, reloadResult, error) {}) // it has been logged
		})
	}
}
