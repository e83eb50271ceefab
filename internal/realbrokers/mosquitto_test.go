//go:build real

package realbrokers_test

import (
	"fmt"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/internal/realbrokers"
)

const patience = 20 * time.Second

// subscriber has a persistent session and a queue of what it received.
type subscriber struct {
	mqtt.Client
	received chan string
}

func subscribe(t *testing.T, broker *realbrokers.MosquittoBroker) *subscriber {
	t.Helper()
	s := &subscriber{received: make(chan string, 1000)}
	options := mqtt.NewClientOptions().AddBroker(broker.URL()).SetClientID("reader").SetCleanSession(false).SetAutoReconnect(false)
	options.SetDefaultPublishHandler(func(_ mqtt.Client, message mqtt.Message) { s.received <- string(message.Payload()) })
	s.Client = mqtt.NewClient(options)
	done(t, s.Connect())
	done(t, s.Subscribe("plant/#", 1, nil))
	t.Cleanup(func() { s.Disconnect(0) })
	return s
}

func publisher(t *testing.T, broker *realbrokers.MosquittoBroker) mqtt.Client {
	t.Helper()
	client := mqtt.NewClient(mqtt.NewClientOptions().AddBroker(broker.URL()).SetClientID("writer").SetAutoReconnect(false))
	done(t, client.Connect())
	t.Cleanup(func() { client.Disconnect(0) })
	return client
}

func done(t *testing.T, token mqtt.Token) {
	t.Helper()
	require.True(t, token.WaitTimeout(patience), "no answer from the broker")
	require.NoError(t, token.Error())
}

func (s *subscriber) next(t *testing.T) string {
	t.Helper()
	select {
	case message := <-s.received:
		return message
	case <-time.After(patience):
		require.Fail(t, "no message")
		return ""
	}
}

func TestMosquittoRoundTrip(t *testing.T) {
	broker := realbrokers.Mosquitto(t)
	reader, writer := subscribe(t, broker), publisher(t, broker)
	for i := range 100 {
		done(t, writer.Publish("plant/7", 1, false, fmt.Sprint(i)))
	}
	for i := range 100 {
		require.Equal(t, fmt.Sprint(i), reader.next(t))
	}
}

func TestMosquittoKeepsSessionsOverRestart(t *testing.T) {
	for name, end := range map[string]func(*realbrokers.MosquittoBroker){
		"stop": (*realbrokers.MosquittoBroker).Stop,
		"kill": (*realbrokers.MosquittoBroker).Kill,
	} {
		t.Run(name, func(t *testing.T) {
			broker := realbrokers.MosquittoWith(t, realbrokers.MosquittoOptions{SaveEachChange: true})
			subscribe(t, broker).Disconnect(100)
			writer := publisher(t, broker)
			done(t, writer.Publish("plant/7", 1, false, "kept"))
			// A second answer proves that the first message was saved: it saves between two turns of its loop.
			done(t, writer.Publish("elsewhere", 1, false, "x"))

			end(broker)
			broker.Restart()
			require.Equal(t, "kept", subscribe(t, broker).next(t))
		})
	}
}
