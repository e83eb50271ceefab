package main

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	restartRounds  = 2  // readings of each device before the first kill
	followedWithin = 10 // seconds that an engine may be behind the flow: checkpoints of a large state take some
)

// restartCase is a fleet whose engine is killed under load.
type restartCase struct {
	Devices int
	Rate    int // readings a second that flow while it is killed
	Name    string
	Settle  time.Duration // under load before each kill
}

// restart fills an engine with the state of all devices, lets readings flow, kills it with SIGKILL and measures from the exec of its next life to
// the first record of that life that a read_committed consumer sees: with its local state, then without. Each loss is a result of its own.
// At the end all outputs over all lives are compared.
func (h *harness) restart(ctx context.Context, c restartCase, e engine, r result) ([]result, error) {
	var all []result
	for i, loss := range e.losses() {
		one := r
		one.Case, one.Order = c.Name+", "+loss.name, r.Order+int64(i)
		one.Figures = map[string]float64{"devices": float64(c.Devices)}
		all = append(all, one)
	}
	v, err := h.restarts(ctx, c, e, all)
	for i := range all {
		all[i].Verdict = v
	}
	return all, err
}

// restarts fills in the figures of the losses, one after the other, and compares the results of all lives.
func (h *harness) restarts(ctx context.Context, c restartCase, e engine, all []result) (*verdict, error) {
	h.stages++
	source := fmt.Sprintf("restart-%d", h.stages)
	in := newInput(inputOptions{Devices: c.Devices, IntervalMs: h.options.IntervalMs()})
	readings := int64(c.Devices) * restartRounds
	if err := load(ctx, h.cluster, loadOptions{Topic: source, Partitions: sourcePartitions, Input: in, Readings: readings}); err != nil {
		return nil, err
	}
	j, err := h.stage(ctx, e, source, sourcePartitions)
	if err != nil {
		return nil, err
	}
	defer h.strike(j)
	l, err := begin(ctx, e, j)
	if err != nil {
		return nil, err
	}
	defer func() { l.kill() }()
	if err := h.awaitCommitted(ctx, l, readings); err != nil {
		return nil, fmt.Errorf("fill the state: %w", err)
	}
	s, err := newSender(senderOptions{Brokers: h.cluster.addr, Topic: source})
	if err != nil {
		return nil, err
	}
	defer s.close()
	f := startFlow(ctx, flowOptions{Sender: s, Input: in, Rate: c.Rate, First: readings, Begin: time.Now()})
	for i, loss := range e.losses() {
		if err := h.settleFlow(ctx, l, f, c.Settle); err != nil {
			return nil, err
		}
		l.kill()
		next, first, err := h.resurrect(ctx, e, j, loss)
		if next != nil {
			l = next
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", loss.name, err)
		}
		all[i].Figures["first_output_s"] = first.Seconds()
		h.say("%s: %s: first output after %.3f s", e.name(), loss.name, first.Seconds())
	}
	return h.closeFlow(ctx, l, f)
}

// settleFlow waits until the engine follows the flow, and then some.
func (h *harness) settleFlow(ctx context.Context, l *life, f *flow, some time.Duration) error {
	err := poll(ctx, lagEvery, func() (bool, error) {
		if err := l.alive(); err != nil {
			return false, err
		}
		return f.sent.Load()-total(h.cluster.committed(ctx, l.engine.group(l.job), l.job.Source)) < followedWithin*int64(f.rate), nil
	})
	if err != nil {
		return fmt.Errorf("follow the flow: %w", err)
	}
	return sleepUntil(ctx, time.Now().Add(some))
}

// resurrect starts the next life of a dead engine, and tells how long it took to the first output of that life: everything behind the ends of the
// topics as the dead one left them.
func (h *harness) resurrect(ctx context.Context, e engine, j job, loss loss) (*life, time.Duration, error) {
	if loss.remove != nil {
		if err := loss.remove(j); err != nil {
			return nil, 0, err
		}
	}
	ends, err := h.cluster.ends(ctx, j.outputs()...)
	if err != nil {
		return nil, 0, err
	}
	from := map[string]map[int32]kgo.Offset{}
	for topic, partitions := range ends {
		from[topic] = map[int32]kgo.Offset{}
		for p, end := range partitions {
			from[topic][p] = kgo.NewOffset().At(end)
		}
	}
	w, err := h.cluster.watchFrom(ctx, kgo.ConsumePartitions(from), nil)
	if err != nil {
		return nil, 0, err
	}
	defer w.close()
	l, err := begin(ctx, e, j)
	if err != nil {
		return nil, 0, err
	}
	seen, err := w.first(ctx)
	if err != nil {
		return l, 0, fmt.Errorf("wait for the first output: %w", err)
	}
	return l, seen.at.Sub(l.started), nil
}

// closeFlow ends the flow, closes all windows and compares what came out over all lives.
func (h *harness) closeFlow(ctx context.Context, l *life, f *flow) (*verdict, error) {
	sent, err := f.end(ctx)
	if err != nil {
		return nil, err
	}
	closeAll(ctx, f.sender, f.in, sent)
	if err := f.sender.flush(ctx); err != nil {
		return nil, err
	}
	if err := h.awaitCommitted(ctx, l, sent+int64(f.in.devices)); err != nil {
		return nil, fmt.Errorf("work off the rest: %w", err)
	}
	if _, err := h.followOutputs(ctx, l); err != nil {
		return nil, err
	}
	if err := l.stop(); err != nil {
		h.say("%v", err)
	}
	sheet := newSheet(f.in, sheetOptions{Readings: sent, Closing: true})
	_, err = h.cluster.check(ctx, sheet, l.engine.decoder(), l.job.outputs())
	return sheet.judge(), err
}
