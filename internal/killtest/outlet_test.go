//go:build real

package killtest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirstream/weir/internal/realbrokers"
	"github.com/weirstream/weir/internal/rig"
)

const outletDevices = 40

// outletFile fires at 50, for each device and for all of them together, and its alerts leave Kafka both ways.
func outletFile(name string, at addresses, alertmanager *realbrokers.AlertmanagerProcess) string {
	return fmt.Sprintf(`
name: %[1]s
kafka: {brokers: [%[2]s]}
source: {topic: %[1]s.readings}
windows:
  - {name: newest, metric: temperature, count: 5, by: all, compute: [mean], emit: {on: never}}
rules:
  - {name: hot, when: temperature, levels: {warning: {above: 50}}}
  - {name: all-hot, when: newest.mean, levels: {warning: {above: 50}}}
alerts:
  topic: %[1]s.alerts
  mqtt: {broker: %[3]q, topic: "alerts/{{device}}"}
  alertmanager: {url: %[4]q, resend: 1s}
state: {dir: $STATE}
`, name, strings.ReplaceAll(at.kafka, ",", ", "), at.mqtt, alertmanager.URL)
}

// hook is what Alertmanager tells the people on call.
type hook struct {
	mu            sync.Mutex
	firing, ended map[string]bool // devices
}

func (h *hook) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	var n struct {
		Alerts []struct {
			Status string
			Labels map[string]string
		}
	}
	if json.NewDecoder(r.Body).Decode(&n) != nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, a := range n.Alerts {
		if a.Labels["device"] == "" {
			continue
		}
		if a.Status == "firing" {
			h.firing[a.Labels["device"]] = true
		} else {
			h.ended[a.Labels["device"]] = true
		}
	}
}

func (h *hook) told() (firing, ended int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.firing), len(h.ended)
}

// listener keeps each record of alerts/# at its first arrival, by device. Its session outlives the broker.
type listener struct {
	mu   sync.Mutex
	seen map[string]bool
	got  map[string][]string
}

func listenMQTT(t *testing.T, url string) *listener {
	t.Helper()
	l := &listener{seen: map[string]bool{}, got: map[string][]string{}}
	c := paho.NewClient(paho.NewClientOptions().AddBroker(url).SetClientID("on-call").SetCleanSession(false).
		SetConnectRetry(true).SetMaxReconnectInterval(100 * time.Millisecond).
		SetOnConnectHandler(func(c paho.Client) {
			c.Subscribe("alerts/#", 1, func(_ paho.Client, m paho.Message) {
				l.mu.Lock()
				defer l.mu.Unlock()
				device := strings.TrimPrefix(m.Topic(), "alerts/")
				if text := string(m.Payload()); !l.seen[text] {
					l.seen[text] = true
					l.got[device] = append(l.got[device], text)
				}
			})
		}))
	token := c.Connect()
	require.True(t, token.WaitTimeout(20*time.Second))
	require.NoError(t, token.Error())
	t.Cleanup(func() { c.Disconnect(0) })
	return l
}

func (l *listener) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.seen)
}

// active is how many alerts Alertmanager has now; -1 while it does not answer.
func active(t *testing.T, url string) int {
	t.Helper()
	client := http.Client{Timeout: time.Second}
	defer client.CloseIdleConnections()
	resp, err := client.Get(url + "/api/v2/alerts?active=true")
	if err != nil {
		return -1
	}
	defer resp.Body.Close()
	var all []struct{}
	if json.NewDecoder(resp.Body).Decode(&all) != nil {
		return -1
	}
	return len(all)
}

// Alerts come and go while weir, Mosquitto and Alertmanager are killed in turn: every record reaches MQTT, and Alertmanager knows what fires
// and is told what has ended.
func TestOutlets(t *testing.T) {
	hook := &hook{firing: map[string]bool{}, ended: map[string]bool{}}
	webhook := httptest.NewServer(hook)
	defer webhook.Close()
	alertmanager := realbrokers.Alertmanager(t, webhook.URL)
	mosquitto := realbrokers.MosquittoWith(t, realbrokers.MosquittoOptions{SaveEachChange: true})
	realbrokers.Kcat(t)
	kafka := openCluster(t)
	name := rig.UniqueName("outlets")
	kafka.Source(name+".readings", partitions)
	p := rig.Pipeline{Name: name}
	kafka.Forget(name+".alerts", "weir."+name+".quarantine", "weir."+name+".journal", p.Groups().Source, p.Groups().Journal(), p.Groups().Quarantine(), "weir."+name+".commands")
	on := listenMQTT(t, mosquitto.URL())
	w := rig.NewProcess(t, rig.Program{Binary: rig.BuildWeir(t, rig.BuildOptions{}), Pipeline: name,
		File: outletFile(name, addresses{kafka.Addr, mosquitto.URL()}, alertmanager)})
	client, err := kgo.NewClient(kgo.SeedBrokers(kafka.Brokers()...), kgo.DefaultProduceTopic(name+".readings"))
	require.NoError(t, err)
	defer client.Close()
	began, seq := time.Now().Add(-time.Hour), 0
	send := func(value float64, from, to int) {
		for i := from; i < to; i++ {
			seq++
			device := fmt.Sprintf("d%02d", i)
			text := fmt.Sprintf(`{"device":%q,"metric":"temperature","ts":%q,"value":%g,"seq":%d}`,
				device, began.Add(time.Duration(seq)*10*time.Millisecond).UTC().Format(time.RFC3339Nano), value, seq)
			require.NoError(t, client.ProduceSync(context.Background(), &kgo.Record{Key: []byte(device), Value: []byte(text)}).FirstErr())
		}
	}
	awaitActive := func(n int) {
		rig.Await(t, fmt.Sprintf("%d alerts active", n), time.Minute, func() (bool, string) {
			have := active(t, alertmanager.URL)
			return have == n, fmt.Sprintf("%d are\n%s", have, w.LogTail())
		})
	}
	w.Start()
	w.Ready(partitions)

	// Killed in the middle of it.
	send(60, 0, 20)
	w.Kill()
	w.Start()
	send(60, 20, outletDevices)
	awaitActive(outletDevices + 1) // and that of all devices, which is numbered by itself

	// Both receivers are away, then weir too, while a quarter ends.
	alertmanager.Kill()
	mosquitto.Kill()
	w.Ready(partitions)
	send(10, 0, 10)
	rig.Await(t, "the lag of both", time.Minute, func() (bool, string) {
		m := w.Metrics()
		lag := func(outlet string) float64 { return m[`weir_outlet_lag{outlet="`+outlet+`"}`] }
		return lag("mqtt") >= 10 && lag("alertmanager") >= 10, fmt.Sprintf("%v and %v", lag("mqtt"), lag("alertmanager"))
	})
	require.Equal(t, partitions, rig.Live(w.Metrics()), "dead receivers are nobody's ill health")
	w.Kill()
	w.Start()
	w.Ready(partitions)
	send(10, 10, 15)
	mosquitto.Restart()
	alertmanager.Restart()
	awaitActive(outletDevices - 15)

	// And an end that Alertmanager has known as firing, through one more kill.
	rig.Await(t, "all told as firing", time.Minute, func() (bool, string) {
		firing, _ := hook.told()
		return firing == outletDevices, fmt.Sprint(firing)
	})
	send(10, 15, 30)
	w.Kill()
	w.Start()
	send(10, 30, outletDevices)
	awaitActive(0)
	rig.Await(t, "told of the ends", time.Minute, func() (bool, string) {
		_, ended := hook.told()
		return ended >= outletDevices-15, fmt.Sprint(ended)
	})
	rig.Await(t, "every record over MQTT", time.Minute, func() (bool, string) {
		return on.count() >= 2*outletDevices+2, fmt.Sprint(on.count())
	})
	w.Stop()
	want := map[string][]string{}
	for _, r := range kafka.Read(name + ".alerts") {
		want[r.Device] = append(want[r.Device], r.Value)
	}
	require.Len(t, want, outletDevices+1)
	require.Len(t, want["all"], 2)
	require.Equal(t, want, on.got)
	t.Logf("%d alert events of %d devices reached MQTT in order and Alertmanager, through 3 kills of weir and one of each receiver", on.count(), outletDevices)
}
