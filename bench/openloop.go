package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	probes       = 16 // readings that find out whether an engine works, before the flow
	drainFor     = time.Minute
	roundOfFlow  = 1_000 // ms: each device of a flow sends once a second
	lastSightFor = 2 * time.Second
)

// openLoopCase is a load offered at a rate, whether or not the engine keeps up.
type openLoopCase struct {
	Measure string
	Name    string
	Rate    int // readings a second, and as many devices
	Warm    time.Duration
	For     time.Duration
}

// sighting is an alert event as a read_committed consumer saw it.
type sighting struct {
	at    time.Time
	value []byte
}

func (h *harness) openLoop(ctx context.Context, c openLoopCase, e engine, r *result) error {
	h.stages++
	source := fmt.Sprintf("flow-%d", h.stages)
	if err := h.cluster.source(ctx, source, sourcePartitions); err != nil {
		return err
	}
	j, err := h.stage(ctx, e, source, sourcePartitions)
	if err != nil {
		return err
	}
	defer h.strike(j)
	s, err := newSender(senderOptions{Brokers: h.cluster.addr, Topic: source})
	if err != nil {
		return err
	}
	defer s.close()
	w, err := h.cluster.watchTopic(ctx, j.alerts(), nil)
	if err != nil {
		return err
	}
	defer w.close()
	l, err := begin(ctx, e, j)
	if err != nil {
		return err
	}
	defer l.kill()
	if err := h.probe(ctx, l, s); err != nil {
		return err
	}
	begun := time.Now()
	f := startFlow(ctx, flowOptions{Sender: s, Input: newInput(inputOptions{Devices: c.Rate, IntervalMs: roundOfFlow, FirstMs: begun.UnixMilli()}), Rate: c.Rate, Begin: begun})
	r.Figures = map[string]float64{"rate": float64(c.Rate)}
	from, to := begun.Add(c.Warm), begun.Add(c.Warm+c.For)
	if err := h.observe(ctx, l, window{from, to}, r.Figures); err != nil {
		return err
	}
	sent, err := f.end(ctx)
	if err != nil {
		return err
	}
	if err := h.drain(ctx, l, sent+probes, r.Figures); err != nil {
		return err
	}
	w.settle(ctx)
	if err := l.stop(); err != nil {
		h.say("%v", err)
	}
	return h.latencies(ctx, f, look{sent: sent, window: window{from, to}, seen: w.all(), source: source, decode: e.decoder()}, r)
}

// window is a stretch of time.
type window struct{ from, to time.Time }

// probe sends some readings of devices that are not in the flow, spread over the partitions, and waits until they are committed: the
// engine works.
func (h *harness) probe(ctx context.Context, l *life, s *sender) error {
	for i := range probes {
		s.send(ctx, reading{device: maxDevices - 1 - int32(i), ts: time.Now().UnixMilli(), milli: closingMilli})
	}
	if err := s.flush(ctx); err != nil {
		return err
	}
	if err := h.awaitCommitted(ctx, l, probes); err != nil {
		return fmt.Errorf("wait for the engine: %w", err)
	}
	return nil
}

func (h *harness) awaitCommitted(ctx context.Context, l *life, records int64) error {
	return poll(ctx, lagEvery, func() (bool, error) {
		if err := l.alive(); err != nil {
			return false, err
		}
		return total(h.cluster.committed(ctx, l.engine.group(l.job), l.job.Source)) >= records, nil
	})
}

// observe looks at what the engine uses from one time to another.
func (h *harness) observe(ctx context.Context, l *life, over window, figures map[string]float64) error {
	if err := sleepUntil(ctx, over.from); err != nil {
		return err
	}
	before, brokerBefore, mallocsBefore := l.sampler.look(true), h.brokerUsage(), h.mallocs(ctx, l)
	began := time.Now()
	if err := sleepUntil(ctx, over.to); err != nil {
		return err
	}
	after, brokerAfter, mallocsAfter := l.sampler.look(true), h.brokerUsage(), h.mallocs(ctx, l)
	seconds := time.Since(began).Seconds()
	readings := figures["rate"] * seconds
	figures["cpu_share"] = (after.CPU - before.CPU).Seconds() / seconds
	figures["cpu_us_per_reading"] = (after.CPU - before.CPU).Seconds() / readings * 1e6
	figures["broker_cpu_share"] = (brokerAfter.cpu - brokerBefore.cpu).Seconds() / seconds
	figures["disk_written_bytes_per_reading"] = float64(after.Written-before.Written) / readings
	figures["broker_written_bytes_per_reading"] = float64(brokerAfter.written-brokerBefore.written) / readings
	figures["rss_bytes"] = float64(after.RSS)
	if mallocsAfter > 0 {
		figures["mallocs_per_reading"] = (mallocsAfter - mallocsBefore) / readings
	}
	return l.alive()
}

// mallocs is how many objects weir has allocated so far; 0 for others.
func (h *harness) mallocs(ctx context.Context, l *life) float64 {
	if w, ok := l.engine.(weir); ok {
		return w.metric(ctx, l.job, "go_memstats_mallocs_total")
	}
	return 0
}

// drain waits until the engine has committed all that was sent, and notes how far behind it was.
func (h *harness) drain(ctx context.Context, l *life, records int64, figures map[string]float64) error {
	began := time.Now()
	committed := total(h.cluster.committed(ctx, l.engine.group(l.job), l.job.Source))
	figures["lag_at_end_readings"] = float64(records - committed)
	limit, cancel := context.WithTimeoutCause(ctx, drainFor, fmt.Errorf("did not keep up: %v behind the last reading not all is committed", drainFor))
	defer cancel()
	if err := h.awaitCommitted(limit, l, records); err != nil {
		return err
	}
	figures["drained_s"] = time.Since(began).Seconds()
	return nil
}

// look is what was seen of a flow.
type look struct {
	sent   int64
	window window
	seen   []sighting
	source string
	decode decoder
}

// latencies compares the alerts with the model's, and tells how long each of the window took: from when its reading was due, and from the
// broker's append time of the reading, which is cut to milliseconds, so that the figure is too great by half of one on average.
func (h *harness) latencies(ctx context.Context, f *flow, o look, r *result) error {
	sheet := newSheet(f.in, sheetOptions{Readings: o.sent, AlertsOnly: true})
	appended, err := h.cluster.appendTimes(ctx, o.source)
	if err != nil {
		return err
	}
	var fromDue, fromAppend []float64
	for _, s := range o.seen {
		t, err := o.decode(s.value)
		if err != nil {
			sheet.broken(err)
			continue
		}
		sheet.take(t)
		if int(t.device) >= f.in.devices {
			continue
		}
		k := f.indexOf(t.device, t.at)
		if due := f.due(k); !due.Before(o.window.from) && due.Before(o.window.to) {
			fromDue = append(fromDue, s.at.Sub(due).Seconds()*1000)
			fromAppend = append(fromAppend, float64(s.at.UnixMicro())/1000-float64(appended[key{device: t.device, at: t.at}]))
		}
	}
	r.Verdict = sheet.judge()
	r.Figures["alerts"] = float64(len(fromDue))
	note := func(name string, values []float64) {
		slices.Sort(values)
		for _, p := range latencyPoints {
			if len(values) > 0 {
				r.Figures[name+"_"+p.name+"_ms"] = percentile(values, p.percent)
			}
		}
	}
	note("due", fromDue)
	note("append", fromAppend)
	return nil
}

// table: the percentiles that are kept.
var latencyPoints = []struct {
	name    string
	percent float64
}{{"p50", 50}, {"p90", 90}, {"p99", 99}, {"p999", 99.9}, {"max", 100}}

// indexOf finds the reading of a hot device by its time, which is less than a round behind the time of the round and never repeats.
func (f *flow) indexOf(device int32, ts int64) int64 {
	n := int64(f.in.devices)
	round := max(0, ts-f.in.firstMs) / f.in.intervalMs // or one of the next few: a hot device stamps late by as much as the disorder
	for f.in.of(device, round).ts < ts {
		round++
	}
	return round*n + f.in.position(device, round)
}

// appendTimes reads when the broker appended the readings of hot devices.
func (c *cluster) appendTimes(ctx context.Context, topic string) (map[key]int64, error) {
	found, read := map[key]int64{}, readingDecoder()
	err := c.read(ctx, []string{topic}, func(r *kgo.Record) {
		if device, ok := deviceOf(r.Key); !ok || !hot(device) {
			return
		}
		if sent, err := read(r.Value); err == nil {
			found[key{device: sent.device, at: sent.ts}] = r.Timestamp.UnixMilli()
		}
	})
	return found, err
}

func sleepUntil(ctx context.Context, t time.Time) error {
	timer := time.NewTimer(time.Until(t))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}
