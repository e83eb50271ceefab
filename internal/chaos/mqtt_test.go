//go:build real

package chaos

import (
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/internal/fleet"
	"github.com/weirstream/weir/internal/realbrokers"
	"github.com/weirstream/weir/internal/rig"
)

func mqttScripts() map[string]script {
	return map[string]script{
		"mqtt-broker-restart": restartMosquitto,
		"mqtt-bridge-kill":    killBridge,
	}
}

// burst starts weir with its bridge, and a fleet that publishes to Mosquitto much faster than the usual load.
func (r *round) burst() (*realbrokers.MosquittoBroker, *rig.Process) {
	r.t.Helper()
	mosquitto := realbrokers.Mosquitto(r.t)
	r.prepare(setting{mqtt: mosquitto.URL()})
	w := r.start()
	gateways, err := fleet.OpenMQTT(fleet.MQTTOptions{Broker: mosquitto.URL(), ClientID: r.pipe.Name})
	require.NoError(r.t, err)
	r.feed(loadOptions{devices: 1_000, rate: 6_000, to: gateways})
	r.flow(3_000)
	return mosquitto, w
}

func restartMosquitto(r *round) {
	mosquitto, w := r.burst()
	for range 3 {
		mosquitto.Restart()
		r.flow(1_000)
		r.pass(r.between(0, time.Second))
	}
	r.arrived(w)
	r.verified()
}

func killBridge(r *round) {
	_, w := r.burst()
	for range 4 {
		w.Kill()
		w.Start()
		r.flow(1_000)
		r.pass(r.between(0, time.Second))
	}
	r.arrived(w)
	r.verified()
}

// arrived ends the load and waits until every reading that a gateway has sent is in the source, at least once. There may be more: a
// publication that ended with the connection is not counted as sent, and its client sends it again all the same.
func (r *round) arrived(w *rig.Process) {
	r.t.Helper()
	sent := r.load.end()
	want := sent.Sent - sent.Duplicates
	have := int64(0)
	rig.Await(r.t, "all readings in the source", time.Minute, func() (bool, string) {
		w.Alive()
		if rig.Total(r.kafka.Ends(r.pipe.Source)) < want {
			return false, "records are still missing"
		}
		distinct := map[string]bool{}
		for _, record := range r.kafka.Read(r.pipe.Source) {
			distinct[record.Value] = true
		}
		have = int64(len(distinct))
		return have >= want, "readings are still missing"
	})
	require.GreaterOrEqual(r.t, have, want, "distinct readings in the source")
	r.t.Logf("%d readings were sent, and %d records are in the source", sent.Sent, rig.Total(r.kafka.Ends(r.pipe.Source)))
}
