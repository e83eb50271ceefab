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
	derived    bool // the metric load is derived
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
	if rng.IntN(3) == 0 {
		late += fmt.Sprintf(", reset_clock_after: %ds", 4+rng.IntN(8))
	}
	fmt.Fprintf(&b, "time: {wait_for_late: %dms, idle_after: %dms, max_future_skew: %ds, late: %s}\n",
		500*(1+rng.IntN(6)), 1000*(2+rng.IntN(5)), 2+rng.IntN(6), late)
	switch rng.IntN(5) {
	case 0:
		b.WriteString("dedupe: {by: off}\n")
	case 1:
		b.WriteString("dedupe: {by: seq, remember: 5s}\n")
	case 2:
		fmt.Fprintf(&b, "dedupe: {by: [device, metric, time], remember: %s}\n", []string{"5s", "1h"}[rng.IntN(2)])
	default:
		b.WriteString("dedupe: {by: seq}\n")
	}
	expressions(&b, s, rng)
	windows(&b, s, rng)
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
