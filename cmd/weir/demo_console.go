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
	err = o.listen(f.http)
	if host, _, split := net.SplitHostPort(f.http); f.anyPort && split == nil && errors.Is(err, syscall.EADDRINUSE) {
		err = o.listen(net.JoinHostPort(host, "0"))
	}
	if err != nil {
		return nil, err
	}
	token, err := apiToken("")
	if err != nil {
		return nil, errors.Join(err, o.listener.Close())
	}
	o.api = newAPI(o.instances, token, log)
	o.console = console.Handler()
	if !f.json {
		fmt.Fprintf(os.Stderr, "console http://%s/\n", o.addr())
	}
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
