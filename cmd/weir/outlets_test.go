package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/internal/brokers"
)

// pager stands for an Alertmanager: it keeps the newest statement of each alert, and which it has ever seen.
type pager struct {
	*httptest.Server
	down atomic.Bool

	mu     sync.Mutex
	latest map[string]time.Time // endsAt by "device severity"
	began  map[string]bool      // seen firing
	ended  map[string]bool      // seen ended
}

func newPager(t *testing.T) *pager {
	t.Helper()
	p := &pager{latest: map[string]time.Time{}, began: map[string]bool{}, ended: map[string]bool{}}
	p.Server = httptest.NewServer(p)
	t.Cleanup(p.Close)
	return p
}

func (p *pager) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if p.down.Load() {
		http.Error(w, "down", http.StatusServiceUnavailable)
		return
	}
	var posted []struct {
		Labels map[string]string
		EndsAt time.Time
	}
	if err := json.NewDecoder(r.Body).Decode(&posted); err != nil || r.URL.Path != "/api/v2/alerts" {
		http.Error(w, "bad", http.StatusBadRequest)
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, a := range posted {
		key := a.Labels["device"] + " " + a.Labels["severity"]
		p.latest[key] = a.EndsAt
		if a.EndsAt.After(time.Now()) {
			p.began[key] = true
		} else {
			p.ended[key] = true
		}
	}
}

func (p *pager) firing() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for _, end := range p.latest { // unordered: a count
		if end.After(time.Now()) {
			n++
		}
	}
	return n
}

// forget is a restart of it.
func (p *pager) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.latest)
	clear(p.began)
	clear(p.ended)
}

func (p *pager) seen() (began, ended int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.began), len(p.ended)
}

// listen collects the records that are published on alerts/#, by topic.
func listen(t *testing.T, b *brokers.MQTT) func() map[string][]string {
	t.Helper()
	var mu sync.Mutex
	got := map[string][]string{}
	c := paho.NewClient(paho.NewClientOptions().AddBroker(b.URL()).SetClientID("listener"))
	token := c.Connect()
	require.True(t, token.WaitTimeout(10*time.Second))
	token = c.Subscribe("alerts/#", 1, func(_ paho.Client, m paho.Message) {
		mu.Lock()
		defer mu.Unlock()
		got[m.Topic()] = append(got[m.Topic()], string(m.Payload()))
	})
	require.True(t, token.WaitTimeout(10*time.Second))
	require.NoError(t, token.Error())
	t.Cleanup(func() { c.Disconnect(0) })
	return func() map[string][]string {
		mu.Lock()
		defer mu.Unlock()
		all := map[string][]string{}
		for topic, records := range got { // unordered: into a map
			all[topic] = append([]string(nil), records...)
		}
		return all
	}
}

// door leads to an address once it is opened; until then nobody listens there.
type door struct {
	address, to string
}

func newDoor(t *testing.T, to string) door {
	t.Helper()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer free.Close()
	return door{address: free.Addr().String(), to: to}
}

func (d door) open(t *testing.T) {
	t.Helper()
	listener, err := net.Listen("tcp", d.address)
	require.NoError(t, err)
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			in, err := listener.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", d.to)
			if err != nil {
				in.Close()
				return
			}
			go func() { defer out.Close(); _, _ = io.Copy(out, in) }()
			go func() { defer in.Close(); _, _ = io.Copy(in, out) }()
		}
	}()
}

func outletsPipeline(t *testing.T, mqtt, pager string) *configs.Pipeline {
	t.Helper()
	dir := t.TempDir()
	text := fmt.Sprintf(`
name: out
kafka: {embedded: {dir: %q, partitions: 2}}
source: {topic: readings}
rules:
  - name: hot
    when: temperature
    levels:
      warning: {above: 50}
      critical: {above: 80}
alerts:
  topic: alerts
  mqtt: {broker: %q, topic: "alerts/{{device}}"}
  alertmanager: {url: %q, resend: 1s}
state: {dir: %q}
`, filepath.Join(dir, "kafka"), mqtt, pager, filepath.Join(dir, "state"))
	p, err := parsePipeline("out.yaml", []byte(text), func(d configs.Diagnostic) { t.Log(d) })
	require.NoError(t, err)
	return p
}

// gauges are the samples of the outlets' metrics, by name and outlet.
func gauges(t *testing.T, s *started) map[string]float64 {
	t.Helper()
	r := prometheus.NewRegistry()
	require.NoError(t, r.Register(newMetrics(s.instance)))
	families, err := r.Gather()
	require.NoError(t, err)
	found := map[string]float64{}
	for _, f := range families {
		for _, m := range f.Metric {
			if name, ok := strings.CutPrefix(f.GetName(), "weir_outlet_"); ok {
				found[name+" "+m.Label[0].GetValue()] = m.GetGauge().GetValue() + m.GetCounter().GetValue()
			}
		}
	}
	return found
}

// Both receivers are dead while alerts come and go, and weir is restarted meanwhile. That delays neither readings nor health, and once the
// receivers are there everything reaches them.
func TestAlertsReachReceiversThatWereDead(t *testing.T) {
	broker, err := brokers.StartMQTT(brokers.MQTTOptions{})
	require.NoError(t, err)
	defer func() { _ = broker.Close() }()
	published := listen(t, broker)
	way := newDoor(t, broker.Addr())
	pager := newPager(t)
	pager.down.Store(true)
	p := outletsPipeline(t, "tcp://"+way.address, pager.URL)

	began, seq := time.Now().Add(-time.Minute), 0
	send := func(s *started, value float64, devices int) {
		client, err := kgo.NewClient(kgo.SeedBrokers(s.kafka.Addr()), kgo.DefaultProduceTopic("readings"))
		require.NoError(t, err)
		defer client.Close()
		for i := range devices {
			seq++
			device := fmt.Sprintf("d%02d", i)
			text := fmt.Sprintf(`{"device":%q,"metric":"temperature","ts":%q,"value":%g,"seq":%d}`,
				device, began.Add(time.Duration(seq)*10*time.Millisecond).UTC().Format(time.RFC3339Nano), value, seq)
			require.NoError(t, client.ProduceSync(context.Background(), &kgo.Record{Key: []byte(device), Value: []byte(text)}).FirstErr())
		}
	}
	s := start(t, p)
	waitFor(t, "ready", s.work().engine.Ready)
	send(s, 60, 20)
	send(s, 90, 10)
	waitFor(t, "folded", func() bool { return s.counters().Alerts == 30 })
	waitFor(t, "both lag", func() bool {
		g := gauges(t, s)
		return g["lag mqtt"] >= 30 && g["lag alertmanager"] >= 30 && g["failed_total mqtt"] > 0 && g["failed_total alertmanager"] > 0
	})
	require.True(t, s.work().engine.Ready())
	s.end(t)

	s = start(t, p)
	waitFor(t, "ready again", s.work().engine.Ready)
	send(s, 10, 5)
	waitFor(t, "folded", func() bool { return s.counters().Alerts == 35 })
	way.open(t)
	pager.down.Store(false)
	waitFor(t, "all is delivered", func() bool {
		g := gauges(t, s)
		return g["lag mqtt"] == 0 && g["lag alertmanager"] == 0
	})
	// 20 warnings, of which 10 became critical, of which 5 ended.
	waitFor(t, "what fires", func() bool { return pager.firing() == 15 })
	fired, ended := pager.seen()
	require.Equal(t, 30, fired)
	require.Equal(t, 15, ended)
	want := map[string][]string{}
	for _, record := range readTopic(t, "alerts", s.kafka.Addr()) {
		var a struct{ Device string }
		require.NoError(t, json.Unmarshal([]byte(record), &a))
		want["alerts/"+a.Device] = append(want["alerts/"+a.Device], record)
	}
	require.Len(t, want, 20)
	waitFor(t, "all is published", func() bool {
		n := 0
		for _, r := range published() {
			n += len(r)
		}
		return n >= 35
	})
	require.Equal(t, want, published())

	s.end(t)

	// Known again after a restart, and said again.
	pager.forget()
	s = start(t, p)
	defer s.end(t)
	waitFor(t, "what fires, again", func() bool { return pager.firing() == 15 })
	fired, ended = pager.seen()
	require.Equal(t, 15, fired)
	require.Zero(t, ended)
	require.Equal(t, want, published(), "nothing is published twice")
}

// What a receiver holds up is left behind, and what ends in time is waited for.
func TestOutletsAreLeftBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var said bytes.Buffer
		log := slog.New(slog.NewTextHandler(&said, nil))
		ctx, cancel := context.WithCancel(t.Context())
		release, began := make(chan struct{}), time.Now()
		cancel()
		require.NoError(t, runOrLeave(ctx, log, func() error { <-release; return nil }))
		require.Equal(t, outletPatience, time.Since(began))
		require.Contains(t, said.String(), "an outlet does not end and is left behind")
		close(release)

		failed := errors.New("failed")
		require.ErrorIs(t, runOrLeave(ctx, log, func() error { return failed }), failed)
		require.Equal(t, outletPatience, time.Since(began), "nothing to wait for")
	})
}
