package expr

import "github.com/weirstream/weir/event"

// Input is one reading as an expression sees it. All of it is borrowed while the
// expression is worked out.
type Input struct {
	Device []byte     // valid UTF-8
	Metric string     // name of the metric
	Value  float64    // of the reading, finite
	Time   event.Time // Unix milliseconds
	// Fields are the numbers of the object the reading came from, by the order of
	// Environment.Fields; NaN where the object has no such field. It may be nil for a
	// program that names none.
	Fields []float64
	Labels Labels // nil: the device has none
}

// Labels are what the roster says of one device, by the order of
// Environment.Labels. What the device does not have is "", NaN and false.
type Labels interface {
	Text(i int) string
	Number(i int) float64
	Bool(i int) bool
}
