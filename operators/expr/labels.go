package expr

import "math"

// A device that the roster does not know has the labels of an empty line.

func textLabel(in *Input, i int) string {
	if in.Labels == nil {
		return ""
	}
	return in.Labels.Text(i)
}

func numberLabel(in *Input, i int) float64 {
	if in.Labels == nil {
		return math.NaN()
	}
	return in.Labels.Number(i)
}

func boolLabel(in *Input, i int) bool { return in.Labels != nil && in.Labels.Bool(i) }
