package aggregate

// count is the number of readings. It needs no words: every pane counts its
// readings anyway.
type count struct{}

func (count) Name() string                        { return "count" }
func (count) State() string                       { return "" }
func (count) Words() int                          { return 0 }
func (count) Fold([]uint64, Sample)               {}
func (count) Merge(_, _ []uint64, _ Merge)        {}
func (count) Result(_ []uint64, n uint64) float64 { return float64(n) }
