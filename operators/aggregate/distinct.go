package aggregate

import "slices"

// distinctExact is how many different values a pane holds before it estimates.
const distinctExact = 120

// distinct is how many different values there are: exactly up to 120, beyond that
// an estimate with a standard error of 3.3 % (HyperLogLog, see registers).
//
// 121 words: word 0 is how many values are held, the others are their bit
// patterns, ascending. Where word 0 is 121 there are more, and the others are
// registers. Which of both it is follows from the set of values alone.
type distinct struct{}

func (distinct) Name() string  { return "distinct" }
func (distinct) State() string { return "distinct" }
func (distinct) Words() int    { return 1 + distinctExact }

func (distinct) Fold(w []uint64, s Sample) { addDistinct(w, canonical(s.Value)) }

func addDistinct(w []uint64, value uint64) {
	held := int(w[0])
	if held > distinctExact {
		registers(w[1:]).add(hash(value))
		return
	}
	at, found := slices.BinarySearch(w[1:1+held], value)
	switch {
	case found:
		return
	case held == distinctExact:
		toRegisters(w)
		registers(w[1:]).add(hash(value))
		return
	}
	copy(w[1+at+1:1+held+1], w[1+at:1+held])
	w[1+at] = value
	w[0]++
}

// toRegisters goes over from values to registers.
func toRegisters(w []uint64) {
	var all [distinctExact]uint64
	held := copy(all[:], w[1:1+w[0]])
	clear(w)
	w[0] = distinctExact + 1
	for _, value := range all[:held] {
		registers(w[1:]).add(hash(value))
	}
}

func (distinct) Merge(dst, src []uint64, m Merge) {
	switch {
	case m.First:
		copy(dst, src)
	case src[0] <= distinctExact && dst[0] <= distinctExact:
		uniteValues(dst, src)
	case src[0] <= distinctExact:
		for _, value := range src[1 : 1+src[0]] {
			registers(dst[1:]).add(hash(value))
		}
	default:
		if dst[0] <= distinctExact {
			toRegisters(dst)
		}
		registers(dst[1:]).merge(registers(src[1:]))
	}
}

// uniteValues merges two panes that hold values.
func uniteValues(dst, src []uint64) {
	var room [2 * distinctExact]uint64
	all, a, b := room[:0], dst[1:1+dst[0]], src[1:1+src[0]]
	for len(a) > 0 && len(b) > 0 {
		switch {
		case a[0] < b[0]:
			all, a = append(all, a[0]), a[1:]
		case a[0] > b[0]:
			all, b = append(all, b[0]), b[1:]
		default:
			all, a, b = append(all, a[0]), a[1:], b[1:]
		}
	}
	all = append(append(all, a...), b...)
	if len(all) <= distinctExact {
		dst[0] = uint64(len(all))
		copy(dst[1:], all)
		return
	}
	clear(dst)
	dst[0] = distinctExact + 1
	for _, value := range all {
		registers(dst[1:]).add(hash(value))
	}
}

func (distinct) Result(w []uint64, _ uint64) float64 {
	if w[0] <= distinctExact {
		return float64(w[0])
	}
	return registers(w[1:]).estimate()
}
