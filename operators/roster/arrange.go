package roster

import "fmt"

// Arrange returns the same devices with the labels in another order: first those
// given, by name, then the rest in the order of the file. So an index into the
// labels of an earlier version stays good. A label that the file has no column of
// is empty for every device.
func (r *Roster) Arrange(first []Label) *Roster {
	a := *r
	a.labels, a.column = nil, nil
	taken := make([]bool, len(r.stored))
	for _, l := range first {
		k := r.columnOf(l.Name)
		if k >= 0 {
			taken[k], l = true, r.stored[k].label
		}
		a.labels, a.column = append(a.labels, l), append(a.column, k)
	}
	for k := range r.stored {
		if !taken[k] {
			a.labels, a.column = append(a.labels, r.stored[k].label), append(a.column, k)
		}
	}
	return &a
}

// Serves says why the file cannot give the label to something that was made for
// it; nil where it can. Every column serves as text, and one whose cells are all
// empty as any kind.
func (r *Roster) Serves(l Label) error {
	k := r.columnOf(l.Name)
	if k < 0 {
		return &Error{Reason: fmt.Sprintf("there is no column %q", l.Name)}
	}
	c := &r.stored[k]
	switch {
	case l.Kind == Number && c.notNumber.line > 0:
		return c.notNumber.fault(l.Name, "a number")
	case l.Kind == Bool && c.notBool.line > 0:
		return c.notBool.fault(l.Name, "true or false")
	}
	return nil
}

func (c cell) fault(name, kind string) error {
	return &Error{Line: c.line, Reason: fmt.Sprintf("%s is %s, which is not %s", name, quoted(c.text), kind)}
}

// columnOf returns the stored column of a label, or -1.
func (r *Roster) columnOf(name string) int {
	for k := range r.stored {
		if r.stored[k].label.Name == name {
			return k
		}
	}
	return -1
}
