package complaint

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Trouble that lasts an hour, seen every second, is said at growing intervals with how long it has lasted.
func TestPace(t *testing.T) {
	var p Pace
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	_, was := p.Over(start)
	assert.False(t, was)
	var said []time.Duration
	for s := range 3600 {
		if lasts, say := p.Again(start.Add(time.Duration(s) * time.Second)); say {
			require.Equal(t, time.Duration(s)*time.Second, lasts)
			said = append(said, lasts)
		}
	}
	assert.Equal(t, []time.Duration{0, 1 * time.Minute, 3 * time.Minute, 7 * time.Minute, 15 * time.Minute, 25 * time.Minute, 35 * time.Minute, 45 * time.Minute, 55 * time.Minute}, said)
	lasted, was := p.Over(start.Add(time.Hour))
	assert.True(t, was)
	assert.Equal(t, time.Hour, lasted)
	lasts, say := p.Again(start.Add(2 * time.Hour))
	assert.True(t, say, "another trouble")
	assert.Zero(t, lasts)
}
