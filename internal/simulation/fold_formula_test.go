package simulation

import (
	"fmt"
	"slices"
	"strings"
)

// drawFormulas draws rules on expressions and on anomalies.
func (f *folded) drawFormulas(b *strings.Builder, windows []foldWindow, metrics []string, label func(with, without string) string) {
	metrics = slices.Compact(slices.Sorted(slices.Values(metrics)))
	for i := range f.IntN(4) {
		closes := false
		operand := func() string {
			if f.IntN(3) == 0 {
				return metrics[f.IntN(len(metrics))]
			}
			w := windows[f.IntN(len(windows))]
			closes = closes || w.closes
			return w.name + "." + w.result
		}
		of := operand()
		switch f.IntN(6) {
		case 0:
			of = fmt.Sprintf("(%s + %s) / 2.5", of, operand())
		case 1:
			of = fmt.Sprintf("%s - %s * 0.77", of, operand())
		case 2:
			of = fmt.Sprintf("100 / (%s - %s)", of, operand()) // which cannot always be worked out
		case 3:
			of = fmt.Sprintf("%s > %s ? 61.3 : %s", of, operand(), operand())
		case 4:
			of = fmt.Sprintf("%s + %s", of, label("labels.low", "1.5"))
		default:
			of = fmt.Sprintf("50 + int(%s) %% int(%s / 20)", of, operand())
		}
		levels := f.one("{warning: {above: 40.123, clear_below: 30.3}, critical: {above: 70.07}}", "{low: {below: 33.3, clear_above: 40.7, hold: 2s}}", "{warning: {above: 10.01, hold: 1s}}")
		fmt.Fprintf(b, "  - {name: f%d, when: %q, levels: %s%s, message: \"{{device}} {{level}} {{value}} {{threshold}}\"}\n", i, of, levels, manner(ruled{closes: closes}, f.Rand))
	}
	for i := range f.IntN(3) / 2 {
		of := metrics[f.IntN(len(metrics))]
		if f.IntN(2) == 0 {
			w := windows[f.IntN(len(windows))]
			of = w.name + "." + w.result
		}
		fmt.Fprintf(b, "  - {name: a%d, anomaly: {of: %s, sensitivity: one false alarm per hour}%s}\n", i, of, said(f.Rand))
	}
}
