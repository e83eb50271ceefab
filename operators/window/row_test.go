package window_test

// movingRow is a row that moves at every write, as a page does that is copied
// while it is being saved, and spoils what it leaves behind: whoever holds on to
// old words reads nonsense.
type movingRow struct {
	words  []uint64
	each   int
	writes int
}

const spoilt = 0xbad0_bad0_bad0_bad0

func newMovingRow(cells, words int) *movingRow {
	return &movingRow{words: make([]uint64, cells*words), each: words}
}

func (r *movingRow) Words() []uint64 { return r.words }

func (r *movingRow) Write(cell int) []uint64 {
	r.writes++
	moved := append([]uint64(nil), r.words...)
	for i := range r.words {
		r.words[i] = spoilt
	}
	r.words = moved
	return moved[cell*r.each : (cell+1)*r.each : (cell+1)*r.each]
}

// stillRow stays where it is.
type stillRow struct {
	words []uint64
	each  int
}

func (r *stillRow) Words() []uint64 { return r.words }

func (r *stillRow) Write(cell int) []uint64 { return r.words[cell*r.each : (cell+1)*r.each] }
