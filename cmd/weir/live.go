package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/weirstream/weir/engine/task"
)

// liveView shows what a pipeline does: a block that redraws itself on a
// terminal, a line now and then elsewhere, nothing where only the summary is
// wanted.
type liveView struct {
	i        *instance
	out      io.Writer
	terminal bool
	quiet    bool
	lines    int

	last   task.Counters
	lastAt time.Time
}

func newLiveView(i *instance, quiet bool) *liveView {
	return &liveView{
		i: i, out: os.Stderr, quiet: quiet, lastAt: time.Now(),
		terminal: term.IsTerminal(int(os.Stderr.Fd())),
	}
}

// run draws until ctx ends.
func (v *liveView) run(ctx context.Context) {
	if v.quiet {
		return
	}
	every := 2 * time.Second
	if v.terminal {
		every = 500 * time.Millisecond
	}
	fmt.Fprintf(v.out, "kafka %s, mqtt %s: look in with any client\n", v.i.kafka.Addr(), v.i.mqtt.Addr())
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			v.draw()
			return
		case <-ticker.C:
			v.draw()
		}
	}
}

func (v *liveView) draw() {
	var c task.Counters
	lag, devices := int64(0), 0
	for _, t := range v.i.work().engine.Status() {
		c = c.Add(t.Counters)
		lag += t.Lag()
		devices += t.Devices
	}
	rate := float64(c.In-v.last.In) / max(time.Since(v.lastAt).Seconds(), 0.001)
	v.last, v.lastAt = c, time.Now()
	if !v.terminal {
		fmt.Fprintf(v.out, "%.0f readings/s, lag %d, %d devices, %d open windows, %d firing, %d alert events, dropped: late %d future %d bad %d duplicate %d\n",
			rate, lag, devices, c.Open, c.Firing, c.Alerts, c.Late, c.Future, c.Bad, c.Duplicate)
		return
	}
	rows := []string{
		fmt.Sprintf("throughput      %8.0f readings/s", rate),
		fmt.Sprintf("lag             %8d records", lag),
		fmt.Sprintf("devices         %8d", devices),
		fmt.Sprintf("open windows    %8d", c.Open),
		fmt.Sprintf("window results  %8d", c.Windows),
		fmt.Sprintf("firing alerts   %8d   (%d events)", c.Firing, c.Alerts),
		fmt.Sprintf("dropped         late %d, future %d, bad %d, duplicate %d, filtered %d, retained %d",
			c.Late, c.Future, c.Bad, c.Duplicate, c.Filtered, v.i.bridgeCounts().RetainedDropped),
	}
	if v.lines > 0 {
		fmt.Fprintf(v.out, "\x1b[%dA", v.lines)
	}
	v.lines = len(rows)
	fmt.Fprint(v.out, "\x1b[K"+strings.Join(rows, "\n\x1b[K")+"\n")
}
