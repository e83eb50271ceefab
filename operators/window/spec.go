package window

import (
	"fmt"
	"time"

	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/operators/aggregate"
)

// maxSpan bounds every length of time (139 years), so that sums of them with a
// time do not overflow.
const maxSpan = event.Time(1) << 42

// Row is one device's cells of one column.
type Row interface {
	// Words are the words of all cells, cell after cell, for reading; valid
	// until the next Write.
	Words() []uint64
	// Write is one cell's words, for writing; valid until the next Write.
	Write(cell int) []uint64
}

// Spec is one tumbling or hopping window of a metric. Lengths are in
// milliseconds. A tumbling window has Every == Size.
type Spec struct {
	Name   string
	Size   event.Time
	Every  event.Time
	Offset event.Time // from 0, less than Every: windows begin at Offset + k Every, counted from the epoch
	// Location makes the windows calendar days of a time zone, each beginning when clocks there show Offset; Size and Every are then 24 h,
	// though a day may be longer or shorter. nil: the windows are of one length.
	Location *time.Location
	Compute  []string // names of aggregates, at least one
	// Whole is the length of the window of which this one is a part, whose readings
	// are merged with others of it; 0: it stands for itself.
	Whole event.Time
	// Parts is set where no reading is folded in, but what Told makes of the panes of
	// several devices is absorbed.
	Parts bool
	// Times has every pane keep the times of its first and its last reading, for
	// Partial.Piece.
	Times bool
}

// Time is the pipeline's rules of time, in milliseconds from 0.
type Time struct {
	WaitForLate   event.Time // how long after its end a window stays open
	MaxFutureSkew event.Time // how far a reading may run ahead of its append time
	Backfill      event.Time // how long after closing a window can still be revised
}

// Span is the way a device's clock went.
type Span struct {
	From event.Time // not included
	To   event.Time // included
}

func (s Spec) validate() error {
	switch {
	case s.Size <= 0 || s.Size > maxSpan:
		return fmt.Errorf("window %q: size=%dms must be between 1ms and %dms", s.Name, s.Size, maxSpan)
	case s.Every <= 0 || s.Every > s.Size:
		return fmt.Errorf("window %q: every=%dms must be between 1ms and size=%dms", s.Name, s.Every, s.Size)
	case s.Size%s.Every != 0:
		return fmt.Errorf("window %q: every=%dms must divide size=%dms", s.Name, s.Every, s.Size)
	case s.Offset < 0 || s.Offset >= s.Every:
		return fmt.Errorf("window %q: offset=%dms must be between 0ms and less than every=%dms", s.Name, s.Offset, s.Every)
	case s.Location != nil && (s.Size != dayMs || s.Every != dayMs):
		return fmt.Errorf("window %q: size=%dms and every=%dms with time zone %s must both be %dms, a day", s.Name, s.Size, s.Every, s.Location, dayMs)
	}
	_, err := aggregates(s.Name, s.Compute, s.halfLife())
	return err
}

// halfLife is that of the readings, by the length of the window they count in, and
// whether they come in parts.
func (s Spec) halfLife() aggregate.Options {
	o := halfLife(float64(s.Size))
	if s.Whole > 0 {
		o = halfLife(float64(s.Whole))
	}
	o.Parts = s.Parts
	return o
}

func (t Time) validate() error {
	for _, f := range []struct {
		name string
		span event.Time
	}{
		{"wait_for_late", t.WaitForLate},
		{"max_future_skew", t.MaxFutureSkew},
		{"allow_backfill", t.Backfill},
	} {
		if f.span < 0 || f.span > maxSpan {
			return fmt.Errorf("%s=%dms must be between 0ms and %dms", f.name, f.span, maxSpan)
		}
	}
	return nil
}

// aggregates resolves the names of a window's compute list.
func aggregates(window string, names []string, o aggregate.Options) ([]aggregate.Aggregate, error) {
	if len(names) == 0 {
		return nil, fmt.Errorf("window %q: compute is empty: name at least one aggregate", window)
	}
	out := make([]aggregate.Aggregate, len(names))
	for i, name := range names {
		a, err := aggregate.New(name, o)
		if err != nil {
			return nil, fmt.Errorf("window %q: compute[%d]: %w", window, i, err)
		}
		for _, other := range names[:i] {
			if other == name {
				return nil, fmt.Errorf("window %q: compute[%d]: %q is there already", window, i, name)
			}
		}
		out[i] = a
	}
	return out, nil
}
