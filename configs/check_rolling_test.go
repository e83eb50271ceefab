package configs

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/weirstream/weir/event"
)

// What is said of a rolling window follows from its size where the file gives no
// resolution: the longest that divides it fifty times or more.
func TestUsualResolution(t *testing.T) {
	for size, want := range map[event.Time]event.Time{
		1: 1, 49: 1, 50: 1, 51: 1, 100: 2, 60_000: 1200, 3_600_000: 72_000, 3_600_001: 0, 1009: 0, 997: 1, 720_001: 1033, 86_400_000: 1_728_000, 7_000: 140, 102: 2,
	} {
		assert.Equal(t, want, usualResolution(size), size)
	}
}
