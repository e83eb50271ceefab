package roster

// Roster is one version of the file. It is read only once Parse has made it and
// may be shared by goroutines.
//
// Invariants: (1) devices differ, and so do the names of labels; (2) cells holds
// len(stored) numbers of texts for each device, row by row in the order of the file;
// (3) text 0 is the empty one; (4) index finds every device and nothing else.
type Roster struct {
	labels []Label // as presented: see Arrange
	column []int   // by label: the stored column; -1: the file has none, so the label is empty for everybody
	stored []column

	names   []byte   // of all devices, one behind the other
	ends    []uint32 // where each name ends
	index   index
	cells   []uint32  // into texts
	texts   []string  // each different cell once
	numbers []float64 // by text; NaN where it is not a number

	fingerprint uint64
}

// column is what is known of a column of the file.
type column struct {
	label     Label
	empty     bool // no device has such a label
	notNumber cell // the first one that is no number; line 0: there is none
	notBool   cell
}

// cell is where a cell stands and what it holds.
type cell struct {
	line int
	text string
}

// Labels are the columns but device, in the order that Row counts them. The
// caller does not change them.
func (r *Roster) Labels() []Label { return r.labels }

// Len is the number of devices.
func (r *Roster) Len() int { return len(r.ends) }

// Fingerprint is the first 8 bytes of the SHA-256 of the file, big-endian.
func (r *Roster) Fingerprint() uint64 { return r.fingerprint }

// Devices returns the names of all devices in the order of the file.
func (r *Roster) Devices() []string {
	list := make([]string, r.Len())
	for i := range list {
		list[i] = string(r.name(i))
	}
	return list
}

// Name returns the name of the i-th device of the file; it is not to be written.
func (r *Roster) Name(i int) []byte { return r.name(i) }

// Has reports whether the roster names the device.
func (r *Roster) Has(device []byte) bool { return r.Find(device) >= 0 }

// Find returns the place of a device in the file, from 0, or -1 where the roster
// does not name it. It allocates nothing.
func (r *Roster) Find(device []byte) int { return r.index.find(r, device) }

// Of returns the labels of a device; the zero Row where the roster does not name
// it. It allocates nothing.
func (r *Roster) Of(device []byte) Row { return r.At(r.Find(device)) }

// At returns the labels of the i-th device of the file; the zero Row for a
// negative i.
func (r *Roster) At(i int) Row {
	if i < 0 {
		return Row{}
	}
	return Row{roster: r, from: i * len(r.stored)}
}

func (r *Roster) name(i int) []byte {
	from := uint32(0)
	if i > 0 {
		from = r.ends[i-1]
	}
	return r.names[from:r.ends[i]]
}
