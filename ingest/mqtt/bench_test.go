package mqtt_test

import (
	"strings"
	"testing"

	paho "github.com/eclipse/paho.mqtt.golang"
	"github.com/stretchr/testify/require"
)

// The whole way on one machine: a gateway, the MQTT broker, the bridge, Kafka.
func BenchmarkBridge(b *testing.B) {
	m := startMQTT(b, 0)
	_, p := startKafka(b)
	bridge, _ := run(b, options(m.URL()), p)
	connected(b, bridge)
	c := dial(b, m.URL())
	payload := strings.Repeat("x", 100)
	window := make(chan paho.Token, 500)
	b.ReportAllocs()
	sent := int64(0)
	for b.Loop() {
		if len(window) == cap(window) {
			(<-window).Wait()
		}
		window <- c.Publish("plant/pump", 1, false, payload)
		sent++
	}
	require.Eventually(b, func() bool { return bridge.Counts().Acked == sent }, within, poll)
}
