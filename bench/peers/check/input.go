package main

import (
	"fmt"
	"math/rand/v2"

	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	startMs    = 1_772_366_400_000
	everyMs    = 500   // between two readings of a device, on average
	disorderMs = 2_000 // how far a reading may lag behind the newest one
	closingMs  = 600_000
	comparedMs = 70_000 // windows ending later than that after the body are not compared
)

type reading struct {
	device  string
	ts      int64
	value   float64
	closing bool
}

// input is what the source topic holds, in order of sending.
type input []reading

func makeInput(o options) input {
	random := rand.New(rand.NewPCG(o.seed, 1))
	values := make([]float64, o.devices)
	for d := range values {
		values[d] = 50 + 45*random.Float64()
	}
	var in input
	var newest int64
	for round := int64(0); len(in) < o.readings; round++ {
		for _, d := range random.Perm(o.devices)[:min(o.devices, o.readings-len(in))] {
			// A walk between 50 and 95 that crosses 70 and 80 often, in steps of a thousandth.
			values[d] = min(95, max(50, values[d]+20*(random.Float64()-0.5)))
			ts := startMs + round*everyMs - random.Int64N(disorderMs/100)*100 // hundreds, so that some are of the same time
			newest = max(newest, ts)
			in = append(in, reading{device: fmt.Sprintf("pump-%07d", d), ts: ts, value: thousandths(values[d])})
		}
	}
	for d := range o.devices {
		in = append(in, reading{device: fmt.Sprintf("pump-%07d", d), ts: newest + closingMs, value: 20, closing: true})
	}
	return in
}

func thousandths(v float64) float64 { return float64(int64(v*1000)) / 1000 }

// compared is the greatest end of a window that is compared.
func (in input) compared() int64 {
	return in[len(in)-1].ts - closingMs + comparedMs
}

// record is 101 bytes of JSON, keyed by device.
func (r reading) record() *kgo.Record {
	json := fmt.Sprintf(`{"device":%q,"metric":"pressure","ts":%d,"value":%.3f,"unit":"C","pad":"xx"}`, r.device, r.ts, r.value)
	return &kgo.Record{Key: []byte(r.device), Value: []byte(json)}
}
