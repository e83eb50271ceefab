package soak

import (
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"time"
)

// measure is something that is looked at again and again.
type measure struct {
	name string
	unit string
	// floor is by how much it may grow whatever its size: what two looks at an idle process differ by.
	floor float64
	// free is true of what may go up and down; it is only reported.
	free bool
	// saw is true of what rises and is cut again and again, in less than a sixth of the run: its peaks are compared.
	saw bool
}

// series are the samples of a run: rows of all measures, by time since its start.
type series struct {
	measures []measure
	at       []time.Duration
	rows     [][]float64
}

func (s *series) add(at time.Duration, row []float64) {
	s.at, s.rows = append(s.at, at), append(s.rows, row)
}

// finding is what became of one measure.
type finding struct {
	measure
	early, late float64 // medians, of a saw peaks, of the sixth after the warm-up and of the last sixth
	highest     float64 // after the warm-up
	perHour     float64 // trend after the warm-up
}

// grew reports whether there is more of it at the end than after the warm-up, by more than chance and a tenth.
func (f finding) grew() bool {
	return !f.free && f.late > f.early*1.1 && f.late-f.early > f.floor
}

// findings judges the run. It needs at least twelve samples.
func (s *series) findings() []finding {
	n := len(s.at)
	warm, sixth := n/3, n/6
	var all []finding
	for k, m := range s.measures {
		column := make([]float64, n)
		for i, row := range s.rows {
			column[i] = row[k]
		}
		level := median
		if m.saw {
			level = slices.Max[[]float64]
		}
		all = append(all, finding{
			measure: m, early: level(column[warm : warm+sixth]), late: level(column[n-sixth:]),
			highest: slices.Max(column[warm:]), perHour: trend(s.at[warm:], column[warm:]),
		})
	}
	return all
}

func median(of []float64) float64 {
	sorted := slices.Sorted(slices.Values(of))
	if n := len(sorted); n%2 == 0 {
		return (sorted[n/2-1] + sorted[n/2]) / 2
	}
	return sorted[len(sorted)/2]
}

// trend is the median of the slopes between all pairs of samples, per hour.
func trend(at []time.Duration, of []float64) float64 {
	var slopes []float64
	for i := range at {
		for j := i + 1; j < len(at); j++ {
			slopes = append(slopes, (of[j]-of[i])/(at[j]-at[i]).Hours())
		}
	}
	if len(slopes) == 0 {
		return math.NaN()
	}
	return median(slopes)
}

// writeCSV writes all samples, a column for each measure.
func (s *series) writeCSV(to io.Writer) error {
	w := csv.NewWriter(to)
	head := []string{"seconds"}
	for _, m := range s.measures {
		head = append(head, m.name)
	}
	rows := [][]string{head}
	for i, row := range s.rows {
		line := []string{strconv.Itoa(int(s.at[i].Seconds()))}
		for _, v := range row {
			line = append(line, strconv.FormatFloat(v, 'f', -1, 64))
		}
		rows = append(rows, line)
	}
	return w.WriteAll(rows)
}

// table writes what was found as a table of Markdown.
func table(to io.Writer, all []finding) {
	fmt.Fprintln(to, "| measure | after the warm-up | at the end | highest | trend per hour |")
	fmt.Fprintln(to, "|---|---|---|---|---|")
	for _, f := range all {
		mark := ""
		if f.grew() {
			mark = " **grew**"
		}
		fmt.Fprintf(to, "| %s | %s | %s%s | %s | %s |\n", f.name, f.show(f.early), f.show(f.late), mark, f.show(f.highest), f.show(f.perHour))
	}
}

// show writes a value in its unit with three digits that matter.
func (m measure) show(v float64) string {
	if m.unit == "MB" {
		v /= 1e6
	}
	digits := 0
	switch size := math.Abs(v); {
	case v == math.Trunc(v) || size >= 100:
	case size >= 10:
		digits = 1
	default:
		digits = 2
	}
	text := strconv.FormatFloat(v, 'f', digits, 64)
	if m.unit == "" {
		return text
	}
	return text + " " + m.unit
}
