package main

import (
	"bytes"
	"fmt"
	"html"
	"math"
	"strings"
)

const (
	plotWidth  = 720
	labelWidth = 170
	barHeight  = 18
	barGap     = 10
	titleSpace = 36
	lineHeight = 300
	colours    = 6 // that the style knows
)

// style reads well on light and on dark ground: an image follows the reader's own setting.
const style = `<style>
text{font:12px system-ui,sans-serif;fill:#24292f}.t{font-weight:600;font-size:14px}.g{stroke:#d0d7de;stroke-width:1}.w{stroke:#24292f;stroke-width:1.5}
.f0{fill:#0969da}.f1{fill:#8c959f}.s0{stroke:#0969da}.s1{stroke:#bc4c00}.s2{stroke:#1a7f37}.s3{stroke:#8250df}.s4{stroke:#bf3989}.s5{stroke:#6e7781}
.l{fill:none;stroke-width:2.5}
@media (prefers-color-scheme: dark){text{fill:#e6edf3}.g{stroke:#3d444d}.w{stroke:#e6edf3}
.f0{fill:#4493f8}.f1{fill:#656c76}.s0{stroke:#4493f8}.s1{stroke:#db6d28}.s2{stroke:#3fb950}.s3{stroke:#ab7df8}.s4{stroke:#db61a2}.s5{stroke:#9198a1}}
</style>
`

// bar is one row of a bar plot.
type bar struct {
	label  string
	spread spread
}

// bars draws a figure of all engines of a case that are right.
func (t tally) bars(g group, title string, f figure) plot {
	var all []bar
	for _, e := range t.engines(g) {
		if s := t.spread(g, e, f); t.good(g, e) && s.N > 0 {
			all = append(all, bar{label: e, spread: s})
		}
	}
	return plot{Alt: title, Path: "plots/" + slug(g.measure+" "+g.name) + ".svg", svg: drawBars(title, all)}
}

// drawBars draws medians as bars from zero, and the least and the greatest as a line across.
func drawBars(title string, bars []bar) []byte {
	height := titleSpace + len(bars)*(barHeight+barGap) + barGap
	most := 0.0
	for _, b := range bars {
		most = math.Max(most, b.spread.Max)
	}
	scale := (plotWidth - labelWidth - 90) / math.Max(most, math.SmallestNonzeroFloat64)
	var out bytes.Buffer
	open(&out, title, height)
	for i, b := range bars {
		y := titleSpace + i*(barHeight+barGap)
		middle := y + barHeight/2
		class := "f1"
		if strings.Contains(b.label, "weir") {
			class = "f0"
		}
		fmt.Fprintf(&out, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%s</text>\n", labelWidth-8, middle+4, html.EscapeString(b.label))
		fmt.Fprintf(&out, "<rect class=\"%s\" x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"%d\" rx=\"2\"/>\n", class, labelWidth, y, b.spread.Median*scale, barHeight)
		if b.spread.Max > b.spread.Min {
			fmt.Fprintf(&out, "<line class=\"w\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%d\" y2=\"%d\"/>\n", labelWidth+b.spread.Min*scale, labelWidth+b.spread.Max*scale, middle, middle)
		}
		fmt.Fprintf(&out, "<text x=\"%.1f\" y=\"%d\">%s</text>\n", labelWidth+b.spread.Max*scale+6, middle+4, number(b.spread.Median))
	}
	out.WriteString("</svg>\n")
	return out.Bytes()
}

// line is one line of a plot of percentiles.
type line struct {
	label  string
	values []float64 // by latencyPoints; not a number where there is none
}

// lines draws the latency percentiles of all engines of a case that are right, medians over the runs.
func (t tally) lines(g group, title string) plot {
	var all []line
	for _, e := range t.engines(g) {
		if !t.good(g, e) {
			continue
		}
		l := line{label: e}
		for _, p := range latencyPoints {
			l.values = append(l.values, t.spread(g, e, named("append_"+p.name+"_ms")).Median)
		}
		all = append(all, l)
	}
	return plot{Alt: title, Path: "plots/" + slug(g.measure+" "+g.name) + ".svg", svg: drawLines(title+", ms", all)}
}

// drawLines draws percentiles from left to right over a logarithmic axis.
func drawLines(title string, lines []line) []byte {
	least, most := math.Inf(1), math.Inf(-1)
	for _, l := range lines {
		for _, v := range l.values {
			if v > 0 { // not a number is not
				least, most = math.Min(least, v), math.Max(most, v)
			}
		}
	}
	if most < least {
		least, most = 1, 10
	}
	low, high := math.Floor(math.Log10(least)), math.Ceil(math.Log10(most))
	high = math.Max(high, low+1)
	top, left, right := float64(titleSpace+10), 60.0, float64(plotWidth-150)
	bottom := top + lineHeight
	x := func(i int) float64 { return left + (right-left)*float64(i)/float64(len(latencyPoints)-1) }
	y := func(v float64) float64 { return bottom - (bottom-top)*(math.Log10(v)-low)/(high-low) }
	var out bytes.Buffer
	open(&out, title, int(bottom)+34)
	for e := low; e <= high; e++ {
		at := y(math.Pow(10, e))
		fmt.Fprintf(&out, "<line class=\"g\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>\n", left, right, at, at)
		fmt.Fprintf(&out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">%s</text>\n", left-8, at+4, number(math.Pow(10, e)))
	}
	for i, p := range latencyPoints {
		fmt.Fprintf(&out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%s</text>\n", x(i), bottom+20, percentName(p.percent))
	}
	labels := spreadOut(lines, y)
	for n, l := range lines {
		var points []string
		for i, v := range l.values {
			if v > 0 {
				points = append(points, fmt.Sprintf("%.1f,%.1f", x(i), y(v)))
			}
		}
		fmt.Fprintf(&out, "<polyline class=\"l s%d\" points=\"%s\"/>\n", n%colours, strings.Join(points, " "))
		fmt.Fprintf(&out, "<line class=\"l s%d\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>\n", n%colours, right+8, right+20, labels[n]-4, labels[n]-4)
		fmt.Fprintf(&out, "<text x=\"%.1f\" y=\"%.1f\">%s</text>\n", right+26, labels[n], html.EscapeString(l.label))
	}
	out.WriteString("</svg>\n")
	return out.Bytes()
}

// spreadOut places each line's name at its end, and moves names apart that would lie on one another.
func spreadOut(lines []line, y func(float64) float64) []float64 {
	const apart = 15.0
	at := make([]float64, len(lines))
	for n, l := range lines {
		at[n] = titleSpace + 14
		if last := l.values[len(l.values)-1]; last > 0 {
			at[n] = y(last) + 4
		}
		for moved := true; moved; {
			moved = false
			for before := range n {
				if math.Abs(at[before]-at[n]) < apart {
					at[n], moved = at[before]+apart, true
				}
			}
		}
	}
	return at
}

func percentName(percent float64) string {
	if percent == 100 {
		return "max"
	}
	return fmt.Sprintf("p%g", percent)
}

func open(out *bytes.Buffer, title string, height int) {
	fmt.Fprintf(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" role=\"img\" aria-label=\"%s\">\n",
		plotWidth, height, plotWidth, height, html.EscapeString(title))
	out.WriteString(style)
	fmt.Fprintf(out, "<text class=\"t\" x=\"12\" y=\"22\">%s</text>\n", html.EscapeString(title))
}

// slug makes a file's name of a title.
func slug(title string) string {
	return strings.Join(strings.FieldsFunc(strings.ReplaceAll(strings.ToLower(title), ",", ""), func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9')
	}), "-")
}
