package main

import "strconv"

const (
	readingBytes  = 101               // of every value
	disorderMs    = 2_000             // how far a reading may lag behind the newest before it
	closingGapMs  = 600_000           // how far the closing readings are ahead of all others
	closingMilli  = 20_000            // their value in thousandths
	hotOneIn      = 10                // of so many devices one crosses thresholds
	hotStretch    = 10                // readings of a hot device between two alert events
	maxDevices    = 10_000_000        // names have seven digits
	defaultFirst  = 1_772_366_400_000 // 2026-03-01T12:00:00Z
	metricName    = "temperature"
	firingAbove   = 80
	resolvedBelow = 70
)

// reading is one line of the input.
type reading struct {
	device int32
	ts     int64 // Unix milliseconds
	milli  int32 // the value in thousandths
}

func (r reading) value() float64 { return float64(r.milli) / 1000 }

// input is a fleet that sends in rounds: in each, every device sends once, in an order that looks random and is another one than in the round
// before. The whole input is a function of these fields, so that it can be sent, sent again and modelled without being kept.
//
// Invariants:
//  1. No reading is older than the newest before it by disorderMs or more.
//  2. The readings of a hot device (see hot) are in order, with distinct times: an engine that ignores a reading for its rule when it is
//     older than the newest seen, and one that ignores it when it is not newer than the newest it has looked at, agree.
type input struct {
	devices    int
	intervalMs int64 // event time between two readings of a device, and so between two rounds
	firstMs    int64 // event time of the first round
	orders     [3]order
}

// order is one order of the devices: device = position * stride mod devices, position = device * inverse mod devices.
type order struct{ stride, inverse int64 }

type inputOptions struct {
	Devices    int
	IntervalMs int64
	FirstMs    int64 // 0: defaultFirst
}

func newInput(o inputOptions) input {
	in := input{devices: o.Devices, intervalMs: o.IntervalMs, firstMs: o.FirstMs}
	if in.firstMs == 0 {
		in.firstMs = defaultFirst
	}
	// A golden section of the circle spreads neighbours far apart, and so do other irrational ones.
	for i, section := range [...]float64{0.6180339887, 0.4142135624, 0.7320508076} {
		stride := int64(float64(o.Devices)*section) | 1
		for gcd(stride, int64(o.Devices)) != 1 {
			stride += 2
		}
		in.orders[i] = order{stride: stride, inverse: inverse(stride, int64(o.Devices))}
	}
	return in
}

// inverse is x with n*x = 1 modulo m, for n and m without a common factor (the extended algorithm of Euclid).
func inverse(n, m int64) int64 {
	a, b, x, y := n%m, m, int64(1), int64(0)
	for b != 0 {
		q := a / b
		a, b, x, y = b, a-q*b, y, x-q*y
	}
	return (x%m + m) % m
}

// at is the k-th reading in the order of sending, from 0.
func (in input) at(k int64) reading {
	n := int64(in.devices)
	return in.of(in.device(k%n, k/n), k/n)
}

// of is the reading of a device in a round.
func (in input) of(device int32, round int64) reading {
	position := in.position(device, round)
	r := reading{device: device, ts: in.firstMs + round*in.intervalMs + position*in.intervalMs/int64(in.devices)}
	h := mix(uint64(device)<<32 | uint64(round))
	if !hot(device) {
		r.ts -= int64(h % disorderMs)
		r.milli = 20_000 + int32(h>>32%59_999)
		return r
	}
	own := mix(uint64(device))
	r.ts -= int64(own % disorderMs)
	step := round + int64(own>>32%(2*hotStretch))
	r.milli = hotValue(step, h>>32)
	return r
}

// hotValue crosses a threshold for sure at the first step of each stretch, and stays between the same thresholds or beyond until the
// next: the band from resolvedBelow to firingAbove is visited in both states, so that an engine without hysteresis is found out.
func hotValue(step int64, h uint64) int32 {
	up, first := step/hotStretch%2 == 1, step%hotStretch == 0
	switch {
	case up && first:
		return 81_000 + int32(h%15_000)
	case up:
		return 71_000 + int32(h%25_000)
	case first:
		return 50_000 + int32(h%19_999)
	default:
		return 50_000 + int32(h%29_999)
	}
}

// hot devices cross thresholds; the others never do.
func hot(device int32) bool { return device%hotOneIn == 3 }

// device is who sends at a position in a round.
func (in input) device(position, round int64) int32 {
	return int32(position * in.order(round).stride % int64(in.devices))
}

// position is when in a round a device sends.
func (in input) position(device int32, round int64) int64 {
	return int64(device) * in.order(round).inverse % int64(in.devices)
}

func (in input) order(round int64) order { return in.orders[round%int64(len(in.orders))] }

// closing is the last reading of a device, which closes all windows of the first `readings` ones.
func (in input) closing(device int32, readings int64) reading {
	return reading{device: device, ts: in.lastMs(readings) + closingGapMs, milli: closingMilli}
}

// lastMs is a time no reading among the first so many lies behind, and the last is less than a round before.
func (in input) lastMs(readings int64) int64 {
	n := int64(in.devices)
	return in.firstMs + (readings+n-1)/n*in.intervalMs
}

// ofDevice are the readings of one device among the first `readings`, in the order of sending.
func (in input) ofDevice(device int32, readings int64, into []reading) []reading {
	n := int64(in.devices)
	for round := int64(0); round*n+in.position(device, round) < readings; round++ {
		into = append(into, in.of(device, round))
	}
	return into
}

// appendKey appends the name of a device.
func appendKey(b []byte, device int32) []byte {
	return appendDigits(append(b, "pump-"...), int64(device), 7)
}

// appendValue appends the JSON of a reading: always readingBytes long.
func appendValue(b []byte, r reading) []byte {
	b = appendKey(append(b, `{"device":"`...), r.device)
	b = append(b, `","metric":"`+metricName+`","ts":`...)
	b = strconv.AppendInt(b, r.ts, 10)
	b = append(b, `,"value":`...)
	b = appendDigits(b, int64(r.milli/1000), 2)
	b = append(b, '.')
	b = appendDigits(b, int64(r.milli%1000), 3)
	return append(b, `,"unit":"C","p":"x"}`...)
}

func appendDigits(b []byte, n int64, width int) []byte {
	at := len(b)
	for range width {
		b = append(b, '0')
	}
	for i := at + width - 1; i >= at; i-- {
		b[i] = byte('0' + n%10)
		n /= 10
	}
	return b
}

// deviceOf reads a name that appendKey wrote; false for any other.
func deviceOf(name []byte) (int32, bool) {
	if len(name) != 12 || string(name[:5]) != "pump-" {
		return 0, false
	}
	n := int32(0)
	for _, c := range name[5:] {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int32(c-'0')
	}
	return n, true
}

// mix is the finalizer of SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, OOPSLA 2014).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

func gcd(a, b int64) int64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
