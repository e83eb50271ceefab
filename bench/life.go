package main

import (
	"context"
	"fmt"
	"os"
	"time"
)

// life is an engine at work: its processes from one start to their end, and what they use.
type life struct {
	engine    engine
	job       job
	started   time.Time
	processes []*process
	sampler   *sampler
	stopLooks context.CancelFunc
}

// begin starts the processes of an engine.
func begin(ctx context.Context, e engine, j job) (*life, error) {
	commands, err := e.commands(j)
	if err != nil {
		return nil, fmt.Errorf("prepare %s: %w", e.name(), err)
	}
	looks, stop := context.WithCancel(ctx)
	l := &life{engine: e, job: j, sampler: newSampler(), stopLooks: stop, started: time.Now()}
	for _, c := range commands {
		p, err := start(c)
		if err != nil {
			l.kill()
			return nil, err
		}
		l.processes = append(l.processes, p)
		l.sampler.watch(p.pid)
	}
	go l.sampler.run(looks)
	return l, nil
}

func (l *life) alive() error {
	for _, p := range l.processes {
		if err := p.alive(); err != nil {
			return err
		}
	}
	return nil
}

// kill ends all processes at once, as a crash does.
func (l *life) kill() {
	l.stopLooks()
	for _, p := range l.processes {
		p.kill()
	}
	l.processes = nil
}

// stop ends them as an operator would.
func (l *life) stop() error {
	l.stopLooks()
	var last error
	for _, p := range l.processes {
		if err := p.stop(); err != nil {
			last = fmt.Errorf("%s: %w", l.engine.name(), err)
		}
	}
	l.processes = nil
	return last
}

// stage is a place for one run: output topics, a state folder and an identity that nobody has used before.
func (h *harness) stage(ctx context.Context, e engine, source string, partitions int) (job, error) {
	h.stages++
	id := fmt.Sprintf("bench-%s-%d", e.name(), h.stages)
	j := job{ID: id, Brokers: h.cluster.addr, Source: source, Out: id + "-out", State: fmt.Sprintf("%s/state/%s", h.work, id), Heap: h.options.Heap,
		Processes: 1, Partitions: partitions, Windows: 2, Rules: 1}
	if err := os.MkdirAll(j.State, 0o755); err != nil {
		return j, err
	}
	if e.group(j) == "" {
		return j, nil
	}
	for _, topic := range j.outputs() {
		if err := h.cluster.topic(ctx, topic, partitions); err != nil {
			return j, err
		}
	}
	return j, nil
}

// strike clears a stage: topics but the loaded sources, and the state.
func (h *harness) strike(j job) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := h.cluster.clear(ctx, h.loaded); err != nil {
		h.say("clear the cluster: %v", err)
	}
	if h.options.Keep {
		return
	}
	if err := os.RemoveAll(j.State); err != nil {
		h.say("clear %s: %v", j.State, err)
	}
}
