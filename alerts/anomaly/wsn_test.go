package anomaly_test

import (
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/alerts/anomaly"
	"github.com/weirstream/weir/event"
)

// mote is one series of one mote: samples every 5 s, and those that the people
// labelled who let steam onto the sensor.
type mote struct {
	series
	label []bool
}

func readMotes(t *testing.T) map[string]*mote {
	t.Helper()
	motes := map[string]*mote{}
	for _, row := range readRows(t, reference(t, "wsn", "motes_1_2.csv")) {
		for n, metric := range []string{"humidity", "temperature"} {
			name := "mote " + row[1] + " " + metric
			m := motes[name]
			if m == nil {
				m = &mote{}
				motes[name] = m
			}
			v, err := strconv.ParseFloat(row[2+n], 64)
			require.NoError(t, err)
			m.times = append(m.times, event.Time(5000*len(m.times)))
			m.values = append(m.values, v)
			m.label = append(m.label, row[4] == "1")
		}
	}
	return motes
}

// TestMotes runs the detector over the sensor network with the setting of TestNAB.
// Mote 1 alarms while the steam is on, and mote 2 has nothing to say of humidity. Of
// temperature both alarm at sample 3667 or 3668: both recordings fall by a degree from
// one reading to the next there.
func TestMotes(t *testing.T) {
	motes := readMotes(t)
	for _, name := range []string{"mote 1 humidity", "mote 1 temperature", "mote 2 humidity", "mote 2 temperature"} {
		m := motes[name]
		require.NotNil(t, m, name)
		var inside, outside []int
		for _, i := range alarmsOf(t, anomaly.Options{}, m.series) {
			if m.label[i] {
				inside = append(inside, i)
			} else {
				outside = append(outside, i)
			}
		}
		t.Logf("%-18s steam from sample %d on; alarms in it %v, outside %v", name, slices.Index(m.label, true), inside, outside)
		switch name {
		case "mote 1 humidity", "mote 1 temperature":
			require.NotEmpty(t, inside, name)
			require.LessOrEqual(t, inside[0]-slices.Index(m.label, true), 12, "within a minute")
		case "mote 2 humidity":
			require.Empty(t, outside, name)
		}
	}
}
