// Package roster reads the file that names the devices of a fleet and their
// labels: CSV with a header, the column device and one column for each label.
package roster

// Label is a column of the roster other than device.
type Label struct {
	Name string
	Kind Kind
}

// Kind is what the cells of a column are.
type Kind uint8

// The kinds of labels. A column is Number if every cell of it that is not empty
// is a number, Bool if every such cell is true or false, else Text.
const (
	Text Kind = iota
	Number
	Bool
)
