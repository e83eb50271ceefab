package engine

import "time"

// Pace is how often a task does what it does rarely, and how much at once. The
// zero value is for production; tests make the rare frequent.
type Pace struct {
	// CheckpointEvery is the longest time between two checkpoints; 0: 30 s.
	CheckpointEvery time.Duration
	// TrimEvery is the least time between two trims of a journal; 0: 5 s.
	TrimEvery time.Duration
	// RefreshBytes is how much of the live state a journal record repeats at the
	// least, if so much is due; 0: 4 KiB.
	RefreshBytes int
	// PartBytes is the length above which a journal record travels in parts;
	// 0: 700 KiB.
	PartBytes int
	// HeldBytes is how much of the journal below the base is kept for a local copy
	// that lags behind; 0: 32 MiB. A checkpoint is due at half of it.
	HeldBytes int64
}

const (
	checkpointEvery = 30 * time.Second
	// trimEvery is so long because a small state goes through a refresh cycle at
	// every commit.
	trimEvery    = 5 * time.Second
	refreshFloor = 4 << 10
	maxPartBytes = 700 << 10
	heldBytes    = 32 << 20
)

// filled returns the pace with the defaults in place of zeros.
func (p Pace) filled() Pace {
	if p.CheckpointEvery == 0 {
		p.CheckpointEvery = checkpointEvery
	}
	if p.TrimEvery == 0 {
		p.TrimEvery = trimEvery
	}
	if p.RefreshBytes == 0 {
		p.RefreshBytes = refreshFloor
	}
	if p.PartBytes == 0 {
		p.PartBytes = maxPartBytes
	}
	if p.HeldBytes == 0 {
		p.HeldBytes = heldBytes
	}
	return p
}
