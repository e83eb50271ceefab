package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
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
	api       *api          // nil: there is none
	console   http.Handler  // at /; nil: there is none
	tls       *certificates // nil: plain HTTP
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
		return listenError(address, err)
	}
	return nil
}

func (o *outside) addr() string { return o.listener.Addr().String() }

// advertise has the engines of all instances say where the API is. It must be called before they run.
func (o *outside) advertise(url string) {
	for _, i := range o.instances {
		i.onStart(func(w *work) {
			w.engine.Advertise(url)
			if w.groups != nil {
				w.groups.engine.Advertise(url)
			}
		})
	}
}

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
	if o.console != nil {
		mux.Handle("/", o.console)
	}
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	if o.api != nil {
		server.RegisterOnShutdown(func() { close(o.api.over) })
	}
	ended := make(chan error, 1)
	go func() {
		if o.tls != nil {
			server.TLSConfig, server.ErrorLog = o.tls.tls(), slog.NewLogLogger(o.tls.log.Handler(), slog.LevelDebug) // strangers' handshakes
			ended <- server.ServeTLS(o.listener, "", "")
			return
		}
		ended <- server.Serve(o.listener)
	}()
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
