package configs

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

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

// Where windows lie is in the pipeline as the engine takes it.
func TestPlacesOfWindows(t *testing.T) {
	p, ds := parseFile(t, "testdata/good/everything-built.yaml")
	require.NotNil(t, p, ds.String())
	morning, quarter, lately := p.Windows[3], p.Windows[4], p.Windows[5]
	assert.Equal(t, "Europe/Berlin", morning.Location.String())
	assert.Equal(t, [3]event.Time{day, day, 23_400_000}, [3]event.Time{morning.Size, morning.Every, morning.Offset})
	assert.Nil(t, quarter.Location)
	assert.Equal(t, [3]event.Time{3_600_000, 1_800_000, 900_000}, [3]event.Time{quarter.Size, quarter.Every, quarter.Offset})
	assert.Equal(t, Rolling, lately.Kind)
	assert.Equal(t, [3]event.Time{3_600_000, 60_000, 0}, [3]event.Time{lately.Size, lately.Every, lately.Offset})
	assert.Equal(t, Emit{Topic: "newest", On: "change"}, lately.Emit)
}
