package aggregate

import (
	"math"
	"math/bits"
)

const (
	registerBits = 10 // of a hash choose the register
	registerMost = 64 - registerBits + 1
	perWord      = 10 // registers of 6 bits in a word
	registerMask = 1<<6 - 1

	registerWords = (1<<registerBits + perWord - 1) / perWord
)

// registers are the 1024 registers of a HyperLogLog in 103 words, 6 bits each:
// the greatest number of leading zeros + 1 of the hashes that fell to it
// (Flajolet, Fusy, Gandouet and Meunier, "HyperLogLog: the analysis of a
// near-optimal cardinality estimation algorithm", 2007). They follow from the set
// of values alone.
type registers []uint64

func (r registers) add(hash uint64) {
	i := int(hash >> (64 - registerBits))
	// The bit ends the count of zeros at registerMost.
	r.raise(i, uint64(bits.LeadingZeros64(hash<<registerBits|1<<(registerBits-1)))+1)
}

func (r registers) get(i int) uint64 { return r[i/perWord] >> (i % perWord * 6) & registerMask }

func (r registers) raise(i int, to uint64) {
	if now := r.get(i); to > now {
		r[i/perWord] ^= (now ^ to) << (i % perWord * 6)
	}
}

func (r registers) merge(src registers) {
	for i := range registerWords {
		for apart := r[i] ^ src[i]; apart != 0; {
			at := bits.TrailingZeros64(apart) / 6 * 6 // of the next register that differs
			apart &^= registerMask << at
			if now, other := r[i]>>at&registerMask, src[i]>>at&registerMask; other > now {
				r[i] ^= (now ^ other) << at
			}
		}
	}
}

// estimate is how many different hashes there were, to the nearest whole number:
// the improved raw estimator of Ertl, "New cardinality estimation algorithms for
// HyperLogLog sketches", 2017, algorithm 6. It needs no corrections for small and
// large numbers, which the original has at thresholds where its error jumps.
func (r registers) estimate() float64 {
	const m = 1 << registerBits
	var of [registerMost + 1]float64 // how many registers hold each number
	for i := range m {
		of[r.get(i)]++
	}
	z := m * tau(1-of[registerMost]/m)
	for k := registerMost - 1; k > 0; k-- {
		z = (z + of[k]) / 2
	}
	z += m * sigma(of[0]/m)
	return finite(math.Round(m * m / (2 * math.Ln2 * z)))
}

// sigma is x + the sum of x^(2^k) 2^(k-1) over k from 1; x is below 1.
func sigma(x float64) float64 {
	sum, weight := x, 1.0
	for {
		x *= x
		before := sum
		sum += x * weight
		if sum == before {
			return sum
		}
		weight *= 2
	}
}

// tau is a third of 1 - x - the sum of (1 - x^(2^-k))^2 2^-k over k from 1.
func tau(x float64) float64 {
	if x == 0 || x == 1 {
		return 0
	}
	sum, weight := 1-x, 1.0
	for {
		x = math.Sqrt(x)
		before := sum
		weight /= 2
		sum -= (1 - x) * (1 - x) * weight
		if sum == before {
			return sum / 3
		}
	}
}
