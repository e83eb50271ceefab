package fleet

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/weirstream/weir/event"
)

// Options says what fleet to simulate. Fractions are of all readings sent, in
// [0, 1], and together at most 1.
type Options struct {
	Devices int
	Seed    uint64
	Rate    float64    // readings a second of the whole fleet; 0 is one a second per device
	Start   event.Time // when the first reading is due
	Metric  string     // empty is "temperature"
	Sites   int        // devices are spread over so many sites; 0 is 10

	Duplicates float64 // the device's last reading in good order again, byte for byte
	Late       float64 // LateBy in the past
	Future     float64 // FutureBy ahead
	OutOfOrder float64 // sent after the device's next reading

	LateBy   time.Duration // 0 is 2 h
	FutureBy time.Duration // 0 is 1 h

	Overheating int           // devices that get hot from time to time
	Peak        float64       // what they reach; 0 is 95
	HeatAfter   time.Duration // from Start to the first rise; 0 is 4 s
	HeatFor     time.Duration // from the rise to being back; 0 is 20 s
	HeatEvery   time.Duration // from rise to rise; 0 is 60 s
}

// Truth is what is wrong with a reading.
type Truth uint8

// The truths of a reading.
const (
	Good Truth = iota
	Duplicate
	Late
	Future
	OutOfOrder
)

// Reading is what a device sends. Within one device, Seq counts from 0 without
// gaps in the order in which the readings were taken; repeats repeat it.
type Reading struct {
	Device string
	Site   string
	Metric string
	Seq    int64
	Time   event.Time // event time
	Due    event.Time // when it is to be sent
	Value  float64    // in steps of 0.1
	Truth  Truth
}

// Fleet yields readings. It is for one goroutine.
type Fleet struct {
	o       Options
	rng     *rand.Rand
	devices []device
	slot    int64
}

// device is one simulated device.
type device struct {
	name, site string
	base       float64 // mean of its values
	phase      float64 // of its sine
	hot        bool
	seq        int64
	last       Reading // the last one sent in good order
	held       Reading // to be sent after the next one
	hasLast    bool
	hasHeld    bool
}

const (
	swing  = 4.0                     // amplitude of the sine
	period = float64(10 * 60 * 1000) // of the sine, in ms
	noise  = 0.3                     // standard deviation
)

// New makes a fleet.
func New(o Options) (*Fleet, error) {
	if o.Devices < 1 {
		return nil, fmt.Errorf("fleet: devices=%d must be at least 1", o.Devices)
	}
	if o.Overheating < 0 || o.Overheating > o.Devices {
		return nil, fmt.Errorf("fleet: overheating=%d must be 0 to devices=%d", o.Overheating, o.Devices)
	}
	sum := 0.0
	for _, f := range []float64{o.Duplicates, o.Late, o.Future, o.OutOfOrder} {
		if !(f >= 0 && f <= 1) {
			return nil, fmt.Errorf("fleet: fraction %v must be 0 to 1", f)
		}
		sum += f
	}
	if sum > 1 {
		return nil, fmt.Errorf("fleet: fractions add up to %v, more than 1", sum)
	}
	if o.Rate < 0 || math.IsInf(o.Rate, 0) || math.IsNaN(o.Rate) {
		return nil, fmt.Errorf("fleet: rate=%v must not be negative", o.Rate)
	}
	o = o.withDefaults()
	if o.HeatFor > o.HeatEvery {
		return nil, errors.New("fleet: devices that overheat must cool down before they overheat again")
	}
	f := &Fleet{o: o, rng: rand.New(rand.NewPCG(o.Seed, 0x77656972)), devices: make([]device, o.Devices)}
	for i := range f.devices {
		f.devices[i] = device{
			name:  fmt.Sprintf("device-%05d", i),
			site:  fmt.Sprintf("site-%02d", i%o.Sites),
			base:  18 + 8*f.rng.Float64(),
			phase: 2 * math.Pi * f.rng.Float64(),
		}
	}
	for _, i := range f.rng.Perm(o.Devices)[:o.Overheating] {
		f.devices[i].hot = true
	}
	return f, nil
}

func (o Options) withDefaults() Options {
	if o.Rate == 0 {
		o.Rate = float64(o.Devices)
	}
	if o.Metric == "" {
		o.Metric = "temperature"
	}
	if o.Sites <= 0 {
		o.Sites = 10
	}
	if o.Peak == 0 {
		o.Peak = 95
	}
	for _, d := range []struct {
		of   *time.Duration
		zero time.Duration
	}{
		{&o.LateBy, 2 * time.Hour}, {&o.FutureBy, time.Hour},
		{&o.HeatAfter, 4 * time.Second}, {&o.HeatFor, 20 * time.Second}, {&o.HeatEvery, time.Minute},
	} {
		if *d.of <= 0 {
			*d.of = d.zero
		}
	}
	return o
}

// Overheating returns the names of the devices that get hot, in their order.
func (f *Fleet) Overheating() []string {
	var names []string
	for i := range f.devices {
		if f.devices[i].hot {
			names = append(names, f.devices[i].name)
		}
	}
	return names
}

// Next returns the next reading. Readings are due at even distances, device
// after device.
func (f *Fleet) Next() Reading {
	d := &f.devices[f.slot%int64(len(f.devices))]
	due := f.o.Start + event.Time(float64(f.slot)*1000/f.o.Rate)
	f.slot++
	draw := f.rng.Float64()
	if d.hasHeld {
		d.hasHeld = false
		r := d.held
		r.Due = due
		return r
	}
	o := &f.o
	switch {
	case !d.hasLast: // there is nothing yet to repeat, or to be late against
		return f.send(d, f.take(d, due), Good)
	case draw < o.Duplicates:
		r := d.last
		r.Due, r.Truth = due, Duplicate
		return r
	case draw < o.Duplicates+o.Late:
		r := f.take(d, due)
		r.Time -= event.Time(o.LateBy.Milliseconds())
		r.Truth = Late
		return r
	case draw < o.Duplicates+o.Late+o.Future:
		r := f.take(d, due)
		r.Time += event.Time(o.FutureBy.Milliseconds())
		r.Truth = Future
		return r
	case draw < o.Duplicates+o.Late+o.Future+o.OutOfOrder:
		d.held, d.hasHeld = f.take(d, due), true
		d.held.Truth = OutOfOrder
		// Its slot goes to the reading that overtakes it, taken a moment later;
		// it follows at the device's next turn.
		return f.send(d, f.take(d, due+1), Good)
	}
	return f.send(d, f.take(d, due), Good)
}

// take makes the reading device d takes at a time.
func (f *Fleet) take(d *device, at event.Time) Reading {
	r := Reading{
		Device: d.name, Site: d.site, Metric: f.o.Metric,
		Seq: d.seq, Time: at, Due: at, Value: f.value(d, at),
	}
	d.seq++
	return r
}

func (f *Fleet) send(d *device, r Reading, truth Truth) Reading {
	r.Truth = truth
	d.last, d.hasLast = r, true
	return r
}

func (f *Fleet) value(d *device, at event.Time) float64 {
	elapsed := float64(at - f.o.Start)
	v := d.base + swing*math.Sin(d.phase+2*math.Pi*elapsed/period) + noise*f.rng.NormFloat64()
	if d.hot {
		v += f.heat(elapsed) * (f.o.Peak - d.base)
	}
	return math.Round(v*10) / 10
}

// heat is how far a hot device is on its way to the peak, in [0, 1]: it rises
// for a fifth of the time, stays, and cools for a fifth.
func (f *Fleet) heat(elapsedMs float64) float64 {
	since := elapsedMs - float64(f.o.HeatAfter.Milliseconds())
	if since < 0 {
		return 0
	}
	x := math.Mod(since, float64(f.o.HeatEvery.Milliseconds())) / float64(f.o.HeatFor.Milliseconds())
	if x >= 1 {
		return 0
	}
	return min(1, 5*x, 5*(1-x))
}
