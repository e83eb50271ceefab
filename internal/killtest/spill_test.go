//go:build real

package killtest

import (
	"encoding/csv"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/internal/realbrokers"
	"github.com/weirstream/weir/internal/rig"
)

const (
	moteInterval = 5 * time.Second
	// spillTail is how long after the last labelled reading the mote may still be wet enough for the alert to go on.
	spillTail = 30 * time.Minute
)

// moteFile is the reference data, which is not part of the project.
func moteFile(t *testing.T) string {
	t.Helper()
	folder := os.Getenv("WEIR_REFERENCE")
	if folder == "" {
		folder = "../../../shared/reference"
	}
	file := filepath.Join(folder, "wsn", "motes_1_2.csv")
	if _, err := os.Stat(file); err != nil {
		t.Skipf("no reference data: %v (WEIR_REFERENCE names its folder)", err)
	}
	return file
}

// labelled is the span of the readings of a mote that the data set says were taken in steam, and the number of its readings.
type labelled struct {
	first, last time.Time
	spoilt, all int
}

func readLabels(t *testing.T, file string, start time.Time) map[string]*labelled {
	t.Helper()
	in, err := os.Open(file)
	require.NoError(t, err)
	defer in.Close()
	rows, err := csv.NewReader(in).ReadAll()
	require.NoError(t, err)
	mote, label := slices.Index(rows[0], "mote_id"), slices.Index(rows[0], "label")
	found := map[string]*labelled{}
	for _, row := range rows[1:] {
		m := found[row[mote]]
		if m == nil {
			m = &labelled{}
			found[row[mote]] = m
		}
		if row[label] != "0" {
			m.last = start.Add(time.Duration(m.all) * moteInterval)
			if m.spoilt == 0 {
				m.first = m.last
			}
			m.spoilt++
		}
		m.all++
	}
	return found
}

// addresses are where the brokers are: Kafka as host:port, MQTT as a URL.
type addresses struct{ kafka, mqtt string }

// spillFile is the example as it is in the repository, but for addresses and names that a shared broker cannot have twice. Its state
// goes to the default place, which is below the folder that weir runs in.
func spillFile(t *testing.T, name string, at addresses) string {
	t.Helper()
	text, err := os.ReadFile("../../configs/examples/sensor-spill.yaml")
	require.NoError(t, err)
	file := string(text)
	for _, change := range [][2]string{
		{"name: sensor-spill", "name: " + name},
		{"brokers: [localhost:9092]", "brokers: [" + at.kafka + "]"},
		{"topic: motes", "topic: " + name + ".motes"},
		{"broker: tcp://localhost:1883", "broker: " + at.mqtt},
		{"topic: humidity", "topic: " + name + ".humidity"},
		{"topic: spills", "topic: " + name + ".spills"},
	} {
		require.Equal(t, 1, strings.Count(file, change[0]), "%q in sensor-spill.yaml", change[0])
		file = strings.Replace(file, change[0], change[1], 1)
	}
	return file
}

func TestSensorSpill(t *testing.T) {
	data := moteFile(t)
	realbrokers.Kcat(t)
	start := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	labels := readLabels(t, data, start)
	require.Positive(t, labels["1"].spoilt)
	require.Zero(t, labels["2"].spoilt)
	mosquitto := realbrokers.Mosquitto(t)
	kafka := openCluster(t)
	binary := rig.BuildWeir(t, rig.BuildOptions{})
	name := rig.UniqueName("spill")
	kafka.Source(name+".motes", partitions)
	kafka.Forget(name+".humidity", name+".spills", "weir."+name+".quarantine", "weir."+name+".journal")
	w := rig.NewProcess(t, rig.Program{Binary: binary, Pipeline: name, File: spillFile(t, name, addresses{kafka.Addr, mosquitto.URL()})})
	w.Start()
	w.Ready(partitions)

	out, err := exec.CommandContext(t.Context(), binary, "simulate", "--csv", data, "--device", "mote_id", "--columns", "humidity,temperature",
		"--interval", moteInterval.String(), "--start", start.Format(time.RFC3339), "--to", "mqtt://"+mosquitto.Addr).CombinedOutput()
	require.NoError(t, err, string(out))
	messages := int64(labels["1"].all + labels["2"].all)
	rig.Await(t, "all readings committed", time.Minute, func() (bool, string) {
		w.Alive()
		if rig.Total(kafka.Ends(name+".motes")) < messages {
			return false, "messages are missing"
		}
		return kafka.Consumed(rig.Pipeline{Name: name, Source: name + ".motes"})
	})
	w.Stop()
	require.Equal(t, messages, rig.Total(kafka.Ends(name+".motes")), "messages in Kafka")

	var fired, ended []alert
	for _, r := range kafka.Read(name + ".spills") {
		var a alert
		require.NoError(t, json.Unmarshal([]byte(r.Value), &a))
		require.Equal(t, "1", a.Device, "only mote 1 was in the steam: %s", r.Value)
		switch a.State {
		case "firing":
			fired = append(fired, a)
		case "resolved":
			ended = append(ended, a)
		}
		t.Log(r.Value)
	}
	require.Len(t, fired, 1, "one alert for one spill")
	require.Len(t, ended, 1)
	span := labels["1"]
	require.True(t, fired[0].Window.End.After(span.first), "fired at %v, steam from %v", fired[0].At, span.first)
	require.True(t, fired[0].Window.Start.Before(span.last), "fired at %v, steam until %v", fired[0].At, span.last)
	require.True(t, ended[0].At.Before(span.last.Add(spillTail)), "ended at %v, steam until %v", ended[0].At, span.last)
	t.Logf("%d messages; mote 1 is labelled from %v to %v, its alert fires at %v and ends at %v; none for mote 2", messages,
		span.first.Format(time.TimeOnly), span.last.Format(time.TimeOnly), fired[0].At.Format(time.TimeOnly), ended[0].At.Format(time.TimeOnly))
}
