//go:build real

package killtest

import "time"

// alert is what the tests look at in an alert record.
type alert struct {
	ID      string
	Rule    string
	Device  string
	State   string
	At      time.Time
	Window  struct{ Start, End time.Time }
	Resets  uint64
	Episode struct {
		Start time.Time
		Event int
	}
}
