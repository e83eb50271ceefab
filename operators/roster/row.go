package roster

import "math"

// Row is the labels of one device. The zero Row has none. Labels are counted as
// Labels has them; an index beyond them is a label that nobody has.
type Row struct {
	roster *Roster
	from   int // index of its first cell
}

// Text returns the label as it stands in the file, without the spaces around it;
// empty where the device has no such label.
func (w Row) Text(i int) string {
	if w.roster == nil {
		return ""
	}
	return w.roster.texts[w.text(i)]
}

// Number returns the label as a number; NaN where the device has no such label,
// or where it is none.
func (w Row) Number(i int) float64 {
	if w.roster == nil {
		return math.NaN()
	}
	return w.roster.numbers[w.text(i)]
}

// Bool reports whether the label is true; false where the device has no such
// label.
func (w Row) Bool(i int) bool { return w.Text(i) == "true" }

// text returns which text a label is.
func (w Row) text(i int) uint32 {
	r := w.roster
	if i < 0 || i >= len(r.column) || r.column[i] < 0 {
		return 0
	}
	return r.cells[w.from+r.column[i]]
}
