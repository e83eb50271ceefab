package simulation

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/event"
)

// shape is a pipeline and what its producers have to know of it.
type shape struct {
	text       string
	pipeline   *configs.Pipeline
	partitions int32
	wide       bool
	rfc3339    bool      // event times are texts
	forgets    bool      // soon enough to happen
	derived    bool      // the metric load is derived
	rosters    []version // of the file that names the devices, in the order of their times; nil: there is none
	editions   []edition // the files of the pipeline, in the order of their times
	days       *days     // nil: no window is a calendar day
}

// newShape draws a pipeline of a world that begins at base and lasts so long. What more
// there is in it comes from another stream of chance than the rest.
func newShape(base time.Time, span time.Duration, rng, more *rand.Rand) (*shape, error) {
	s := &shape{partitions: 1 + rng.Int32N(4), wide: rng.IntN(4) == 0, rfc3339: rng.IntN(3) == 0, forgets: rng.IntN(2) == 0}
	if rng.IntN(2) == 0 {
		s.partitions = 1
	}
	if rng.IntN(4) == 0 {
		var err error
		if s.days, err = drawDays(base, rng); err != nil {
			return nil, err
		}
		s.forgets = false // no device is forgotten in a day
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
	if rng.IntN(3) == 0 {
		s.rosters = append(s.rosters, firstRoster(rng))
		fmt.Fprintf(&b, "devices: {roster: %s}\n", rosterName)
	}
	expressions(&b, s, rng)
	windows(&b, s, rng)
	fmt.Fprintf(&b, "alerts: {topic: alerts}\ncommit_interval: %dms\n", []int{20, 100, 100, 500}[rng.IntN(4)])
	forget := "50h"
	if s.forgets {
		forget = fmt.Sprintf("%ds", 25+rng.IntN(10))
	}
	if err := s.parse(b.String(), forget); err != nil {
		return nil, err
	}
	text := additions{more, s.pipeline}.to(b.String(), 4)
	if err := s.parse(text, forget); err != nil {
		return nil, err
	}
	if s.forgets && hasKind("forget") && rng.IntN(2) == 0 {
		if err := s.parse(text, fmt.Sprintf("%dms", least(s.pipeline)+event.Time(rng.IntN(5000)))); err != nil {
			return nil, err
		}
	}
	if s.rosters != nil {
		s.rosters = append(s.rosters, laterRosters(s, span, rng)...)
	}
	return s, nil
}

// parse reads the pipeline file whose beginning is text.
func (s *shape) parse(text, forgetAfter string) error {
	s.text = text + "state: {dir: ./state, forget_after: " + forgetAfter + "}\n"
	p, diagnostics := configs.Parse("sim.yaml", []byte(s.text), configs.Options{ReadFile: s.readFile})
	if diagnostics.HasErrors() {
		return fmt.Errorf("pipeline: %s\n%s", diagnostics, s.text)
	}
	p.State.Memory = 48 << 10 // so that pages come and go
	s.pipeline = p
	return nil
}

// least is how short forget_after may be.
func least(p *configs.Pipeline) event.Time {
	longest := event.Time(0)
	for i := range p.Windows {
		longest = max(longest, p.Windows[i].Size, p.Windows[i].Gap)
	}
	silent := event.Time(0) // a rule on silence fires before the device is forgotten
	for i := range p.Rules {
		if d := p.Rules[i].NoData; d != nil && d.Expect == "seen" {
			silent = max(silent, d.After+1)
		}
	}
	return max(p.Time.IdleAfter, silent, longest+p.Time.WaitForLate+p.Time.AllowBackfill)
}

// readFile is the file beside the pipeline.
func (s *shape) readFile(path string) ([]byte, error) {
	if path != rosterName || s.rosters == nil {
		return nil, fs.ErrNotExist
	}
	return s.rosters[0].content, nil
}
