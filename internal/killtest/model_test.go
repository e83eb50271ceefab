//go:build real

package killtest

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/internal/fleet"
	"github.com/weirstream/weir/internal/rig"
)

// model knows every reading of every device, and from them every result.
type model struct {
	devices  map[string][]point
	readings int
	results  int
}

type point struct {
	at    event.Time
	value float64
}

func newModel() *model { return &model{devices: map[string][]point{}} }

func (m *model) take(r fleet.Reading) {
	m.readings++
	m.devices[r.Device] = append(m.devices[r.Device], point{r.Time, r.Value})
}

// result is what the model and the output have in common.
type result struct {
	Window         string
	End            time.Time
	Count          int
	Min, Max, Last float64
}

// of summarises readings in the order of time.
func of(window string, list []point) result {
	r := result{Window: window, Count: len(list), Min: list[0].value, Max: list[0].value, Last: list[len(list)-1].value}
	for _, p := range list {
		r.Min, r.Max = min(r.Min, p.value), max(r.Max, p.value)
	}
	return r
}

// expected are the results of a device: of its newest readings at each of them, and of each minute that has closed, 30 s after its
// end on the device's own clock.
func (m *model) expected(list []point) (newest, minutes []result) {
	const minute, wait = 60_000, 30_000
	first := 0
	for i, p := range list {
		if i+1 >= newestCount {
			newest = append(newest, of("newest", list[i+1-newestCount:i+1]))
		}
		for first < i && list[first].at/minute*minute+minute+wait <= p.at {
			end := list[first].at/minute*minute + minute
			next := first
			for next < i && list[next].at < end {
				next++
			}
			r := of("tumbling", list[first:next])
			r.End = time.UnixMilli(int64(end)).UTC()
			minutes = append(minutes, r)
			first = next
		}
	}
	return newest, minutes
}

// requireOutputs compares all aggregates with the model, record for record and in order, per device and window.
func (m *model) requireOutputs(t *testing.T, records []rig.Record) {
	t.Helper()
	newest, minutes := map[string][]result{}, map[string][]result{}
	for _, rec := range records {
		var r result
		require.NoError(t, json.Unmarshal([]byte(rec.Value), &r), rec.Value)
		if r.Window == "newest" {
			r.End = time.Time{}
			newest[rec.Device] = append(newest[rec.Device], r)
		} else {
			minutes[rec.Device] = append(minutes[rec.Device], r)
		}
	}
	m.results = 0
	for device, list := range m.devices {
		wantNewest, wantMinutes := m.expected(list)
		require.Equal(t, wantNewest, newest[device], "newest of %s", device)
		require.Equal(t, wantMinutes, minutes[device], "tumbling of %s", device)
		m.results += len(wantNewest) + len(wantMinutes)
	}
	require.Len(t, records, m.results, "records of devices that sent nothing")
}
