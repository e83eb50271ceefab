//go:build real

package consoletest

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/internal/brokers"
	"github.com/weirstream/weir/internal/fleet"
	"github.com/weirstream/weir/internal/rig"
)

const plant = `
name: plant
kafka: {brokers: [%q]}
source: {topic: readings}
mqtt:
  broker: %q
  subscribe: [{filter: "plant/+/+/telemetry", qos: 1}]
  device: "{topic.2}"
time: {wait_for_late: 1s, idle_after: 5s, max_future_skew: 30s}
windows:
  - {name: temp_2s, metric: temperature, tumbling: 2s, compute: [mean, max, count], emit: {topic: aggregates}}
  - {name: temp_10, metric: temperature, count: 10, compute: [mean], emit: {topic: aggregates}}
rules:
  - name: overheating
    when: temp_2s.mean
    levels: {warning: {above: 50, clear_below: 45}, critical: {above: 80, clear_below: 75}}
    message: "{{device}} is at {{value | printf \"%%.1f\"}} C, above {{threshold}}"
  - {name: hot-now, when: temperature, levels: {notice: {above: 90}}}
alerts: {topic: alerts}
state: {dir: $STATE}
`

// world is a weir process on embedded brokers, which outlive it, and a fleet.
type world struct {
	weir *rig.Process
	url  string
	hot  []string // devices that overheat
}

func startWorld(t *testing.T) *world {
	t.Helper()
	kafka, err := brokers.StartKafka(brokers.KafkaOptions{Topics: []string{"readings"}, Partitions: 4})
	require.NoError(t, err)
	t.Cleanup(kafka.Close)
	mqtt, err := brokers.StartMQTT(brokers.MQTTOptions{})
	require.NoError(t, err)
	t.Cleanup(func() { _ = mqtt.Close() })
	w := &world{}
	w.weir = rig.NewProcess(t, rig.Program{Binary: rig.BuildWeir(t, rig.BuildOptions{}), Pipeline: "plant", File: fmt.Sprintf(plant, kafka.Addr(), mqtt.URL())})
	w.url = "http://" + w.weir.HTTP()
	w.weir.Start()
	w.ready(t)
	source, err := fleet.New(fleet.Options{
		Devices: 200, Rate: 400, Seed: 3, Start: event.Time(time.Now().UnixMilli()), Duplicates: 0.03, Late: 0.01, Future: 0.005,
		Overheating: 3, HeatAfter: time.Second, HeatFor: 150 * time.Second, HeatEvery: 20 * time.Minute,
	})
	require.NoError(t, err)
	w.hot = source.Overheating()
	gateways, err := fleet.OpenMQTT(fleet.MQTTOptions{Broker: mqtt.URL(), Gateways: 2})
	require.NoError(t, err)
	sending, stop := context.WithCancel(context.Background())
	sent := make(chan error, 1)
	go func() {
		_, err := fleet.Send(sending, source, gateways, fleet.SendOptions{Speed: 1})
		sent <- err
	}()
	t.Cleanup(func() {
		stop()
		require.NoError(t, <-sent)
		bye, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = gateways.Close(bye) // nobody may be left to take what is under way
	})
	return w
}

func (w *world) ready(t *testing.T) {
	t.Helper()
	client := http.Client{Timeout: time.Second}
	rig.Await(t, "weir is ready", 30*time.Second, func() (bool, string) {
		w.weir.Alive()
		resp, err := client.Get(w.url + "/readyz")
		if err != nil {
			return false, err.Error()
		}
		defer resp.Body.Close()
		text, _ := io.ReadAll(resp.Body)
		return resp.StatusCode == http.StatusOK, string(text)
	})
}

// ask is the answer of the API.
func (w *world) ask(t *testing.T, path string) map[string]any {
	t.Helper()
	resp, err := http.Get(w.url + path)
	require.NoError(t, err)
	defer resp.Body.Close()
	answer := map[string]any{}
	require.NoError(t, json.NewDecoder(resp.Body).Decode(&answer))
	return answer
}

// An operator's night: readings flow, devices overheat; one alert is acknowledged, one silenced; a device is found and watched; the process
// dies and comes back. All of it in the page that was opened at the beginning.
func TestConsole(t *testing.T) {
	w := startWorld(t)
	b := openTab(t)
	b.show(screens()[0])
	b.open(w.url)
	b.says("#pipelines", "plant ready")
	b.says("#link-word", "live")
	b.holds("throughput", "parseFloat(document.querySelector('#tile-throughput b').innerText) > 100")
	b.says("#law", "each in exactly one class")
	b.holds("duplicates are counted", "parseInt(document.querySelector('[data-class=duplicate] .n').innerText) > 0")

	row := func(device string) string {
		return fmt.Sprintf(".alert:has(.device[href=%q])", "#/device/"+device)
	}
	first, second := w.hot[0], w.hot[1]
	critical := func(device string) string { return row(device) + "[data-rank='3']" }
	b.says(critical(first), "critical")
	b.says(critical(second), "critical")
	b.says("#tile-latency", "p50 / p99")
	require.Contains(t, b.text(critical(first)), first+" is at ")
	b.picture("real-overview")

	// Acknowledged by a click, and the page shows the event that weir makes of it.
	b.click(critical(first) + " button[data-is=ack]")
	b.says("dialog", "Acknowledge")
	b.keys("kim\ton my way\r")
	b.says(row(first)+"[data-quiet]", "acknowledged by kim: on my way")
	open := w.ask(t, "/v1/alerts?rule=overheating&device="+first)["alerts"].([]any)
	require.Equal(t, "kim", open[0].(map[string]any)["acked"].(map[string]any)["author"])

	// Silenced; the author is remembered.
	b.click(critical(second) + " button[data-is=silence]")
	b.says("dialog", "For how long")
	b.picture("real-silence")
	b.click("dialog input[value='4h']")
	b.click("dialog input[name=reason]")
	b.keys("belt is being changed\r")
	b.says(row(second)+"[data-quiet]", "suppressed by silence/")
	b.says("#silences", "rule = overheating and device = "+second)
	silence := w.ask(t, "/v1/silences")["silences"].([]any)[0].(map[string]any)
	require.Equal(t, "kim", silence["author"])
	require.Equal(t, "belt is being changed", silence["reason"])
	until, err := time.Parse("2006-01-02T15:04:05Z07:00", silence["end"].(string))
	require.NoError(t, err)
	require.WithinDuration(t, time.Now().Add(4*time.Hour), until, time.Minute)

	b.holds("the word of it is gone", "document.getElementById('toast').hidden")
	b.picture("real-later")

	// How it came about.
	b.click(critical(first) + " .rule")
	b.says("#alert", "acknowledged by kim")
	b.says("#alert", "temperature ")
	b.picture("real-alert")

	watch(b, second)
	b.clean()
	outage(b, w)
	b.clean("ERR_CONNECTION_REFUSED", "ERR_INCOMPLETE_CHUNKED_ENCODING", "ERR_CONNECTION_RESET", "ERR_EMPTY_RESPONSE", "Service Unavailable")
	phone(b)
	b.clean()
	u, err := url.Parse(w.url)
	require.NoError(t, err)
	require.Equal(t, map[string]bool{u.Host: true}, b.hosts, "no other host is asked for anything")
}

// watch finds a device by typing and looks at its plots.
func watch(b *tab, device string) {
	b.t.Helper()
	// A slash from anywhere goes to the box. (The protocol's keys would type it there too: their characters come whatever a page says to the key.)
	b.js("document.body.dispatchEvent(new KeyboardEvent('keydown', {key: '/', bubbles: true}))")
	b.holds("the box has the focus", "document.activeElement.id === 'find-box'")
	b.keys(device[:len(device)-1])
	b.says("#find-list", device)
	b.picture("real-finder")
	for b.js("document.querySelector('[aria-selected=true]')?.innerText") != device {
		b.keys(kb.ArrowDown)
	}
	b.keys("\r")
	b.holds("its page", fmt.Sprintf("location.hash === '#/device/%s'", device))
	b.says("#device h1", device)
	b.says("#device [data-rule=overheating]", "critical")
	b.says("#device [data-rule=overheating]", "suppressed by silence/")
	plot := "#device [data-plot='temp_2s.mean'] "
	b.holds("points", fmt.Sprintf("(document.querySelector(%q)?.getAttribute('d').match(/[ML]/g) ?? []).length >= 3", plot+"path.line"))
	b.holds("thresholds", fmt.Sprintf("document.querySelectorAll(%q).length === 4", plot+".limit"))
	b.holds("the plot of a metric", "!!document.querySelector(\"#device [data-plot='temperature'] path.line\")")
	clock := b.text("#device .who dl div:last-child dd")
	drawn := b.js(fmt.Sprintf("document.querySelector(%q).getAttribute('d')", plot+"path.line"))
	b.holds("the clock goes on", fmt.Sprintf("document.querySelector('#device .who dl div:last-child dd').innerText !== %q", clock))
	b.holds("the plot goes on", fmt.Sprintf("document.querySelector(%q).getAttribute('d') !== %q", plot+"path.line", drawn))
	for _, s := range screens() {
		b.show(s)
		b.fits(s)
		b.picture("real-device-" + s.name)
	}
	b.show(screens()[0])
	b.js("location.hash = '#/device/nobody'")
	b.says("#device", "No device nobody here.")
	b.click(".brand")
}

// outage kills the process: the page says so, and goes on when it is back.
func outage(b *tab, w *world) {
	b.t.Helper()
	b.holds("the overview", "!document.getElementById('overview').hidden")
	w.weir.Kill()
	b.says("#banner", "Not connected since")
	b.says("#banner", "What is shown is from then.")
	require.Equal(b.t, "true", b.js("document.body.classList.contains('stale')"))
	b.picture("real-outage")
	w.weir.Start()
	w.ready(b.t)
	b.click("#banner-again")
	b.holds("no banner", "document.getElementById('banner').hidden && !document.body.classList.contains('stale')")
	b.says("#link-word", "live")
	b.holds("alerts", "document.querySelectorAll('.alert[data-rank=\"3\"]').length >= 3")
	b.says("#alerts", "acknowledged by kim: on my way")
}

// phone looks at the overview on every screen.
func phone(b *tab) {
	b.t.Helper()
	for _, s := range screens() {
		b.show(s)
		if s.phone {
			b.js("document.getElementById('tasks').open = true")
		}
		b.says("#tasks", "devices/3")
		b.fits(s)
		b.picture("real-overview-" + s.name)
	}
	for _, nonsense := range []string{"NaN", "undefined", "Infinity", "[object"} {
		require.NotContains(b.t, b.text("body"), nonsense)
	}
}
