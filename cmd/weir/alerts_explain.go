package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
)

const stampFormat = "2006-01-02 15:04:05.000"

func newAlertsExplainCommand(f *alertsFlags) *cobra.Command {
	return &cobra.Command{
		Use: "explain FILE ID", Aliases: []string{"show"}, Short: "Tell how an alert came about: its events, and the readings behind them",
		Long: `Tells the whole story of an alert, open or not, as far as the alerts topic still has it: what the rule does, each event with its
value, threshold, window and clocks, and the reading that caused it, read from the source topic. An alert that is no longer
open is found by the first 8 digits of its id or more.`,
		Args: exactly(2),
		RunE: f.with(func(cmd *cobra.Command, d *desk, args []string) error {
			x, err := d.explain(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			if f.json {
				encoder := json.NewEncoder(cmd.OutOrStdout())
				encoder.SetEscapeHTML(false)
				return encoder.Encode(x)
			}
			return x.print(cmd.OutOrStdout())
		}),
	}
}

// print tells the story to people.
func (x *explanation) print(out io.Writer) error {
	last := &x.Events[len(x.Events)-1]
	var b strings.Builder
	fmt.Fprintf(&b, "Alert %s: %s of %s, %s", x.ID, x.Rule, plain(x.whose()), last.State)
	if last.Ended() {
		fmt.Fprintf(&b, " after %s", last.EndsAt.Sub(last.StartsAt))
	}
	fmt.Fprintf(&b, ", since %s\n", last.StartsAt.UTC().Format(stampFormat))
	if x.Sentence != "" {
		fmt.Fprintf(&b, "Rule %s: %s\n", x.Rule, x.Sentence)
	} else {
		fmt.Fprintf(&b, "The pipeline file no longer has rule %s.\n", x.Rule)
	}
	if labels := x.labels(); labels != "" {
		fmt.Fprintf(&b, "Labels: %s\n", plain(labels))
	}
	if first := x.Events[0].Episode.Event; first > 1 {
		fmt.Fprintf(&b, "The alerts topic no longer has its first %d events.\n", first-1)
	}
	for i := range x.Events {
		b.WriteByte('\n')
		x.Events[i].print(&b)
	}
	_, err := io.WriteString(out, b.String())
	return err
}

func (x *explanation) whose() string {
	e := &x.Events[0]
	if e.Group != "" {
		return e.Group + " (" + e.By + ")"
	}
	return e.Device
}

// labels are those of the roster.
func (x *explanation) labels() string {
	last := &x.Events[len(x.Events)-1]
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(last.Labels)) {
		switch name {
		case "alertname", "device", "pipeline", "severity":
		default:
			parts = append(parts, name+"="+last.Labels[name])
		}
	}
	return strings.Join(parts, ", ")
}

// print tells one event.
func (e *explainedEvent) print(b *strings.Builder) {
	fmt.Fprintf(b, "%3d  %s  %s", e.Episode.Event, e.At.UTC().Format(stampFormat), e.State)
	if e.Level != "" {
		b.WriteString(" " + e.Level)
	}
	if e.Previous != "" && e.Previous != e.Level {
		b.WriteString(", before " + e.Previous)
	}
	if e.Repeat > 0 {
		fmt.Fprintf(b, ", repeated for the %d. time", e.Repeat)
	}
	if e.Flapping {
		b.WriteString(", flapping")
	}
	if e.Escalation > 0 {
		fmt.Fprintf(b, ", escalated %d", e.Escalation)
	}
	fmt.Fprintf(b, "\n     value %s, threshold %s", number(e.Value), number(e.Threshold))
	if w := e.Window; w != nil {
		fmt.Fprintf(b, ", window %s from %s to %s", w.Name, w.Start.UTC().Format(stampFormat), w.End.UTC().Format(stampFormat))
	}
	b.WriteString("\n     " + e.sayCause() + "\n")
	for _, c := range slices.Sorted(maps.Keys(e.Clock)) {
		fmt.Fprintf(b, "     clock of the %s: %s\n", c, e.Clock[c].UTC().Format(stampFormat))
	}
	if e.Acked != nil {
		fmt.Fprintf(b, "     acknowledged by %s at %s: %s\n", plain(orDash(e.Acked.Author)), e.Acked.At.UTC().Format(stampFormat), plain(orDash(e.Acked.Reason)))
	}
	if len(e.SuppressedBy) > 0 {
		fmt.Fprintf(b, "     suppressed by %s\n", plain(strings.Join(e.SuppressedBy, " and ")))
	}
	if text := e.Annotations["summary"]; text != "" {
		fmt.Fprintf(b, "     %q\n", text)
	}
}

// sayCause says what made the event.
func (e *explainedEvent) sayCause() string {
	if e.Cause.Offset == nil {
		return "cause: " + orDash(e.Cause.Reason)
	}
	s := fmt.Sprintf("cause: record %d of %s/%d", *e.Cause.Offset, e.Cause.Topic, e.Cause.Partition)
	if e.Cause.Trace != "" {
		s += ", trace " + e.Cause.Trace
	}
	if e.Reading == nil {
		return s + " (" + e.Missing + ")"
	}
	s += ", appended " + e.Reading.Appended.Format(stampFormat)
	for _, r := range e.Reading.Readings {
		s += "\n       " + r.Metric + " " + strconv.FormatFloat(r.Value, 'g', -1, 64)
		if r.Time != nil {
			s += " at " + r.Time.Format(stampFormat)
		}
		if r.Seq != nil {
			s += ", number " + strconv.FormatInt(*r.Seq, 10)
		}
		if r.Bad != "" {
			s += ", bad: " + r.Bad
		}
	}
	if len(e.Reading.Readings) == 0 {
		s += "\n       " + plain(e.Reading.Message)
	}
	return s
}

func number(v *float64) string {
	if v == nil {
		return "-"
	}
	return strconv.FormatFloat(*v, 'g', -1, 64)
}
