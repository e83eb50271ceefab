package soak

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/internal/fleet"
)

// What rises only while it warms up, or for a moment, is flat; what rises all the time is not.
func TestGrowthIsTold(t *testing.T) {
	s := series{measures: []measure{
		{name: "level", floor: 5}, {name: "peaks", floor: 5}, {name: "leak", unit: "MB", floor: 1e6}, {name: "leak within its floor", floor: 500}, {name: "lag", free: true},
		{name: "saw", floor: 5, saw: true}, {name: "growing saw", floor: 5, saw: true},
	}}
	for i := range 60 {
		at := time.Duration(i) * time.Minute
		level := min(float64(i)*10, 100)
		peak := 100.0
		if i%13 == 0 {
			peak = 900
		}
		s.add(at, []float64{level, peak, 100e6 + 1e6*float64(i), 100 + float64(i), float64(i), float64(i%9) * 10, float64(i%9) * float64(i)})
	}
	var grown []string
	for _, f := range s.findings() {
		if f.grew() {
			grown = append(grown, f.name)
		}
	}
	assert.Equal(t, []string{"leak", "growing saw"}, grown)
	var text strings.Builder
	table(&text, s.findings())
	assert.Equal(t, `| measure | after the warm-up | at the end | highest | trend per hour |
|---|---|---|---|---|
| level | 100 | 100 | 100 | 0 |
| peaks | 100 | 100 | 900 | 0 |
| leak | 124 MB | 154 MB **grew** | 159 MB | 60 MB |
| leak within its floor | 124 | 154 | 159 | 60 |
| lag | 24.5 | 54.5 | 59 | 60 |
| saw | 80 | 80 | 80 | 0 |
| growing saw | 208 | 424 **grew** | 424 | 243 |
`, text.String())
}

func TestEveryDeviceGivesWay(t *testing.T) {
	f, err := fleet.New(fleet.Options{Devices: 50, Seed: 1, Rate: 100, Start: 1_700_000_000_000, Duplicates: 0.1, Late: 0.05})
	require.NoError(t, err)
	c := &churn{fleet: f, prefix: "a-", life: 10 * time.Second, start: 1_700_000_000_000}
	last := map[string]event.Time{}
	for range 6_000 { // a minute
		m, ok, err := c.Message()
		require.NoError(t, err)
		require.True(t, ok)
		require.Contains(t, string(m.JSON), `"device":"`+m.Device+`"`)
		last[m.Device] = max(last[m.Device], m.Due)
	}
	assert.Greater(t, len(last), 50*6, "names that were spoken under")
	gone := 0
	for _, at := range last {
		if at < 1_700_000_000_000+45_000 {
			gone++
		}
	}
	assert.Greater(t, gone, 50*4, "names that were not heard for a quarter of a minute")
	c.ended.Store(true)
	_, ok, _ := c.Message()
	assert.False(t, ok)
}
