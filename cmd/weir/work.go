package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/engine"
)

// work is what an instance makes of one version of its file, and what a reload
// replaces as a whole.
type work struct {
	pipeline *configs.Pipeline
	engine   *engine.Engine
	groups   *groupInstance
	outlets  []outlet
	log      *slog.Logger
}

// work is that of the file in force.
func (i *instance) work() *work { return i.now.Load() }

// onStart has f called with the work of every version of the file before it begins.
// It must be called before Run.
func (i *instance) onStart(f func(*work)) { i.starts = append(i.starts, f) }

// prepare makes the work of a file. It starts nothing.
func (i *instance) prepare(p *configs.Pipeline) (w *work, err error) {
	w = &work{pipeline: p, log: i.log}
	if w.engine, err = newEngine(p, i.options); err != nil {
		return nil, err
	}
	if w.groups, err = i.openGroups(p); err != nil {
		return nil, err
	}
	if w.outlets, err = i.openOutlets(p); err != nil {
		return nil, err
	}
	return w, nil
}

// ready reports whether every owned task is live.
func (w *work) ready() bool { return w.engine.Ready() && w.groups.ready() }

// keepSeats makes the engines end without leaving their groups.
func (w *work) keepSeats() {
	w.engine.KeepSeat()
	w.groups.engine.KeepSeat()
}

// lifetimes are how long the parts of a work may run: outlets stop first.
type lifetimes struct{ engines, outlets context.Context }

// run runs engines and outlets until their time is over or one of them fails.
func (w *work) run(ctx lifetimes) error {
	group, engines := errgroup.WithContext(ctx.engines)
	outlets, stop := context.WithCancel(engines)
	defer stop()
	defer context.AfterFunc(ctx.outlets, stop)()
	group.Go(func() error {
		err := w.engine.Run(engines)
		if err == nil && engines.Err() == nil {
			err = errors.New("engine ended by itself")
		}
		return err
	})
	group.Go(func() error { return w.groups.run(engines) })
	group.Go(func() error { return runOutlets(outlets, w.outlets, w.log) })
	return group.Wait()
}

// runWork runs the work of one version of the file after the other. One that fails
// before it was ever ready gives way to the one before it.
func (i *instance) runWork(ctx lifetimes) error {
	defer close(i.over)
	var asked *reload            // that brought the work at hand, and is not decided
	var former *configs.Pipeline // the newest version before it that was not such a one
	for {
		next, ready, err := i.tend(ctx, asked)
		if ready {
			asked, former = nil, nil
		}
		switch {
		case asked != nil && next != nil:
			// What was never ready is nothing to go back to, and how it ends does not matter.
			if err != nil {
				i.log.Warn("the changed file that another takes the place of", "reason", err)
			}
			i.decide(asked, reloadReplaced, errReplaced)
			asked = next
			i.now.Store(next.work)
		case err != nil && asked != nil && ctx.engines.Err() == nil:
			i.log.Error("the changed file fails, going back to the one before it", "reason", err)
			back, failed := i.prepare(former)
			if failed != nil {
				err = errors.Join(err, failed)
				i.decide(asked, reloadFailed, err)
				return err
			}
			i.now.Store(back)
			i.decide(asked, reloadFailed, fmt.Errorf("went back to the file as it was: %w", err))
			asked, former = nil, nil
		case err != nil && next != nil:
			i.decide(next, reloadFailed, err)
			return err
		case err != nil || next == nil:
			return err
		default:
			former, asked = i.work().pipeline, next
			i.now.Store(next.work)
		}
	}
}

// tend runs the work in force until it ends or is to give way to another, which it
// returns, and whether it was ever ready. A reload that brought it is decided then.
func (i *instance) tend(ctx lifetimes, asked *reload) (next *reload, ready bool, err error) {
	w := i.work()
	for _, f := range i.starts {
		f(w)
	}
	var mine lifetimes
	var stop, stopOutlets context.CancelFunc
	mine.engines, stop = context.WithCancel(ctx.engines)
	defer stop()
	mine.outlets, stopOutlets = context.WithCancel(ctx.outlets)
	defer stopOutlets()
	ended := make(chan error, 1)
	go func() { ended <- w.run(mine) }()
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	isReady := func() {
		if ready || !w.ready() {
			return
		}
		ready = true
		look.Stop()
		if asked != nil {
			i.decide(asked, reloadDone, nil)
		}
	}
	for {
		select {
		case err := <-ended:
			return nil, ready, err
		case <-look.C:
			isReady()
		case next := <-i.reloads:
			isReady()
			// The clients of the brokers are made anew, the seats in the groups are not.
			w.keepSeats()
			stopOutlets()
			stop()
			return next, ready, <-ended
		}
	}
}
