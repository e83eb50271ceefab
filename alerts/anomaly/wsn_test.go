package anomaly_test

import (
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

// TestMotes runs the detector over the sensor network with the setting of TestNAB:
// mote 1 alarms while the steam is on, mote 2 never.
func TestMotes(t *testing.T) {
	motes := readMotes(t)
	for _, name := range []string{"mote 1 humidity", "mote 1 temperature", "mote 2 humidity", "mote 2 temperature"} {
		m := motes[name]
		require.NotNil(t, m, name)
		alarms, verdicts := alarmsOf(t, anomaly.Options{}, m.series)
		first, last, inside, outside := -1, -1, 0, 0
		for i, l := range m.label {
			if l && first < 0 {
				first = i
			}
			if l {
				last = i
			}
		}
		for n, i := range alarms {
			if m.label[i] {
				inside++
			} else {
				outside++
			}
			t.Logf("    %s sample %d %v value %v score %.3f", name, i, verdicts[n].Kind, m.values[i], verdicts[n].Score)
		}
		t.Logf("%s: %d samples, steam in [%d, %d], alarms in it %d, outside %d", name, len(m.times), first, last, inside, outside)
	}
}
