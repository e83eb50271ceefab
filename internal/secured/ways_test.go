//go:build real

package secured

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/internal/realbrokers"
	"github.com/weirstream/weir/internal/rig"
)

const (
	partitions = 2
	devices    = 10
	perDevice  = 20
	windowed   = 5
)

// way is one way in at Kafka.
type way struct {
	name     string
	listener int
	access   string // what stands beside brokers in the section kafka
}

func (p *plant) ways(t *testing.T) []way {
	t.Helper()
	ca := fmt.Sprintf("tls: {ca: %q}", p.ca.File)
	login := func(mechanism, password string) string {
		return fmt.Sprintf(`%s, sasl: {mechanism: %s, username: "${KAFKA_USER}", password: "${file:%s}"}`, ca, mechanism, p.file(t, password))
	}
	return []way{
		{"tls", portTLS, ca},
		{"mtls", portMTLS, fmt.Sprintf("tls: {ca: %q, cert: %q, key: %q, server_name: localhost}", p.ca.File, p.own.Cert, p.own.Key)},
		{"plain", portSASL, login("plain", plainPassword)},
		{"scram-256", portSASL, login("scram-sha-256", scramPassword)},
		{"scram-512", portSASL, login("scram-sha-512", scramPassword)},
		{"token", portSASL, fmt.Sprintf(`%s, sasl: {mechanism: oauthbearer, token_endpoint: %q, client_id: weir, client_secret: "${CLIENT_SECRET}", scope: kafka}`, ca, p.issuer.url)},
		{"token-file", portSASL, fmt.Sprintf("%s, sasl: {mechanism: oauthbearer, token_file: %q}", ca, p.file(t, p.issuer.token(user, time.Hour)))},
	}
}

func environment() []string {
	return []string{"KAFKA_USER=" + user, "MQTT_USER=" + user, "CLIENT_SECRET=" + clientSecret}
}

// pipelineFile reads from MQTT over TLS with a certificate and a login, and publishes its alerts there.
func (p *plant) pipelineFile(name string, w way) string {
	return fmt.Sprintf(`
name: %[1]s
kafka: {brokers: ["%[2]s"], %[3]s}
source: {topic: %[1]s.readings}
mqtt:
  broker: ssl://%[4]s
  subscribe: [{filter: "%[1]s/+/telemetry", qos: 1}]
  device: "{topic.1}"
  username: ${MQTT_USER}
  password: ${file:%[5]s}
  tls: {ca: %[6]q, cert: %[7]q, key: %[8]q, server_name: localhost}
windows:
  - {name: temp, metric: temperature, count: %[9]d, compute: [mean], emit: {topic: %[1]s.aggregates}}
rules:
  - {name: hot, when: temperature, levels: {warning: {above: 50}}}
alerts: {topic: %[1]s.alerts, mqtt: {topic: "%[1]s/alerts/{{device}}"}}
state: {dir: $STATE}
`, name, p.at(w.listener), w.access, p.mqtt.Addr, p.password, p.ca.File, p.own.Cert, p.own.Key, windowed)
}

// gateway sends readings over MQTT and hears the alerts.
type gateway struct {
	t      *testing.T
	client paho.Client
	name   string
	alerts chan string
}

func (p *plant) gateway(t *testing.T, name string) *gateway {
	t.Helper()
	g := &gateway{t: t, name: name, alerts: make(chan string, 100)}
	g.client = paho.NewClient(paho.NewClientOptions().AddBroker("ssl://" + p.mqtt.Addr).SetClientID("gateway-" + name).
		SetUsername(user).SetPassword(mqttPassword).SetTLSConfig(p.clientTLS()))
	token := g.client.Connect()
	require.True(t, token.WaitTimeout(20*time.Second))
	require.NoError(t, token.Error())
	t.Cleanup(func() { g.client.Disconnect(0) })
	token = g.client.Subscribe(name+"/alerts/#", 1, func(_ paho.Client, m paho.Message) { g.alerts <- m.Topic() })
	require.True(t, token.WaitTimeout(20*time.Second))
	require.NoError(t, token.Error())
	return g
}

// send sends the readings [from, to) of all devices; the first two devices are hot from the tenth reading on.
func (g *gateway) send(from, to int) {
	g.t.Helper()
	began := time.Now().Add(-time.Minute)
	for n := from; n < to; n++ {
		for d := range devices {
			value := 20
			if d < 2 && n >= 10 {
				value = 90
			}
			text := fmt.Sprintf(`{"metric":"temperature","ts":%q,"value":%d,"seq":%d}`, began.Add(time.Duration(n)*time.Second).UTC().Format(time.RFC3339Nano), value, n+1)
			token := g.client.Publish(fmt.Sprintf("%s/d%d/telemetry", g.name, d), 1, false, text)
			require.True(g.t, token.WaitTimeout(20*time.Second))
			require.NoError(g.t, token.Error())
		}
	}
}

// run is a pipeline that a test runs on the plant.
type run struct {
	*rig.Process
	name string
	p    *plant
}

func (p *plant) newRun(t *testing.T, w way) *run {
	t.Helper()
	name := rig.UniqueName(w.name)
	p.cluster.Source(name+".readings", partitions)
	p.grant(t, name)
	r := &run{p: p, name: name, Process: rig.NewProcess(t, rig.Program{Binary: p.binary, Pipeline: name, File: p.pipelineFile(name, w)})}
	r.Env, r.Args = environment(), []string{"--log-level", "debug"}
	return r
}

// command runs another command of weir on the pipeline file and returns what it prints.
func (r *run) command(t *testing.T, want int, args ...string) (stdout, stderr string) {
	t.Helper()
	var out, complaints bytes.Buffer
	command := exec.CommandContext(t.Context(), r.p.binary, args...)
	command.Env, command.Stdout, command.Stderr = append(os.Environ(), environment()...), &out, &complaints
	_ = command.Run()
	require.Equal(t, want, command.ProcessState.ExitCode(), "weir %s\n%s%s", strings.Join(args, " "), out.String(), complaints.String())
	assert.NotContains(t, out.String()+complaints.String(), nobodysSecrets)
	return out.String(), complaints.String()
}

func (r *run) requireFolded(t *testing.T, readings int) {
	t.Helper()
	rig.Await(t, fmt.Sprintf("%d readings folded", readings), time.Minute, func() (bool, string) {
		consumed, missing := r.p.cluster.Consumed(rig.Pipeline{Name: r.name, Source: r.name + ".readings"})
		count := rig.Total(r.p.cluster.Ends(r.name + ".readings"))
		return consumed && count >= int64(readings), fmt.Sprintf("%d in the source, %s\n%s", count, missing, r.LogTail())
	})
}

// TestMain lets more tests run at a time than there are cores: they wait for brokers.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "6"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// TestSecured has readings go in and alerts out over each way in, exactly once through a kill, and then looks at what is said where weir does not
// get in.
func TestSecured(t *testing.T) {
	realbrokers.Kcat(t)
	p := newPlant(t)
	t.Run("ways", func(t *testing.T) {
		for _, w := range p.ways(t) {
			t.Run(w.name, func(t *testing.T) {
				t.Parallel()
				p.through(t, w)
			})
		}
		t.Run("full disk", p.fullDisk)
		t.Run("unwritable state", p.unwritableState)
	})
	t.Run("commands", p.commands)
	t.Run("refused", p.refused)
	t.Run("rotation", p.rotation)
}

func (p *plant) through(t *testing.T, w way) {
	r := p.newRun(t, w)
	g := p.gateway(t, r.name)
	r.Start()
	r.Ready(partitions)
	g.send(0, perDevice/2)
	r.Kill()
	g.send(perDevice/2, perDevice)
	r.Start()
	r.Ready(partitions)
	r.requireFolded(t, devices*perDevice)
	for range 2 {
		select {
		case <-g.alerts:
		case <-time.After(20 * time.Second):
			t.Fatal("no alert over MQTT\n" + r.LogTail())
		}
	}
	r.requireSilent(t)
	r.Stop()
	require.Equal(t, devices*(perDevice-windowed+1), p.cluster.Count(r.name+".aggregates"))
	require.Equal(t, 2, p.cluster.Count(r.name+".alerts"))
	text, err := os.ReadFile(r.LogFile())
	require.NoError(t, err)
	assert.NotContains(t, string(text), nobodysSecrets)
	assert.NotContains(t, string(text), "eyJ", "a token")
}

// requireSilent checks that nothing that is served holds a secret.
func (r *run) requireSilent(t *testing.T) {
	t.Helper()
	for _, path := range []string{"/metrics", "/v1/alerts", "/v1/pipelines", "/healthz", "/readyz", "/debug/pprof/goroutine?debug=2", "/debug/pprof/cmdline"} {
		resp, err := http.Get("http://" + r.HTTP() + path)
		require.NoError(t, err)
		var text bytes.Buffer
		_, err = text.ReadFrom(resp.Body)
		require.NoError(t, err)
		_ = resp.Body.Close()
		assert.NotContains(t, text.String(), nobodysSecrets, path)
	}
	out, _ := r.command(t, 0, "explain", "--full", r.Path())
	assert.Contains(t, out, "The connection to Kafka is encrypted")
}

// commands has every other command get in: with a login, over TLS.
func (p *plant) commands(t *testing.T) {
	w := p.ways(t)[4]
	r := p.newRun(t, w)
	r.Start()
	r.Ready(partitions)
	r.command(t, 0, "simulate", "--count", "100", "--rate", "0", "--devices", "10", "--to", "kafka://"+p.at(w.listener)+"/"+r.name+".readings", "--pipeline", r.Path())
	r.command(t, 0, "simulate", "--count", "100", "--rate", "0", "--devices", "10", "--to", "mqtts://"+p.mqtt.Addr, "--pipeline", r.Path())
	g := p.gateway(t, r.name)
	g.send(0, perDevice)
	r.requireFolded(t, 100+devices*perDevice)
	out, _ := r.command(t, 0, "alerts", "ls", "--json", r.Path())
	var first struct{ ID string }
	require.NoError(t, json.Unmarshal([]byte(strings.SplitN(out, "\n", 2)[0]), &first))
	r.command(t, 0, "alerts", "explain", r.Path(), first.ID)
	r.command(t, 0, "alerts", "ack", "--author", "me", r.Path(), first.ID)
	out, _ = r.command(t, 0, "backtest", r.Path(), "--kafka", r.name+".readings")
	require.Contains(t, out, "hot")
	r.Stop()
	out, _ = r.command(t, 0, "verify", r.Path())
	require.Contains(t, out, "verified")
	r.command(t, 0, "state", "ls", r.Path())
}
