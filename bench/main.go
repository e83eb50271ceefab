package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:])
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) == 3 && isCeiling(args[0]) {
		return runCeiling(ctx, args[1], args[2], args[0] == "ceiling-scan")
	}
	root, err := projectRoot()
	if err != nil {
		return err
	}
	o, err := parseOptions(root, args)
	if err != nil {
		return err
	}
	if o.Only {
		return writeReport(o.Files, o.Report)
	}
	chosen, err := choose(engines(root, o.Work), o.Engines)
	if err != nil {
		return err
	}
	return measure(ctx, root, o, chosen)
}

// measure does all that was asked for, and writes the report of it.
func measure(ctx context.Context, root string, o options, chosen []engine) error {
	results, err := openJournal(o.Results)
	if err != nil {
		return err
	}
	defer results.close()
	h := &harness{options: o, root: root, work: filepath.Join(o.Work, fmt.Sprint(os.Getpid())), results: results, loaded: map[string]bool{}}
	if err := os.MkdirAll(h.work, 0o755); err != nil {
		return err
	}
	if !o.Keep {
		defer os.RemoveAll(h.work)
	}
	ready := h.prepare(ctx, chosen)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if h.cluster, err = startCluster(ctx, root); err != nil {
		return err
	}
	defer func() {
		if err := h.cluster.stop(); err != nil {
			h.say("%v", err)
		}
	}()
	if err := results.add(result{At: h.now(), Measure: "machine", Quick: o.Quick, Command: o.Line, Facts: machineFacts(ctx, root)}); err != nil {
		return err
	}
	if err := h.all(ctx, ready); err != nil {
		return err
	}
	return writeReport([]string{o.Results}, o.Report)
}

// projectRoot is the folder of the module.
func projectRoot() (string, error) {
	out, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("find the project: %w", err)
	}
	file := strings.TrimSpace(string(out))
	if filepath.Base(file) != "go.mod" {
		return "", errors.New("run it in a clone of the project: go run ./bench")
	}
	return filepath.Dir(file), nil
}
