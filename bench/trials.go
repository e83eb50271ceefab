package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

const (
	steadyRate = 10_000 // readings a second
	quickRate  = 1_000
)

// trials are what the flags ask for.
func (h *harness) trials(chosen []engine) []trial {
	var all []trial
	asked := func(names ...string) bool {
		return slices.ContainsFunc(names, func(n string) bool { return slices.Contains(h.options.Measures, n) })
	}
	if asked("catchup", "memory", "bytes") {
		all = append(all, h.catchupTrials(chosen)...)
	}
	if asked("latency") {
		for _, rate := range h.options.Rates {
			all = append(all, h.openLoopTrial(chosen, "latency", rate))
		}
	}
	if asked("steady") {
		all = append(all, h.openLoopTrial(chosen, "steady", h.options.pick([]int{quickRate}, []int{steadyRate})[0]))
		all = append(all, trial{measure: "fold", name: "the fold alone, 10,000 devices", command: foldCommand, do: single(h.fold),
			engines: those(chosen, func(name string) bool { return name == "weir" })})
	}
	if asked("restart") {
		all = append(all, h.restartTrial(chosen))
	}
	if asked("scale") {
		all = append(all, h.scaleTrials(chosen)...)
	}
	if asked("mqtt") {
		all = append(all, h.mqttTrials(chosen)...)
	}
	return slices.DeleteFunc(all, func(t trial) bool { return len(t.engines) == 0 })
}

// again is the command that makes a trial again.
func (h *harness) again(measure string, flags ...string) string {
	words := append([]string{"go run ./bench -measure " + measure}, flags...)
	if h.options.Quick {
		words = append(words, "-quick")
	}
	return strings.Join(words, " ")
}

func (h *harness) catchupTrials(chosen []engine) []trial {
	var all []trial
	for _, devices := range h.options.Devices {
		c := catchupCase{Measure: "catchup", Order: int64(devices), Devices: devices,
			Readings: h.options.readings(devices), Partitions: sourcePartitions, Processes: 1}
		c.Name = grouped(int64(devices)) + " devices, " + grouped(c.Readings) + " readings"
		t := h.catchupTrial(c, chosen)
		t.command = h.again("catchup", fmt.Sprintf("-devices %d", devices), fmt.Sprintf("-readings %d", c.Readings))
		all = append(all, t)
	}
	return all
}

func (h *harness) catchupTrial(c catchupCase, chosen []engine) trial {
	return trial{measure: c.Measure, name: c.Name, order: c.Order, engines: chosen,
		do: single(func(ctx context.Context, e engine, r *result) error {
			if err := h.catchup(ctx, c, e, r); err != nil {
				return err
			}
			r.Figures["devices"] = float64(c.Devices)
			return nil
		})}
}

func (h *harness) openLoopTrial(chosen []engine, measure string, rate int) trial {
	c := openLoopCase{Measure: measure, Name: grouped(int64(rate)) + " readings/s", Rate: rate, Warm: h.options.Warm, For: h.options.For}
	flag := ""
	if measure == "latency" {
		flag = fmt.Sprintf("-rates %d", rate)
	}
	return trial{measure: measure, name: c.Name, order: int64(rate), command: strings.TrimSpace(h.again(measure, flag)), engines: those(chosen, works),
		do: single(func(ctx context.Context, e engine, r *result) error { return h.openLoop(ctx, c, e, r) })}
}

func (h *harness) restartTrial(chosen []engine) trial {
	devices := slices.Max(h.options.Devices)
	c := restartCase{Devices: devices, Rate: h.options.pick([]int{quickRate}, []int{steadyRate})[0], Settle: max(h.options.Warm/2, 3*time.Second)}
	c.Name = fmt.Sprintf("%s devices, killed after %v under load", grouped(int64(devices)), c.Settle)
	return trial{measure: "restart", name: c.Name, command: h.again("restart", fmt.Sprintf("-devices %d", devices)), engines: those(chosen, works),
		do: func(ctx context.Context, e engine, r result) ([]result, error) { return h.restart(ctx, c, e, r) }}
}

// works holds for engines that do the whole job.
func works(name string) bool { return !isCeiling(name) && name != "weir-silent" }

// scaleTrials vary one thing at a time. With the devices the number of windows for each reading would grow too, so along that axis windows are
// kept and not emitted.
func (h *harness) scaleTrials(chosen []engine) []trial {
	o := h.options
	devices, readings := o.pick([]int{1_000}, []int{10_000})[0], o.Readings
	if readings == 0 {
		readings = int64(o.pick([]int{50_000}, []int{10_000_000})[0])
	}
	base := catchupCase{Measure: "scale", Devices: devices, Readings: readings, Partitions: sourcePartitions, Processes: 1}
	var all []trial
	add := func(axis string, n int, c catchupCase, keep func(string) bool) {
		c.Name, c.Order = fmt.Sprintf("%s=%d", axis, n), int64(n)
		t := h.catchupTrial(c, those(chosen, keep))
		t.command = h.again("scale", fmt.Sprintf("-readings %d", readings))
		all = append(all, t)
	}
	only := func(names ...string) func(string) bool {
		return func(name string) bool { return slices.Contains(names, name) }
	}
	for _, n := range o.pick([]int{1, 8}, []int{1, 2, 4, 8}) {
		c := base
		c.Partitions = n
		add("partitions", n, c, only("weir"))
	}
	for _, n := range []int{1, 2} {
		c := base
		c.Processes = n
		add("processes", n, c, only("weir"))
	}
	for _, n := range o.pick([]int{100, 1_000, 10_000}, []int{10_000, 100_000, 1_000_000, 9_999_984}) {
		c := base
		c.Devices, c.Readings = n, max(readings, int64(n))
		add("devices", n, c, only("weir-silent", "ceiling-scan"))
	}
	for _, n := range o.pick([]int{2, 4}, []int{2, 3, 4, 6, 10}) {
		c := base
		c.Windows = n
		add("windows", n, c, only("weir"))
	}
	for _, n := range o.pick([]int{1, 4}, []int{1, 4, 16, 64}) {
		c := base
		c.Rules = n
		add("rules", n, c, only("weir"))
	}
	return all
}

func (h *harness) mqttTrials(chosen []engine) []trial {
	var all []trial
	devices, messages := h.options.pick([]int{1_000}, []int{10_000})[0], int64(h.options.pick([]int{20_000}, []int{1_000_000})[0])
	for i, c := range []mqttCase{{Name: "published while weir runs"}, {Name: "waiting in Mosquitto when weir starts", Queued: true}} {
		c.Order, c.Devices, c.Messages = int64(i), devices, messages
		all = append(all, trial{measure: "mqtt", name: c.Name, order: c.Order, command: h.again("mqtt", "-engines weir"),
			engines: those(chosen, func(name string) bool { return name == "weir" }),
			do:      single(func(ctx context.Context, e engine, r *result) error { return h.mqttIn(ctx, c, e, r) })})
	}
	return all
}

// grouped writes a number with commas between thousands.
func grouped(n int64) string {
	text := fmt.Sprint(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
