package simulation

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/weirstream/weir/configs"
)

// shape is a pipeline and what its producers have to know of it.
type shape struct {
	text       string
	pipeline   *configs.Pipeline
	partitions int32
	wide       bool
	rfc3339    bool // event times are texts
	forgets    bool // soon enough to happen
}

// newShape draws a pipeline.
func newShape(rng *rand.Rand) (*shape, error) {
	s := &shape{partitions: 1 + rng.Int32N(4), wide: rng.IntN(4) == 0, rfc3339: rng.IntN(3) == 0, forgets: rng.IntN(2) == 0}
	if rng.IntN(2) == 0 {
		s.partitions = 1
	}
	var b strings.Builder
	b.WriteString("name: sim\nkafka: {brokers: [\"localhost:9092\"]}\n")
	unit := "unit: ms, "
	if s.rfc3339 {
		unit = ""
	}
	if s.wide {
		fmt.Fprintf(&b, "source: {topic: readings, reading: {device: id, time: at, %sseq: n, metrics: [temperature, pressure, humidity]}}\n", unit)
	} else {
		fmt.Fprintf(&b, "source: {topic: readings, reading: {device: device, metric: metric, time: ts, %svalue: value, seq: seq}}\n", unit)
	}
	late := "quarantine"
	if rng.IntN(2) == 0 {
		late = fmt.Sprintf("update, allow_backfill: %ds", 2+rng.IntN(6))
	}
	fmt.Fprintf(&b, "time: {wait_for_late: %dms, idle_after: %dms, max_future_skew: %ds, late: %s}\n",
		500*(1+rng.IntN(6)), 1000*(2+rng.IntN(5)), 2+rng.IntN(6), late)
	switch rng.IntN(4) {
	case 0:
		b.WriteString("dedupe: {by: off}\n")
	case 1:
		b.WriteString("dedupe: {by: seq, remember: 5s}\n")
	default:
		b.WriteString("dedupe: {by: seq}\n")
	}
	windows(&b, rng)
	forget := "1h"
	if s.forgets {
		forget = fmt.Sprintf("%ds", 25+rng.IntN(10))
	}
	fmt.Fprintf(&b, "alerts: {topic: alerts}\ncommit_interval: %dms\nstate: {dir: ./state, forget_after: %s}\n", []int{20, 100, 100, 500}[rng.IntN(4)], forget)
	s.text = b.String()
	p, diagnostics := configs.Parse("sim.yaml", []byte(s.text), configs.Options{})
	if diagnostics.HasErrors() {
		return nil, fmt.Errorf("pipeline: %s\n%s", diagnostics, s.text)
	}
	p.State.Memory = 48 << 10 // so that pages come and go
	s.pipeline = p
	return s, nil
}

// windows draws the windows and the rules on them.
func windows(b *strings.Builder, rng *rand.Rand) {
	computes := []string{"[mean]", "[count, sum, min, max, mean, last]", "[max, mean]", "[mean, count]"}
	emits := []string{"{topic: aggregates}", "{topic: aggregates, on: change}", "{topic: aggregates}", "{topic: others, on: close}"}
	compute := func() string { return computes[rng.IntN(len(computes))] }
	emit := func() string { return emits[rng.IntN(len(emits))] }
	names := []string{"tumble"}
	b.WriteString("windows:\n")
	fmt.Fprintf(b, "  - {name: tumble, metric: temperature, tumbling: %ds, compute: %s, emit: %s}\n", []int{1, 2, 4, 5}[rng.IntN(4)], compute(), emit())
	if rng.IntN(3) > 0 {
		every := 1 + rng.IntN(3)
		metric := []string{"temperature", "pressure"}[rng.IntN(2)]
		fmt.Fprintf(b, "  - {name: hop, metric: %s, hopping: {size: %ds, every: %ds}, compute: %s, emit: %s}\n", metric, every*(2+rng.IntN(4)), every, compute(), emit())
		if rng.IntN(2) == 0 {
			names = append(names, "hop")
		}
	}
	if rng.IntN(2) == 0 {
		metric := []string{"temperature", "pressure"}[rng.IntN(2)]
		e := ", emit: {topic: aggregates}"
		watched := rng.IntN(2) == 0
		if watched && rng.IntN(2) == 0 {
			e = ""
		}
		fmt.Fprintf(b, "  - {name: newest, metric: %s, count: %d, compute: %s%s}\n", metric, 1+rng.IntN(6), strings.Replace(compute(), "[mean, count]", "[mean, min]", 1), e)
		if watched {
			names = append(names, "newest")
		}
	}
	b.WriteString("rules:\n")
	for _, name := range names {
		if !strings.Contains(b.String(), "name: "+name) {
			continue
		}
		result := "mean"
		levels := "{warning: {above: 55, clear_below: 45}, critical: {above: 70}}"
		switch rng.IntN(3) {
		case 0:
			levels = "{warning: {above: 50}, critical: {above: 60, clear_below: 40, hold: 4s}}"
		case 1:
			levels = "{low: {below: 45, clear_above: 55, hold: 2s}}"
		}
		fmt.Fprintf(b, "  - {name: on-%s, when: %s.%s, levels: %s, message: \"{{device}} {{rule}} {{level}} {{value}} {{threshold}} {{active_for}} {{window.start}}\"}\n", name, name, result, levels)
	}
	if rng.IntN(2) == 0 {
		metric := []string{"temperature", "humidity"}[rng.IntN(2)]
		hold := []string{"", ", hold: 1s", ", hold: 3s"}[rng.IntN(3)]
		fmt.Fprintf(b, "  - {name: bare, when: %s, levels: {warning: {above: 60, clear_below: 50%s}, critical: {above: 80}}, message: \"{{device}} {{metric}} {{value | printf \\\"%%.2f\\\"}}\"}\n", metric, hold)
	}
}
