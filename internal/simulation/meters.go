package simulation

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/weirstream/weir/configs"
)

// meter is a device that measures so often that a rule on anomalies has learned what it does before the
// world ends, and that then does something else now and then.
type meter struct {
	*device
	rng    *rand.Rand
	step   time.Duration // of event time, from reading to reading
	fault  oddity
	left   int // readings of the fault
	offset float64
	stuck  float64
}

// oddity is what a meter has.
type oddity int

const (
	ordinary oddity = iota
	jumps           // one reading is far off
	shifts          // its level is another one
	drifts
	sticks
	trembles
)

// learned is how many readings it takes until the first are judged.
const learned = 200

// isOdd reports whether a rule looks for anomalies.
func (s *shape) isOdd() bool {
	return slices.ContainsFunc(s.pipeline.Rules, func(r configs.Rule) bool { return r.Anomaly != nil })
}

// meters draws the messages of one or two meters, where a rule looks for anomalies.
func meters(s *shape, span time.Duration, base time.Time, partitionOf func([]byte, int) int, rng *rand.Rand) []message {
	if !s.isOdd() {
		return nil
	}
	var all []message
	for i := range 1 + rng.IntN(2) {
		d := &device{name: fmt.Sprintf("meter-%d", i), keyed: rng.IntN(2) == 0, seq: map[string]int64{}}
		d.partition = int32(partitionOf([]byte(d.name), int(s.partitions)))
		if s.days != nil {
			d.behind = s.days.behind
		}
		d.every = time.Duration(30+rng.IntN(70)) * time.Millisecond
		m := &meter{device: d, rng: rng, step: d.every}
		if rng.IntN(3) == 0 { // it brings what it has measured while nobody listened
			m.step = time.Duration(200+rng.IntN(2000)) * time.Millisecond
		}
		all = append(all, m.life(s, span, base)...)
	}
	return all
}

// life draws what the meter sends: many readings a message.
func (m *meter) life(s *shape, span time.Duration, base time.Time) []message {
	var all []message
	lag := time.Duration(span/m.every) * (m.step - m.every)
	n := 0
	for at := time.Duration(0); at < span; at += m.every {
		value := m.next(n)
		if n++; m.rng.IntN(400) == 0 {
			at += time.Duration(m.rng.Int64N(int64(2 * time.Duration(s.pipeline.Time.IdleAfter) * time.Millisecond))) // silent
		}
		for _, metric := range metricsOfRules(s) {
			r := readingDoc{metric: metric, time: at - lag - m.behind, timed: true, seq: int64(n), value: fmt.Sprintf("%.3f", value)}
			m.backlog = append(m.backlog, r)
		}
		lag -= min(lag, m.step-m.every)
		if len(m.backlog) < 1+m.rng.IntN(40) {
			continue
		}
		one := message{at: at, partition: m.partition, value: m.body(m.backlog, s, base, m.rng)}
		if m.keyed {
			one.key = []byte(m.name)
		}
		all, m.backlog = append(all, one), nil
	}
	return all
}

// metricsOfRules are those that rules on anomalies look at, by themselves or by way of windows. In a wide
// message they would be one object each, so that the first stands for all.
func metricsOfRules(s *shape) []string {
	var all []string
	for i := range s.pipeline.Rules {
		r := &s.pipeline.Rules[i]
		if r.Anomaly == nil {
			continue
		}
		metric := s.pipeline.Metrics[r.When.Metric]
		if w := r.Window(); w >= 0 {
			metric = s.pipeline.Windows[w].Metric
		}
		if strings.HasPrefix(metric, "load") {
			metric = "temperature" // which it is derived from
		}
		if !slices.Contains(all, metric) {
			all = append(all, metric)
		}
	}
	if s.wide {
		all = all[:1]
	}
	return all
}

// next is what the meter measures next.
func (m *meter) next(n int) float64 {
	if m.left--; m.left <= 0 {
		m.fault, m.offset = ordinary, 0
		if n > learned && m.rng.IntN(80) == 0 {
			m.fault = oddity(1 + m.rng.IntN(int(trembles)))
			m.left = []int{0, 1, 60 + m.rng.IntN(200), 300, 80, 60}[m.fault]
			m.stuck = 40 + m.rng.Float64()
		}
	}
	noise := m.rng.NormFloat64() / 2
	switch m.fault {
	case jumps, shifts:
		m.offset = 30
	case drifts:
		m.offset += 0.1
	case sticks:
		return m.stuck
	case trembles:
		noise *= 10
	}
	return min(max(40+m.offset+noise, 21), 89)
}
