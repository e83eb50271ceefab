package soak

import (
	"hash/fnv"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/internal/fleet"
)

// churn is a fleet whose devices live for a while and then give way to others.
type churn struct {
	fleet  *fleet.Fleet
	prefix string
	life   time.Duration
	start  event.Time
	ended  atomic.Bool
}

// Message implements fleet.Source. Lives begin spread over the first one, so that at any moment as many devices come as go.
func (c *churn) Message() (fleet.Message, bool, error) {
	if c.ended.Load() {
		return fleet.Message{}, false, nil
	}
	r := c.fleet.Next()
	r.Device = c.prefix + r.Device + "-" + strconv.FormatInt(c.generation(r), 10)
	return fleet.Message{Device: r.Device, Site: r.Site, JSON: r.AppendJSON(nil), Due: r.Due, Truth: r.Truth}, true, nil
}

// generation follows from when a reading was taken, so a repeat bears the name of the reading it repeats.
func (c *churn) generation(r fleet.Reading) int64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(r.Device))
	life := c.life.Milliseconds()
	return (int64(r.Time-c.start) + int64(h.Sum64()%uint64(life)) + 100*life) / life
}
