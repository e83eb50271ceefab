package main

import (
	"flag"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// options are the flags.
type options struct {
	Engines  []string
	Measures []string
	Devices  []int
	Rates    []int
	Readings int64 // 0: by the number of devices
	Runs     int
	Interval time.Duration
	Warm     time.Duration
	For      time.Duration
	Limit    time.Duration
	Heap     string
	Quick    bool
	Keep     bool
	Work     string
	Results  string
	Report   string // folder of RESULTS.md and plots; empty: none is written
	Only     bool   // only the report, of the results files that are the arguments
	Files    []string
	Line     string // the command line, as a reader would type it
}

func measures() []string {
	return []string{"catchup", "latency", "memory", "restart", "bytes", "scale", "mqtt", "steady"}
}

// IntervalMs is the event time between two readings of a device of a backlog.
func (o options) IntervalMs() int64 { return o.Interval.Milliseconds() }

// readings is how many a backlog of so many devices holds.
func (o options) readings(devices int) int64 {
	switch {
	case o.Readings > 0:
		return o.Readings
	case o.Quick:
		return max(50_000, int64(devices)*2)
	case devices <= 100_000:
		return 5_000_000
	default:
		return int64(devices) * 10
	}
}

// parseOptions reads the flags. root is the folder of the project.
func parseOptions(root string, args []string) (options, error) {
	o := options{Line: strings.Join(append([]string{"go run ./bench"}, args...), " ")}
	var engines, measured, devices, rates string
	set := flag.NewFlagSet("bench", flag.ContinueOnError)
	set.StringVar(&engines, "engines", "weir,weir-silent,kafka-streams,flink-rocksdb,flink-heap,quix,ceiling-fetch,ceiling-scan", "what is measured, with commas between")
	set.StringVar(&measured, "measure", strings.Join(measures(), ","), "measures, with commas between; memory and bytes are told by catchup")
	set.StringVar(&devices, "devices", "", "sizes of the fleet (10000,1000000; with -quick 1000)")
	set.StringVar(&rates, "rates", "", "readings a second offered for latency (1000,10000,100000; with -quick 500,2000)")
	set.Int64Var(&o.Readings, "readings", 0, "readings of a backlog (0: 5,000,000, or ten of each device if that is more)")
	set.IntVar(&o.Runs, "runs", 0, "how often everything is done (3; with -quick 1)")
	set.DurationVar(&o.Interval, "interval", time.Second, "event time between two readings of a device of a backlog")
	set.DurationVar(&o.Warm, "warm", 0, "how long a flow goes on before it is measured (20s; with -quick 2s)")
	set.DurationVar(&o.For, "for", 0, "how long a flow is measured (30s; with -quick 5s)")
	set.DurationVar(&o.Limit, "limit", 0, "longest time of one run of one engine (20m; with -quick 2m)")
	set.StringVar(&o.Heap, "heap", "4g", "heap of the peers on the JVM, and weir's state.memory")
	set.BoolVar(&o.Quick, "quick", false, "small sizes, to try everything out; the figures mean nothing")
	set.BoolVar(&o.Keep, "keep", false, "keep states and logs of the engines")
	set.StringVar(&o.Results, "results", "", "file that results are appended to (bench/results/DATE.jsonl; with -quick in .cache/bench)")
	set.StringVar(&o.Report, "to", "", "folder of RESULTS.md and its plots (bench; with -quick .cache/bench)")
	set.BoolVar(&o.Only, "report", false, "measure nothing: write the report of the results files that are the arguments")
	if err := set.Parse(args); err != nil {
		return o, err
	}
	o.Files, o.Work = set.Args(), filepath.Join(root, ".cache", "bench")
	o.fill(root)
	var err error
	o.Engines, o.Measures = strings.Split(engines, ","), strings.Split(measured, ",")
	for _, m := range o.Measures {
		if !slices.Contains(measures(), m) {
			return o, fmt.Errorf("measure %q must be one of %s", m, strings.Join(measures(), ", "))
		}
	}
	if o.Devices, err = numbers(devices, o.pick([]int{1_000}, []int{10_000, 1_000_000})); err != nil {
		return o, fmt.Errorf("-devices: %w", err)
	}
	if o.Rates, err = numbers(rates, o.pick([]int{500, 2_000}, []int{1_000, 10_000, 100_000})); err != nil {
		return o, fmt.Errorf("-rates: %w", err)
	}
	for _, n := range append(slices.Clone(o.Devices), o.Rates...) {
		if n < 10 || n > maxDevices-probes {
			return o, fmt.Errorf("%d devices: must be 10 to %d", n, maxDevices-probes)
		}
	}
	return o, nil
}

// fill puts defaults where nothing was said.
func (o *options) fill(root string) {
	span := func(d *time.Duration, quick, full time.Duration) {
		if *d == 0 {
			*d = full
			if o.Quick {
				*d = quick
			}
		}
	}
	span(&o.Warm, 2*time.Second, 20*time.Second)
	span(&o.For, 5*time.Second, 30*time.Second)
	span(&o.Limit, 2*time.Minute, 20*time.Minute)
	if o.Runs == 0 {
		o.Runs = o.pick([]int{1}, []int{3})[0]
	}
	home := filepath.Join(root, "bench")
	if o.Quick {
		home = o.Work
	}
	if o.Results == "" {
		o.Results = filepath.Join(home, "results", time.Now().UTC().Format("2006-01-02T1504")+".jsonl")
	}
	if o.Report == "" {
		o.Report = home
	}
}

func (o *options) pick(quick, full []int) []int {
	if o.Quick {
		return quick
	}
	return full
}

func numbers(text string, otherwise []int) ([]int, error) {
	if text == "" {
		return otherwise, nil
	}
	var all []int
	for word := range strings.SplitSeq(text, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(word))
		if err != nil {
			return nil, err
		}
		all = append(all, n)
	}
	return all, nil
}
