package main

import (
	"fmt"
	"math"
	"strings"
)

// goalTable holds the goals against what was measured. Results of quick runs are too small to be held against anything: a start takes
// longer than the work.
func goalTable(t tally, quick bool) table {
	out := allGoals(t)
	if quick {
		for _, row := range out.Rows {
			row[len(row)-1] = "not judged"
		}
	}
	return out
}

func allGoals(t tally) table {
	out := table{Header: []string{"goal", "asked", "measured", ""}}
	add := func(rows ...[]string) { out.Rows = append(out.Rows, rows...) }
	for _, g := range t.groups("catchup") {
		for _, p := range []struct {
			other string
			least float64
		}{{"kafka-streams", 10}, {"flink-rocksdb", 5}, {"flink-heap", 3}} {
			if len(t.of(g, p.other)) > 0 {
				add(judged("readings per CPU-second, "+g.name+", against "+p.other, t.both(g, pair{"weir", p.other}, bySteady("readings_per_cpu_s")), atLeast(p.least, "x")))
			}
		}
	}
	add(ceilingGoals(t)...)
	add(latencyGoals(t)...)
	add(restartGoals(t)...)
	for _, g := range t.groups("catchup") {
		if g.order >= 1_000_000 {
			add(judged("live heap for each device, "+g.name, t.spread(g, "weir", per(named("live_heap_bytes"), named("devices"))), atMost(400, " B")))
		}
	}
	for _, g := range t.groups("steady") {
		add(judged("CPU at "+g.name+", of one core", t.spread(g, "weir", times(named("cpu_share"), 100)), atMost(5, " %")))
		add(judged("objects allocated for each reading, the whole process, "+g.name, t.spread(g, "weir", named("mallocs_per_reading")), none()))
	}
	for _, g := range t.groups("fold") {
		add(judged("objects allocated for each reading, "+g.name, t.spread(g, "weir", named("allocs_per_op")), none()))
	}
	return out
}

func ceilingGoals(t tally) [][]string {
	var rows [][]string
	for _, g := range t.groups("catchup") {
		if len(t.of(g, "ceiling-scan")) == 0 {
			continue
		}
		engine, least, what := "weir", 50.0, ""
		if g.order >= 1_000_000 {
			engine, least, what = "weir-silent", 30, ", windows not emitted"
		}
		rows = append(rows, judged("share of the ceiling of consumer and scanner, by CPU, "+g.name+what,
			scaled(t.both(g, pair{engine, "ceiling-scan"}, byFigure(named("readings_per_cpu_s"))), 100), atLeast(least, " %")))
	}
	return rows
}

func latencyGoals(t tally) [][]string {
	var rows [][]string
	for _, g := range t.groups("latency") {
		own := t.spread(g, "weir", named("append_p99_ms"))
		if g.order == 10_000 {
			rows = append(rows, judged("p99 append to visible alert, "+g.name, own, atMost(20, " ms")))
		}
		rows = append(rows, t.belowPeers("p99 append to visible alert, "+g.name+", below every peer", g, named("append_p99_ms"))...)
	}
	return rows
}

func restartGoals(t tally) [][]string {
	var rows [][]string
	for _, g := range t.groups("restart") {
		if strings.HasSuffix(g.name, keepsAll().name) {
			rows = append(rows, judged("first output after kill -9, "+g.name, t.spread(g, "weir", named("first_output_s")), atMost(1, " s")))
			rows = append(rows, t.belowPeers("first output after kill -9, "+g.name+", below every peer", g, named("first_output_s"))...)
		}
	}
	return rows
}

// belowPeers asks for a ratio below 1 to each peer; the row tells the closest. Without a peer there is no row.
func (t tally) belowPeers(what string, g group, f figure) [][]string {
	var worst spread
	for _, e := range t.engines(g) {
		if !isPeer(e) || !t.good(g, e) {
			continue
		}
		if r := t.both(g, pair{"weir", e}, byFigure(f)); r.N > 0 && (worst.N == 0 || r.Median > worst.Median) {
			worst = r
		}
	}
	if worst.N == 0 {
		return nil
	}
	return [][]string{judged(what, worst, bound{text: "< 1 x", unit: "x", holds: func(v float64) bool { return v < 1 }})}
}

// both is a ratio, of engines whose runs in the case are all right.
func (t tally) both(g group, p pair, f comparison) spread {
	if !t.good(g, p.engine) || !t.good(g, p.other) {
		return spreadOf(nil)
	}
	return t.ratio(g, p, f)
}

func scaled(s spread, factor float64) spread {
	return spread{Min: s.Min * factor, Median: s.Median * factor, Max: s.Max * factor, N: s.N}
}

// bound is what a goal asks of a median.
type bound struct {
	text, unit string
	holds      func(v float64) bool
}

func atLeast(v float64, unit string) bound {
	return bound{text: fmt.Sprintf(">= %g%s", v, unit), unit: unit, holds: func(m float64) bool { return m >= v }}
}

func atMost(v float64, unit string) bound {
	return bound{text: fmt.Sprintf("<= %g%s", v, unit), unit: unit, holds: func(m float64) bool { return m <= v }}
}

// none rounds as Go's benchmarks do, which tell whole allocations.
func none() bound {
	return bound{text: "0, as `go test -benchmem` rounds", holds: func(m float64) bool { return math.Floor(m) == 0 }}
}

func judged(what string, s spread, b bound) []string {
	switch {
	case s.N == 0:
		return []string{what, b.text, "", "not measured"}
	case b.holds(s.Median):
		return []string{what, b.text, show(s, b.unit), "met"}
	default:
		return []string{what, b.text, show(s, b.unit), "**not met**"}
	}
}
