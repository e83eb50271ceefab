package window

import "github.com/weirstream/weir/event"

// Result is what a window says at one moment. It and its Values belong to the
// ring and are valid during the callback only.
type Result struct {
	Window   int // index into the specs of the ring
	Start    event.Time
	End      event.Time // not included
	Count    uint64     // readings in the window, at least 1
	Values   []float64  // one for each name of Spec.Compute, in its order; finite
	Revision int        // 1 at the first emission; stays at 255 once there
	Final    bool       // the window has closed for good
	// Digest is what the callback returned at the emission before this one; 0
	// at the first.
	Digest uint8
	// Reopened is how often a session was open again after it had closed; 0 for
	// other windows.
	Reopened int
	// Merged is set where this session has become part of the one that begins at
	// MergedInto: there are no Values, and nothing follows for it.
	Merged     bool
	MergedInto event.Time
}

// Emit is called with each result, ordered by end, then by window. What it
// returns is kept with the window and handed back as the Digest of its next
// revision, so that a caller can tell whether a revision says something else. It
// must not use the row it was called for, other than through [Ring.Running].
type Emit func(*Result) uint8
