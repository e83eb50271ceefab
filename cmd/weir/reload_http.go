package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"syscall"
)

// reloadOf is what became of a pipeline of the process at POST /v1/reload.
type reloadOf struct {
	Pipeline string `json:"pipeline"`
	Result   string `json:"result"`          // as weir_reloads_total has it
	Said     string `json:"said,omitempty"`  // what weir diff says
	Error    string `json:"error,omitempty"` // why the file that was in force is so still
}

// reload reloads all pipelines, or the one that the query names; 422 where one could not
// be taken.
func (a *api) reload(r *http.Request) (reply, error) {
	name := r.URL.Query().Get("pipeline")
	out, list := reply{}, []reloadOf{}
	for _, i := range a.instances {
		p := i.work().pipeline.Name
		if i.path == "" || name != "" && name != p {
			continue
		}
		// Whoever hangs up has asked for it all the same.
		said, result, err := i.reload(context.WithoutCancel(r.Context()))
		one := reloadOf{Pipeline: p, Result: result.String(), Said: said}
		if err != nil {
			out.status, one.Error = http.StatusUnprocessableEntity, err.Error()
		}
		list = append(list, one)
	}
	if len(list) == 0 {
		return reply{}, problemOf(http.StatusNotFound, fmt.Sprintf("pipeline %q: none runs from a file here", name))
	}
	out.body = map[string]any{"reloads": list}
	return out, nil
}

// onHangup reloads all instances at every SIGHUP, until ctx ends; the service manager, if there is one, hears of it.
func onHangup(ctx context.Context, instances []*instance, m *serviceManager) {
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)
	for {
		select {
		case <-ctx.Done():
			return
		case <-hangup:
		}
		m.reload(func() {
			for _, i := range instances {
				_, _, _ = i.reload(ctx) // it has been logged
			}
		})
	}
}
