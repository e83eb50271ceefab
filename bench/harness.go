package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"time"
)

// harness is one call of the program.
type harness struct {
	options options
	root    string
	work    string // folder of states and logs
	cluster *cluster
	results *journal
	loaded  map[string]bool // source topics that are used again
	stages  int
}

// say tells the one who waits.
func (h *harness) say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "%s %s\n", time.Now().Format("15:04:05"), fmt.Sprintf(format, args...))
}

func (h *harness) now() time.Time { return time.Now().UTC().Truncate(time.Second) }

// prepare builds the engines and leaves out those that cannot be had.
func (h *harness) prepare(ctx context.Context, chosen []engine) []engine {
	var ready []engine
	for _, e := range chosen {
		if err := e.prepare(ctx); err != nil {
			h.say("without %s: %v", e.name(), err)
			continue
		}
		ready = append(ready, e)
	}
	return ready
}

// trial is one case of one measure: every engine does it once in a run.
type trial struct {
	measure string
	name    string
	order   int64
	command string // that makes it again
	engines []engine
	do      func(ctx context.Context, e engine, r result) ([]result, error)
}

// all makes all trials, each in runs: run 1 of all engines, then run 2 of all, so that what the machine does besides falls on all alike. An
// engine that was not done with a trial within the limit does not get it again.
func (h *harness) all(ctx context.Context, chosen []engine) error {
	for _, t := range h.trials(chosen) {
		late := map[string]bool{}
		for run := 1; run <= h.options.Runs; run++ {
			for _, e := range t.engines {
				if late[e.name()] {
					continue
				}
				done, err := h.one(ctx, t, e, run)
				if err != nil {
					return err
				}
				late[e.name()] = !done
			}
		}
	}
	return nil
}

// one lets one engine do one trial, and tells whether it was done within the limit. What goes wrong with the engine is a result too; an
// error ends everything.
func (h *harness) one(ctx context.Context, t trial, e engine, run int) (done bool, err error) {
	limit, cancel := context.WithTimeoutCause(ctx, h.options.Limit, fmt.Errorf("not done in %v", h.options.Limit))
	defer cancel()
	r := result{At: h.now(), Measure: t.measure, Case: t.name, Order: t.order, Engine: e.name(), Run: run, Quick: h.options.Quick, Command: t.command}
	h.say("%s, %s, run %d: %s", t.measure, t.name, run, e.name())
	results, err := t.do(limit, e, r)
	if ctx.Err() != nil {
		return false, context.Cause(ctx)
	}
	if err != nil && len(results) == 0 {
		results = []result{r}
	}
	for i := range results {
		if err != nil { // whatever was measured before it: nobody has compared the results
			results[i].Failed = err.Error()
		}
	}
	for _, r := range results {
		h.tell(r)
		if err := h.results.add(r); err != nil {
			return false, err
		}
	}
	return limit.Err() == nil, nil
}

func (h *harness) tell(r result) {
	switch {
	case r.Failed != "":
		h.say("  FAILED: %s", r.Failed)
	case r.Verdict != nil:
		h.say("  %s: %s", r.Case, r.Verdict)
	}
	for _, name := range []string{"wall_s", "cpu_s", "readings_per_cpu_s", "append_p99_ms", "cpu_share", "first_output_s", "messages_per_s"} {
		if v, ok := r.Figures[name]; ok {
			h.say("  %s %.6g", name, v)
		}
	}
}

// single adapts a measure that has one result.
func single(do func(ctx context.Context, e engine, r *result) error) func(context.Context, engine, result) ([]result, error) {
	return func(ctx context.Context, e engine, r result) ([]result, error) {
		if err := do(ctx, e, &r); err != nil {
			return nil, err
		}
		return []result{r}, nil
	}
}

// those are the engines that pass a test.
func those(all []engine, keep func(name string) bool) []engine {
	return slices.DeleteFunc(slices.Clone(all), func(e engine) bool { return !keep(e.name()) })
}
