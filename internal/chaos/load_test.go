//go:build real

package chaos

import (
	"hash/fnv"
	"sync/atomic"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/internal/fleet"
	"github.com/weirstream/weir/internal/rig"
)

// loadOptions say what flows. The zero value is the usual fleet.
type loadOptions struct {
	devices int     // 0: 300
	rate    float64 // readings a second; 0: 1500
	to      fleet.Publisher
}

// load is a fleet that is being sent in real time until it is ended.
type load struct {
	*rig.Sending
	mutes *mutes
}

// mutes lets every fifth device fall silent, for 4 s in 8, each at a time of its own. Of others every seventh has a clock that goes back by a
// minute, for 12 s in 24.
type mutes struct {
	fleet *fleet.Fleet
	start event.Time
	ended atomic.Bool
}

// Message implements fleet.Source.
func (m *mutes) Message() (fleet.Message, bool, error) {
	for !m.ended.Load() {
		r := m.fleet.Next()
		if m.silent(r) {
			continue
		}
		if m.behind(r) {
			r.Time -= 60_000
		}
		return fleet.Message{Device: r.Device, Site: r.Site, JSON: r.AppendJSON(nil), Due: r.Due, Truth: r.Truth}, true, nil
	}
	return fleet.Message{}, false, nil
}

func (m *mutes) silent(r fleet.Reading) bool {
	n := placeOf(r.Device)
	return n%5 == 0 && (int64(r.Due-m.start)/1_000+n/5)%8 >= 4
}

func (m *mutes) behind(r fleet.Reading) bool {
	n := placeOf(r.Device)
	return n%7 == 3 && (int64(r.Due-m.start)/1_000+n/7)%24 >= 12
}

func placeOf(device string) int64 {
	hash := fnv.New32a()
	_, _ = hash.Write([]byte(device))
	return int64(hash.Sum32())
}

// feed begins to send a fleet, straight to Kafka unless the options say otherwise.
func (r *round) feed(o loadOptions) {
	r.t.Helper()
	if o.devices == 0 {
		o.devices = 300
	}
	if o.rate == 0 {
		o.rate = 1_500
	}
	if o.to == nil {
		var err error
		o.to, err = fleet.OpenKafka(r.pipe.Source, r.kafka.Brokers()...)
		require.NoError(r.t, err)
	}
	start := event.Time(time.Now().UnixMilli())
	f, err := fleet.New(fleet.Options{
		Devices: o.devices, Seed: r.seed, Rate: o.rate, Start: start,
		Duplicates: 0.05, OutOfOrder: 0.01, Late: 0.005, LateBy: 10 * time.Second, Future: 0.002,
		Overheating: o.devices / 10, HeatAfter: time.Second, HeatFor: 3 * time.Second, HeatEvery: 5 * time.Second,
	})
	require.NoError(r.t, err)
	m := &mutes{fleet: f, start: start}
	r.load = &load{Sending: rig.Send(r.t, m, o.to, 1), mutes: m}
	if !r.pipe.untold {
		r.operator.come(r.t, r.kafka.Brokers())
	}
}

// end ends the load and waits until all of it is acknowledged.
func (l *load) end() fleet.Totals {
	l.mutes.ended.Store(true)
	return l.Wait(time.Minute)
}
