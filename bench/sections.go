package main

import (
	"math"
	"slices"
	"strings"
)

// column is a figure of a table.
type column struct {
	title  string
	figure figure
	unit   string
}

// sections are the measures as the page tells them.
func sections(t tally) []section {
	return []section{
		throughputSection(t), latencySection(t), memorySection(t), restartSection(t), bytesSection(t), scaleSection(t), mqttSection(t), steadySection(t),
	}
}

// rows makes a table of a case: one row for each engine that is wanted.
func (t tally) rows(g group, wanted func(string) bool, columns []column) table {
	out := table{Header: []string{"engine"}}
	for _, c := range columns {
		out.Header = append(out.Header, c.title)
	}
	for _, e := range t.engines(g) {
		if !wanted(e) {
			continue
		}
		row := []string{e}
		for i, c := range columns {
			switch {
			case t.good(g, e):
				row = append(row, show(t.spread(g, e, c.figure), c.unit))
			case i == 0:
				row = append(row, t.state(g, e))
			default:
				row = append(row, "")
			}
		}
		out.Rows = append(out.Rows, row)
	}
	return out
}

// versus adds a column: how many times weir's figure is that of each other.
func (t tally) versus(out table, g group, title string, f comparison) table {
	out.Header = append(out.Header, title)
	for i, row := range out.Rows {
		text := ""
		if e := row[0]; e != "weir" && t.good(g, "weir") && t.good(g, e) {
			text = show(t.ratio(g, pair{"weir", e}, f), "x")
		}
		out.Rows[i] = append(row, text)
	}
	return out
}

func everyone(string) bool { return true }

func throughputSection(t tally) section {
	s := section{Title: "Catch-up", Intro: "A backlog is loaded, then the engine starts and works it off. `ceiling-fetch` is a bare consumer of weir's client library " +
		"with weir's settings, `ceiling-scan` the same with weir's scanner: what nobody who reads JSON from Kafka with them can go below. `weir-silent` is weir keeping all " +
		"windows, each looked at by a rule that never fires, and emitting none."}
	for _, g := range t.groups("catchup") {
		rows := t.rows(g, everyone, []column{
			{"readings/CPU-s, steady", steadily("readings_per_cpu_s"), ""}, {"readings/CPU-s, whole", named("readings_per_cpu_s"), ""},
			{"readings/s, steady", steadily("readings_per_wall_s"), ""},
			{"start to lag 0", named("wall_s"), " s"}, {"start to last result visible", named("visible_s"), " s"},
		})
		rows = t.versus(rows, g, "weir is, by steady CPU", bySteady("readings_per_cpu_s"))
		rows = t.versus(rows, g, "by steady wall time", bySteady("readings_per_wall_s"))
		part := part{Title: g.name, Table: rows, Command: g.command}
		part.Plots = append(part.Plots, t.bars(g, "Readings for each second of CPU, "+g.name, steadily("readings_per_cpu_s")))
		s.Parts = append(s.Parts, part)
	}
	return s
}

func latencySection(t tally) section {
	s := section{Title: "Latency", Intro: "Readings are sent in an open loop: each has a time at which it is due, whether or not the engine keeps up. Latency ends when a " +
		"`read_committed` consumer sees the alert that the reading caused. It begins with the broker's append time, which is cut to milliseconds (so that the figure is " +
		"half of one too great on average), or with the time at which the reading was due, which holds delays of the sender too."}
	for _, g := range t.groups("latency") {
		columns := []column{{"p50", named("append_p50_ms"), " ms"}, {"p99", named("append_p99_ms"), " ms"}, {"p99.9", named("append_p999_ms"), " ms"},
			{"since due: p50", named("due_p50_ms"), " ms"}, {"since due: p99", named("due_p99_ms"), " ms"}, {"CPU, of one core", times(named("cpu_share"), 100), " %"},
			{"alerts", named("alerts"), ""}}
		s.Parts = append(s.Parts, part{Title: g.name, Table: t.rows(g, everyone, columns), Command: g.command,
			Plots: []plot{t.lines(g, "Append to visible alert, "+g.name)}})
	}
	return s
}

func memorySection(t tally) section {
	s := section{Title: "Memory", Intro: "After the catch-up, with all windows of it closed but the last, and the state of every device kept. Resident and proportional set size are the " +
		"kernel's. Live heap is what weir's runtime found reachable at its last collection; a virtual machine's heap grows to what it is allowed."}
	perDevice := func(name string) figure { return per(named(name), named("devices")) }
	for _, g := range t.groups("catchup") {
		columns := []column{{"peak resident", times(named("rss_peak_bytes"), 1e-6), " MB"}, {"resident at the end", times(named("rss_bytes"), 1e-6), " MB"},
			{"proportional", times(named("pss_bytes"), 1e-6), " MB"}, {"peak for each device", perDevice("rss_peak_bytes"), " B"},
			{"live heap", times(named("live_heap_bytes"), 1e-6), " MB"}, {"live heap for each device", perDevice("live_heap_bytes"), " B"}}
		s.Parts = append(s.Parts, part{Title: g.name, Table: t.rows(g, notCeiling, columns), Command: g.command})
	}
	return s
}

func notCeiling(name string) bool { return !isCeiling(name) }

func restartSection(t tally) section {
	s := section{Title: "Restart", Intro: "All devices have state; readings flow at the steady rate below; `kill -9`; the next life starts at once. From its exec to its first record that a " +
		"`read_committed` consumer sees. At the end all results over all lives are compared with the model. Where weir's local state is lost it keeps its identity, as it does when a " +
		"disk cache is cleared; where that is lost too, the seat of the dead one has to time out first."}
	groups := t.groups("restart")
	if len(groups) == 0 {
		return s
	}
	out := table{Header: []string{"engine"}}
	var engines []string
	for _, g := range groups {
		out.Header = append(out.Header, g.name)
		for _, e := range t.engines(g) {
			if !slices.Contains(engines, e) {
				engines = append(engines, e)
			}
		}
	}
	for _, e := range engines {
		row := []string{e}
		for _, g := range groups {
			switch {
			case t.good(g, e):
				row = append(row, show(t.spread(g, e, named("first_output_s")), " s"))
			case len(t.of(g, e)) > 0:
				row = append(row, t.state(g, e))
			default:
				row = append(row, "")
			}
		}
		out.Rows = append(out.Rows, row)
	}
	s.Parts = []part{{Table: out, Command: groups[0].command}}
	return s
}

func bytesSection(t tally) section {
	s := section{Title: "Bytes", Intro: "For each reading of the catch-up (of 101 bytes). What the broker wrote is all it wrote to its disk during the run: results, changelogs or journal, offsets, " +
		"transactions. The logs are their size at the end, less what their owner has deleted. What the engine wrote went to its own local state."}
	each := func(name string) figure { return per(named(name), named("readings")) }
	for _, g := range t.groups("catchup") {
		columns := []column{{"written by the broker", each("broker_written_bytes"), " B"}, {"log of the results", each("output_log_bytes"), " B"},
			{"log of changelogs or journal", each("internal_log_bytes"), " B"}, {"written by the engine", each("disk_written_bytes"), " B"},
			{"local state at the end", times(named("state_bytes"), 1e-6), " MB"}, {"results", named("outputs"), ""}}
		s.Parts = append(s.Parts, part{Title: g.name, Table: t.rows(g, notCeiling, columns), Command: g.command})
	}
	return s
}

func scaleSection(t tally) section {
	s := section{Title: "Scale", Intro: "One thing varied at a time. Along the axis of devices windows are kept and not emitted, because a reading of a larger fleet opens more windows, whose results " +
		"would hide the cost of state. More windows are tumbling ones of 20 s, 30 s and so on, emitted; more rules look at every reading and never fire."}
	axes := map[string]bool{}
	for _, g := range t.groups("scale") {
		axis, _, _ := strings.Cut(g.name, "=")
		if axes[axis] {
			continue
		}
		axes[axis] = true
		s.Parts = append(s.Parts, t.axis(axis))
	}
	slices.SortFunc(s.Parts, func(a, b part) int { return strings.Compare(a.Title, b.Title) })
	return s
}

// axis is the table and the plot of one thing varied.
func (t tally) axis(axis string) part {
	out := table{Header: []string{axis, "engine", "readings/s, steady", "readings/CPU-s, steady", "CPU for each reading", "peak resident"}}
	var bars []bar
	command := ""
	for _, g := range t.groups("scale") {
		name, value, _ := strings.Cut(g.name, "=")
		if name != axis {
			continue
		}
		command = g.command
		for _, e := range t.engines(g) {
			if !t.good(g, e) {
				out.Rows = append(out.Rows, []string{value, e, t.state(g, e), "", "", ""})
				continue
			}
			speed := t.spread(g, e, steadily("readings_per_cpu_s"))
			cost := t.spread(g, e, func(r result) float64 { return 1e6 / steadily("readings_per_cpu_s")(r) })
			memory := t.spread(g, e, times(named("rss_peak_bytes"), 1e-6))
			out.Rows = append(out.Rows, []string{grouped(g.order), e, show(t.spread(g, e, steadily("readings_per_wall_s")), ""), show(speed, ""), show(cost, " us"), show(memory, " MB")})
			if !math.IsNaN(cost.Median) {
				bars = append(bars, bar{label: grouped(g.order) + " " + e, spread: cost})
			}
		}
	}
	title := "CPU for each reading, us, by " + axis
	return part{Title: "By " + axis, Table: out, Command: command,
		Plots: []plot{{Alt: title, Path: "plots/scale-" + axis + ".svg", svg: drawBars(title, bars)}}}
}

func mqttSection(t tally) section {
	s := section{Title: "MQTT in", Intro: "Messages at QoS 1 from Mosquitto through weir's bridge into the source topic, until the last is there. CPU is all of weir's: the bridge, and folding what it " +
		"brought. No message is missing; repeats, which QoS 1 allows, would be told as wrong."}
	for _, g := range t.groups("mqtt") {
		columns := []column{{"messages/s", named("messages_per_s"), ""}, {"weir's CPU for each", named("cpu_us_per_message"), " us"},
			{"Mosquitto's CPU for each", named("mosquitto_cpu_us_per_message"), " us"}, {"messages", named("messages"), ""}}
		s.Parts = append(s.Parts, part{Title: g.name, Table: t.rows(g, everyone, columns), Command: g.command})
	}
	return s
}

func steadySection(t tally) section {
	s := section{Title: "At a steady rate", Intro: "What an engine costs that has little to do. Objects allocated are those of the whole process: fetching, commits and metrics too."}
	for _, g := range t.groups("steady") {
		columns := []column{{"CPU, of one core", times(named("cpu_share"), 100), " %"}, {"CPU for each reading", named("cpu_us_per_reading"), " us"},
			{"Kafka's CPU, of one core", times(named("broker_cpu_share"), 100), " %"}, {"written by the broker for each reading", named("broker_written_bytes_per_reading"), " B"},
			{"written by the engine for each reading", named("disk_written_bytes_per_reading"), " B"}, {"p99 append to alert", named("append_p99_ms"), " ms"},
			{"objects allocated for each reading", named("mallocs_per_reading"), ""}}
		rows := t.versus(t.rows(g, everyone, columns), g, "weir's CPU is", byFigure(named("cpu_share")))
		s.Parts = append(s.Parts, part{Title: g.name, Table: rows, Command: g.command})
	}
	for _, g := range t.groups("fold") {
		columns := []column{{"for each reading", named("ns_per_op"), " ns"}, {"allocated", named("B_per_op"), " B"}, {"objects allocated", named("allocs_per_op"), ""}}
		s.Parts = append(s.Parts, part{Title: "Without a broker: " + g.name, Table: t.rows(g, everyone, columns), Command: g.command})
	}
	return s
}
