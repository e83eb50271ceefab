package main

import (
	"context"
	"fmt"
	"maps"
	"time"
)

const (
	warmShare   = 0.2             // of the source, after which the steady part of a catch-up begins
	steadyLeast = time.Second     // a shorter steady part says nothing: CPU is told in hundredths, and engines work ahead of their commits
	quietFor    = 3 * time.Second // without a new visible output after lag 0: that was the last
	lagEvery    = 50 * time.Millisecond
	settleEvery = 20 * time.Millisecond
)

// catchupCase is a backlog to be worked off.
type catchupCase struct {
	Measure    string
	Name       string
	Order      int64
	Devices    int
	Readings   int64
	Partitions int
	Processes  int
	Windows    int
	Rules      int
	Unchecked  bool // the results are compared in another case
}

func (c catchupCase) input(intervalMs int64) input {
	return newInput(inputOptions{Devices: c.Devices, IntervalMs: intervalMs})
}

// topic is the source of a case, loaded when it is first asked for.
func (h *harness) backlog(ctx context.Context, c catchupCase) (string, error) {
	name := fmt.Sprintf("readings-%d-%d-p%d", c.Devices, c.Readings, c.Partitions)
	if h.loaded[name] {
		return name, nil
	}
	h.say("loading %d readings of %d devices into %d partitions", c.Readings, c.Devices, c.Partitions)
	began := time.Now()
	o := loadOptions{Topic: name, Partitions: c.Partitions, Input: c.input(h.options.IntervalMs()), Readings: c.Readings, Closing: true}
	if err := load(ctx, h.cluster, o); err != nil {
		return "", err
	}
	h.say("loaded in %.1f s", time.Since(began).Seconds())
	h.loaded[name] = true
	return name, nil
}

// mark is how far an engine had come at a time.
type mark struct {
	at        time.Duration // since its start
	cpu       time.Duration
	committed int64
}

// catchup lets one engine work off the backlog and fills in the result.
func (h *harness) catchup(ctx context.Context, c catchupCase, e engine, r *result) error {
	source, err := h.backlog(ctx, c)
	if err != nil {
		return err
	}
	j, err := h.stage(ctx, e, source, c.Partitions)
	if err != nil {
		return err
	}
	defer h.strike(j)
	j.Processes, j.Windows, j.Rules = c.Processes, max(c.Windows, 2), max(c.Rules, 1)
	ends, err := h.cluster.ends(ctx, source)
	if err != nil {
		return err
	}
	r.Figures = map[string]float64{"readings": float64(c.Readings), "records": float64(total(ends[source]))}
	broker := h.brokerUsage()
	l, err := begin(ctx, e, j)
	if err != nil {
		return err
	}
	defer l.kill()
	if e.group(j) == "" {
		return h.runsToEnd(ctx, l, r)
	}
	marks, err := h.followLag(ctx, l, ends[source])
	if err != nil {
		return err
	}
	visible, err := h.followOutputs(ctx, l)
	if err != nil {
		return err
	}
	throughput(r.Figures, marks)
	r.Figures["visible_s"] = visible.Seconds()
	h.footprint(ctx, l, r.Figures)
	used := h.brokerUsage()
	r.Figures["broker_cpu_s"] = (used.cpu - broker.cpu).Seconds()
	r.Figures["broker_written_bytes"] = float64(used.written - broker.written)
	if err := l.stop(); err != nil {
		h.say("%v", err)
	}
	if c.Unchecked {
		return nil
	}
	s := newSheet(c.input(h.options.IntervalMs()), sheetOptions{Readings: c.Readings, Closing: true, AlertsOnly: e.name() == "weir-silent"})
	n, err := h.cluster.check(ctx, s, e.decoder(), j.outputs())
	r.Figures["outputs"] = float64(n)
	r.Verdict = s.judge()
	return err
}

// runsToEnd is for what commits nothing: it has read all when it has ended.
func (h *harness) runsToEnd(ctx context.Context, l *life, r *result) error {
	p := l.processes[0]
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-p.ended:
	}
	wall := time.Since(l.started).Seconds()
	if !p.command.ProcessState.Success() {
		return p.alive()
	}
	cpu := (p.command.ProcessState.UserTime() + p.command.ProcessState.SystemTime()).Seconds()
	r.Figures["wall_s"], r.Figures["cpu_s"] = wall, cpu
	r.Figures["readings_per_wall_s"], r.Figures["readings_per_cpu_s"] = r.Figures["records"]/wall, r.Figures["records"]/cpu
	return nil
}

// followLag notes how far the engine has committed until nothing is left.
func (h *harness) followLag(ctx context.Context, l *life, ends map[int32]int64) ([]mark, error) {
	var marks []mark
	err := poll(ctx, lagEvery, func() (bool, error) {
		if err := l.alive(); err != nil {
			return false, err
		}
		done := h.cluster.committed(ctx, l.engine.group(l.job), l.job.Source)
		at := time.Since(l.started)
		if n := total(done); len(marks) == 0 || n > marks[len(marks)-1].committed {
			marks = append(marks, mark{at: at, cpu: l.sampler.look(false).CPU, committed: n})
		}
		for p, end := range ends {
			if end != done[p] {
				return false, nil
			}
		}
		return true, nil
	})
	if err != nil && len(marks) > 0 {
		last := marks[len(marks)-1]
		err = fmt.Errorf("%w: committed %d of %d", err, last.committed, total(ends))
	}
	return marks, err
}

// followOutputs waits until nothing more becomes visible, and tells when the last did.
func (h *harness) followOutputs(ctx context.Context, l *life) (time.Duration, error) {
	var last map[string]map[int32]int64
	visible, quietSince := time.Since(l.started), time.Now()
	err := poll(ctx, settleEvery, func() (bool, error) {
		if err := l.alive(); err != nil {
			return false, err
		}
		now, err := h.cluster.stable(ctx, l.job.outputs()...)
		if err != nil {
			return false, err
		}
		if last != nil && !maps.EqualFunc(now, last, maps.Equal[map[int32]int64]) {
			visible, quietSince = time.Since(l.started), time.Now()
		}
		last = now
		return time.Since(quietSince) > quietFor, nil
	})
	return visible, err
}

// throughput is taken over the whole life up to lag 0, and again without its beginning: from the first commit behind warmShare of the source, so
// that the start of a virtual machine and its compiling do not count.
func throughput(figures map[string]float64, marks []mark) {
	last := marks[len(marks)-1]
	records := float64(last.committed)
	figures["wall_s"], figures["cpu_s"] = last.at.Seconds(), last.cpu.Seconds()
	figures["readings_per_wall_s"] = records / last.at.Seconds()
	figures["readings_per_cpu_s"] = records / last.cpu.Seconds()
	for _, m := range marks {
		if share := float64(m.committed) / records; share < warmShare || share > 3*warmShare {
			continue
		}
		if cpu, wall := last.cpu-m.cpu, last.at-m.at; cpu > steadyLeast && wall > steadyLeast {
			figures["steady_readings_per_cpu_s"] = float64(last.committed-m.committed) / cpu.Seconds()
			figures["steady_readings_per_wall_s"] = float64(last.committed-m.committed) / wall.Seconds()
		}
		return
	}
}

// footprint notes memory, disk and Kafka's logs of a living engine.
func (h *harness) footprint(ctx context.Context, l *life, figures map[string]float64) {
	u := l.sampler.settle()
	figures["rss_peak_bytes"], figures["rss_bytes"], figures["pss_bytes"] = float64(u.RSSPeak), float64(u.RSS), float64(u.PSS)
	figures["disk_written_bytes"] = float64(u.Written)
	figures["state_bytes"] = float64(folderBytes(l.job.State))
	if w, ok := l.engine.(weir); ok {
		figures["live_heap_bytes"] = float64(w.liveHeap(l.job))
	}
	sizes, err := h.cluster.logBytes(ctx)
	if err != nil {
		h.say("%v", err)
		return
	}
	outputs, internal := int64(0), int64(0)
	for topic, n := range sizes {
		switch {
		case h.loaded[topic] || topic == l.job.Source || isBrokers(topic):
		case topic == l.job.Out+"-ten" || topic == l.job.Out+"-hop" || topic == l.job.Out+"-alerts" || topic == l.job.Out+"-more":
			outputs += n
		default:
			internal += n
		}
	}
	figures["output_log_bytes"], figures["internal_log_bytes"] = float64(outputs), float64(internal)
}

func isBrokers(topic string) bool { return len(topic) > 1 && topic[:2] == "__" }

// brokerUsed is what the broker's process has used so far.
type brokerUsed struct {
	cpu     time.Duration
	written int64
}

func (h *harness) brokerUsage() brokerUsed {
	s, err := readStat(h.cluster.pid)
	if err != nil {
		return brokerUsed{}
	}
	return brokerUsed{cpu: s.cpu, written: writtenBytes(h.cluster.pid)}
}
