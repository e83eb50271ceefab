package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
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
	name      string        // that --http listens under, or an address; empty: all there are
	api       *api          // nil: there is none
	console   http.Handler  // at /; nil: there is none
	tls       *certificates // nil: plain HTTP
	patience  patience
}

// newOutside makes the metrics of all instances. It must run before they do.
func newOutside(instances []*instance) (*outside, error) {
	o := &outside{instances: instances, registry: prometheus.NewRegistry(), patience: usualPatience()}
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
				m.engineOf(w).Observe(m)
			}
		})
	}
	return o, nil
}

func (o *outside) listen(address string) (err error) {
	if o.listener, err = net.Listen("tcp", address); err != nil {
		return listenError(address, err)
	}
	o.name, _, _ = net.SplitHostPort(address) // it was split to listen
	return nil
}

func (o *outside) addr() string { return o.listener.Addr().String() }

// advertise has the engines of all instances say where the API is. It must be called before they run.
func (o *outside) advertise(url string) {
	for _, i := range o.instances {
		i.onStart(func(w *work) {
			w.engine.Advertise(url)
			w.groups.engine.Advertise(url)
		})
	}
}

// mux has all that is answered on a listener with that address.
func (o *outside) mux(at net.Addr) *http.ServeMux {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", o.scraped(promhttp.HandlerFor(o.registry, promhttp.HandlerOpts{})))
	mux.HandleFunc("GET /healthz", o.healthy)
	mux.HandleFunc("GET /readyz", o.ready)
	if o.api != nil {
		o.api.name = o.name
		o.api.mount(mux, at)
		o.api.profiles(mux)
	}
	if o.console != nil {
		mux.Handle("/", o.console)
	}
	return mux
}

// serve answers until ctx ends.
func (o *outside) serve(ctx context.Context) error {
	if o.api != nil {
		defer o.api.close()
	}
	server := o.patience.server(o.mux(o.listener.Addr()))
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
