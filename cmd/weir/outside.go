package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// outside is what on-call engineers and orchestrators see of the process.
type outside struct {
	instances []*instance
	registry  *prometheus.Registry
	listener  net.Listener
	api       *api // nil: there is none
}

// newOutside makes the metrics of all instances. It must run before they do.
func newOutside(instances []*instance) (*outside, error) {
	o := &outside{instances: instances, registry: prometheus.NewRegistry()}
	o.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), buildInfo())
	for _, i := range instances {
		of := []*metrics{newMetrics(i), newGroupMetrics(i)}
		for _, m := range of {
			if err := o.registry.Register(m); err != nil {
				return nil, fmt.Errorf("metrics of pipeline %q: %w", i.work().pipeline.Name, err)
			}
		}
		i.onStart(func(w *work) {
			for _, m := range of {
				if e := m.engineOf(w); e != nil {
					e.Observe(m)
				}
			}
		})
	}
	return o, nil
}

func (o *outside) listen(address string) (err error) {
	if o.listener, err = net.Listen("tcp", address); err != nil {
		return fmt.Errorf("--http %s: %w", address, err)
	}
	return nil
}

func (o *outside) addr() string { return o.listener.Addr().String() }

// serve answers until ctx ends.
func (o *outside) serve(ctx context.Context) error {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(o.registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", o.healthy)
	mux.HandleFunc("GET /readyz", o.ready)
	profiles(mux)
	if o.api != nil {
		o.api.mount(mux, o.listener.Addr())
		defer o.api.close()
	}
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(o.listener) }()
	select {
	case err := <-ended:
		return fmt.Errorf("serve http: %w", err)
	case <-ctx.Done():
	}
	stop, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if err := server.Shutdown(stop); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("stop http: %w", err)
	}
	return nil
}

// profiles answers `go tool pprof http://ADDRESS/debug/pprof/profile` and its kin: where time and memory go is asked of the process that is
// slow, not of one that was built for asking.
func profiles(mux *http.ServeMux) {
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
}

// ready answers 200 only when every owned task of every pipeline is live.
func (o *outside) ready(w http.ResponseWriter, _ *http.Request) {
	for _, i := range o.instances {
		if !i.work().ready() {
			http.Error(w, fmt.Sprintf("pipeline %s: not every owned task is live", i.work().pipeline.Name), http.StatusServiceUnavailable)
			return
		}
	}
	fmt.Fprintln(w, "ready")
}
