package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"syscall"

	"github.com/weirstream/weir/cmd/weir/console"
)

// openDemoConsole serves the console of a demo, and what weir run serves beside it, until it is closed. It says where.
func openDemoConsole(ctx context.Context, i *instance, f demoFlags, log *slog.Logger) (closeConsole func(), err error) {
	if f.http == "" {
		return func() {}, nil
	}
	o, err := newOutside([]*instance{i})
	if err != nil {
		return nil, err
	}
	if err := f.listen(o); err != nil {
		return nil, err
	}
	if !f.json {
		fmt.Fprintf(os.Stderr, "console: http://%s/\n", o.addr())
	}
	return serveConsole(ctx, o, log)
}

// listen takes the port that was asked for, or any where nobody asked and the usual one is taken.
func (f demoFlags) listen(o *outside) error {
	err := o.listen(f.http)
	if host, _, split := net.SplitHostPort(f.http); f.anyPort && split == nil && errors.Is(err, syscall.EADDRINUSE) {
		return o.listen(net.JoinHostPort(host, "0"))
	}
	return err
}

func serveConsole(ctx context.Context, o *outside, log *slog.Logger) (closeConsole func(), err error) {
	token, err := apiToken("")
	if err != nil {
		return nil, errors.Join(err, o.listener.Close())
	}
	o.api = newAPI(o.instances, token, log)
	o.console = console.Handler()
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error, 1)
	go func() { ended <- o.serve(serving) }()
	return func() {
		stop()
		if err := <-ended; err != nil {
			log.Error("console", "error", err)
		}
	}, nil
}
