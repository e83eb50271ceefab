package operators_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/operators"
)

func TestAdvance(t *testing.T) {
	for _, c := range []struct {
		name          string
		clock         event.Time
		event, append event.Time
		want          event.Time
	}{
		{"first reading", 0, 100, 105, 100},
		{"in order", 100, 110, 112, 110},
		{"out of order does not go back", 110, 105, 113, 110},
		{"ahead of the log is held at the append time", 110, 500, 120, 120},
		{"and never back to an append time", 120, 500, 110, 120},
	} {
		t.Run(c.name, func(t *testing.T) {
			assert.Equal(t, c.want, operators.Advance(c.clock, operators.Arrival{Event: c.event, Append: c.append}))
		})
	}
}

func TestFuture(t *testing.T) {
	at := func(event event.Time) operators.Arrival { return operators.Arrival{Event: event, Append: 100} }
	assert.False(t, at(105).Future(5), "as far as the skew is allowed")
	assert.True(t, at(106).Future(5))
	assert.False(t, at(3).Future(0))
}

func TestArriveWithoutTime(t *testing.T) {
	r := event.Reading{Time: 7}
	assert.Equal(t, operators.Arrival{Event: 100, Append: 100}, operators.Arrive(&r, 100))
	r.HasTime = true
	assert.Equal(t, operators.Arrival{Event: 7, Append: 100}, operators.Arrive(&r, 100))
}
