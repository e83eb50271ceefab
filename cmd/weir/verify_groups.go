package main

import (
	"context"
	"fmt"

	"github.com/weirstream/weir/internal/oracle"
	"github.com/weirstream/weir/internal/oracle/topics"
)

// verifyGroups is what weir verify --json prints of windows over several devices. Of
// the readings that devices gathered for them, each window by itself, every one is in
// a partial, in no group, not sent yet, or gone with its window.
type verifyGroups struct {
	Partials   int `json:"partials"`
	Watermarks int `json:"watermarks"`
	Gathered   int `json:"gathered"`
	InPartials int `json:"in_partials"`
	Ungrouped  int `json:"ungrouped"`
	Unsent     int `json:"unsent"`
	Dropped    int `json:"dropped"`
	Late       int `json:"late"`
	Aggregates int `json:"aggregates"`
	Alerts     int `json:"alerts"`
	Facts      int `json:"facts"`
}

// addSent takes up what the devices of a partition sent to groups.
func (v *verification) addSent(fleet *oracle.Fleet, s *oracle.Sent) {
	if fleet == nil {
		return
	}
	if v.summary.Groups == nil {
		v.summary.Groups = &verifyGroups{}
	}
	g := v.summary.Groups
	g.Partials += s.Partials
	g.Watermarks += s.Watermarks
	g.Gathered += s.Gathered
	g.InPartials += s.InPartials
	g.Ungrouped += s.Ungrouped
	g.Unsent += s.Unsent
	g.Dropped += s.Dropped
}

// printSent says it, for people.
func (v *verification) printSent(fleet *oracle.Fleet, s *oracle.Sent) {
	if fleet != nil {
		fmt.Fprintf(v.out, "  for windows over several devices: %d readings gathered, %d sent in %d partials, %d ungrouped, %d not due yet\n",
			s.Gathered, s.InPartials, s.Partials, s.Ungrouped, s.Unsent)
	}
}

// groups checks what groups made of the partials, one partition after the other.
func (v *verification) groups(ctx context.Context, reader *topics.Reader, fleet *oracle.Fleet) error {
	if fleet == nil {
		return nil
	}
	for p := range v.standing.Partitions {
		in, err := reader.ReadGroups(ctx, v.standing, p, v.summary.Topics)
		if err != nil {
			return err
		}
		r := fleet.Check(in)
		s := &v.summary
		s.Groups.Late += r.Sent.Late
		s.Groups.Aggregates += r.Aggregates
		s.Groups.Alerts += r.Alerts
		s.Groups.Facts += r.Facts
		s.Oversized += r.Oversized
		s.SkewMs = max(s.SkewMs, r.Skew)
		s.Unjournaled += r.Unjournaled
		s.FilesChanged += r.Files
		s.FilesAssumed += r.Assumed
		s.Differences = append(s.Differences, r.Differences...)
		if !v.quiet {
			fmt.Fprintf(v.out, "groups of partition %d: %d partials (%d readings, %d of them late), %d watermarks, %d aggregates, %d alerts, %d facts: %s\n",
				p, r.Sent.Partials, r.Readings, r.Sent.Late, r.Sent.Watermarks, r.Aggregates, r.Alerts, r.Facts, verdict(len(r.Differences)))
		}
	}
	return nil
}
