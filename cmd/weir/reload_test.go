package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirstream/weir/configs"
)

const reloadPipeline = `
name: plant
kafka: {embedded: {dir: DIR/kafka, partitions: 2}}
source: {topic: readings}
time: {wait_for_late: 100ms, idle_after: 1m, max_future_skew: 1h}
windows:
  - {name: kept, metric: temperature, tumbling: 1d, compute: [count], emit: {topic: kept, on: change}}
rules:
  - {name: hot, when: temperature, levels: {alarm: {above: 80, clear_below: 70}}}
commit_interval: 5ms
state: {dir: DIR/state}
`

// reloaded is an instance that follows a file, with all that weir run has around it.
type reloaded struct {
	*started
	t       *testing.T
	dir     string
	path    string
	outside *outside
	stopAll context.CancelFunc
	around  sync.WaitGroup
	sender  *kgo.Client
}

func startReloaded(t *testing.T, src string) *reloaded {
	t.Helper()
	dir := t.TempDir()
	r := &reloaded{t: t, dir: dir, path: filepath.Join(dir, "plant.yaml")}
	text := r.write(src)
	p, err := parsePipeline(r.path, text, func(d configs.Diagnostic) { t.Log(d) })
	require.NoError(t, err)
	i, err := openInstance(p, instanceOptions{Logger: testLog()})
	require.NoError(t, err)
	i.follow(r.path)
	r.outside, err = newOutside([]*instance{i})
	require.NoError(t, err)
	require.NoError(t, r.outside.listen("127.0.0.1:0"))
	r.outside.api = newAPI([]*instance{i}, "", testLog())
	ctx, cancel := context.WithCancel(context.Background())
	r.started, r.stopAll = &started{instance: i, stop: cancel, ended: make(chan error, 1)}, cancel
	go func() { r.ended <- i.Run(ctx) }()
	r.around.Go(func() { assert.NoError(t, r.outside.serve(ctx)) })
	hangup, stopHangups := hangups()
	r.around.Go(func() { defer stopHangups(); onHangup(ctx, hangup, []*instance{i}, nil) })
	r.around.Go(func() { i.watchFile(ctx) })
	r.sender, err = kgo.NewClient(kgo.SeedBrokers(i.brokers...))
	require.NoError(t, err)
	waitFor(t, "ready", func() bool { return i.work().ready() })
	return r
}

func (r *reloaded) write(src string) []byte {
	r.t.Helper()
	text := []byte(strings.ReplaceAll(src, "DIR", r.dir))
	require.NoError(r.t, os.WriteFile(r.path, text, 0o600))
	return text
}

func (r *reloaded) close() {
	r.t.Helper()
	r.sender.Close()
	r.end(r.t)
	r.around.Wait()
}

func (r *reloaded) send(device string, at time.Time, value, seq int) {
	r.t.Helper()
	text := fmt.Sprintf(`{"device":%q,"metric":"temperature","ts":%q,"value":%d,"seq":%d}`, device, at.Format(time.RFC3339Nano), value, seq)
	require.NoError(r.t, r.sender.ProduceSync(context.Background(), &kgo.Record{Topic: "readings", Key: []byte(device), Value: []byte(text)}).FirstErr())
}

// post asks for a reload.
func (r *reloaded) post() (int, string) {
	r.t.Helper()
	resp, err := http.Post("http://"+r.outside.addr()+"/v1/reload", "application/json", nil)
	require.NoError(r.t, err)
	defer resp.Body.Close()
	var body struct{ Reloads []reloadOf }
	require.NoError(r.t, json.NewDecoder(resp.Body).Decode(&body))
	require.Len(r.t, body.Reloads, 1)
	require.Equal(r.t, r.work().pipeline.Name, body.Reloads[0].Pipeline)
	return resp.StatusCode, body.Reloads[0].Said + body.Reloads[0].Error
}

func (r *reloaded) metric(line string) bool {
	resp, err := http.Get("http://" + r.outside.addr() + "/metrics")
	require.NoError(r.t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(r.t, err)
	return strings.Contains(string(body), line)
}

func with(src, old, now string) string {
	if !strings.Contains(src, old) {
		panic(old)
	}
	return strings.Replace(src, old, now, 1)
}

// counts are the counts that a window said of a device, in order.
func (r *reloaded) counts(topic, device string) (list []int) {
	for _, line := range readTopic(r.t, topic, r.brokers...) {
		var result struct {
			Device string
			Count  int
			Final  bool
		}
		require.NoError(r.t, json.Unmarshal([]byte(line), &result))
		if result.Device == device && !result.Final {
			list = append(list, result.Count)
		}
	}
	return list
}

// Readings flow while the file changes again and again, and none is lost or counted
// twice: what is kept counts on, what is new or reset counts from one on, and no alert
// is said twice.
func TestReloadWhileReadingsFlow(t *testing.T) {
	r := startReloaded(t, reloadPipeline)
	defer r.close()
	devices := []string{"pump-0", "pump-1", "pump-2"}
	day := time.Now().UTC().Truncate(24 * time.Hour)
	quit, sent := make(chan struct{}), make(chan int, 1)
	go func() {
		for n := 0; ; n++ {
			select {
			case <-quit:
				sent <- n
				return
			default:
			}
			for _, d := range devices {
				r.send(d, day.Add(time.Duration(n)*time.Millisecond), 90, n)
			}
		}
	}()
	flowing := func(topic string) {
		t.Helper()
		before := len(r.counts(topic, devices[0]))
		waitFor(t, topic+" flows", func() bool { return len(r.counts(topic, devices[0])) > before+5 })
	}
	flowing("kept")

	fresh := with(reloadPipeline, "rules:", "  - {name: fresh, metric: temperature, session: 1h, compute: [count], emit: {topic: fresh, on: change}}\nrules:")
	r.write(fresh) // is noticed
	waitFor(t, "reloaded by itself", func() bool { return r.metric(`weir_reloads_total{pipeline="plant",result="done"} 1`) })
	flowing("fresh")

	reset := with(with(fresh, "compute: [count], emit: {topic: fresh", "compute: [count, max], emit: {topic: fresh"), "above: 80", "above: 85")
	r.write(reset)
	require.NoError(t, syscall.Kill(os.Getpid(), syscall.SIGHUP))
	waitFor(t, "reloaded at SIGHUP", func() bool { return r.metric(`result="done"} 2`) })
	flowing("fresh")

	r.write(with(reset, "name: fresh", "name: other"))
	code, said := r.post()
	if code == http.StatusOK && said == "nothing has changed\n" {
		t.Log("it was noticed before it was asked for")
	} else {
		require.Equal(t, http.StatusOK, code)
		require.Equal(t, "window kept: state kept\nwindow other: new, without state\nrule hot: state kept\nrepeats: state kept\nwindow fresh: removed, and its state with it\nweir run goes on from the state\n", said)
	}
	flowing("fresh")
	flowing("kept")
	close(quit)
	n := <-sent
	for _, d := range devices {
		waitFor(t, "all is folded", func() bool { return len(r.counts("kept", d)) >= n })
		for i, count := range r.counts("kept", d) {
			require.Equal(t, i+1, count, "%s", d)
		}
		begun, last := 0, 0
		for _, count := range r.counts("fresh", d) {
			if count == 1 {
				begun++
			} else {
				require.Equal(t, last+1, count)
			}
			last = count
		}
		require.Equal(t, 3, begun, "fresh, reset, and under another name")
		alerts := grepLines(readTopic(t, "weir.plant.alerts", r.brokers...), fmt.Sprintf(`"device":%q`, d))
		require.Len(t, alerts, 1, "it fires all the time")
	}
}

// What cannot be taken is refused with its reason, and the file in force goes on.
func TestReloadRefuses(t *testing.T) {
	r := startReloaded(t, reloadPipeline)
	defer r.close()
	at := time.Now().UTC()
	for i, c := range []struct{ old, now, want string }{
		{"tumbling: 1d", "tumbling: 1x", "plant.yaml:7:"},
		{"source: {topic: readings}", "source: {topic: others}", "restart weir for source.topic"},
		{"name: plant", "name: factory", "restart weir for name"},
		{"partitions: 2", "partitions: 3", "restart weir for kafka"},
		{"state: {dir: DIR/state}", "state: {dir: DIR/elsewhere}", "restart weir for state.dir"},
		{"source: {topic: readings}", "source: {topic: readings, partitioner: crc32}", "restart weir for source.partitioner"},
		{"commit_interval: 5ms", "alerts: {topic: other}", "restart weir for alerts.topic"},
	} {
		r.write(with(reloadPipeline, c.old, c.now))
		code, said := r.post()
		require.Equal(t, http.StatusUnprocessableEntity, code, said)
		require.Contains(t, said, c.want)
		r.send("pump-0", at.Add(time.Duration(i)*time.Millisecond), 20, i)
		waitFor(t, "it goes on", func() bool { return len(r.counts("kept", "pump-0")) == i+1 })
	}
	r.write(reloadPipeline)
	code, said := r.post()
	require.Equal(t, http.StatusOK, code)
	require.Equal(t, "nothing has changed\n", said)

	for path, code := range map[string]int{"/v1/reload": http.StatusUnsupportedMediaType, "/v1/reload?pipeline=other": http.StatusNotFound} {
		kind := map[int]string{http.StatusUnsupportedMediaType: "text/plain", http.StatusNotFound: "application/json"}[code]
		resp, err := http.Post("http://"+r.outside.addr()+path, kind, nil)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Equal(t, code, resp.StatusCode)
	}
}

// A file that is valid and does not come up gives way to the one before it.
func TestReloadGoesBack(t *testing.T) {
	r := startReloaded(t, reloadPipeline)
	defer r.close()
	client, err := kgo.NewClient(kgo.SeedBrokers(r.brokers...))
	require.NoError(t, err)
	defer client.Close()
	_, err = kadm.NewClient(client).CreateTopic(context.Background(), 5, 1, nil, "odd")
	require.NoError(t, err)
	r.write(with(reloadPipeline, "topic: kept", "topic: odd"))
	code, said := r.post()
	require.Equal(t, http.StatusUnprocessableEntity, code)
	require.Contains(t, said, `went back to the file as it was: refused: topic "odd" has 5 partitions`)
	waitFor(t, "counted", func() bool { return r.metric(`weir_reloads_total{pipeline="plant",result="failed"} 1`) })
	r.send("pump-0", time.Now().UTC(), 20, 0)
	waitFor(t, "it goes on", func() bool { return len(r.counts("kept", "pump-0")) == 1 })
}

const reloadFleet = `
name: fleet
kafka: {embedded: {dir: DIR/kafka, partitions: 2}}
source: {topic: readings}
time: {wait_for_late: 100ms, idle_after: 1s}
windows:
  - {name: all_10s, metric: temperature, tumbling: 10s, by: all, compute: [count, sum], emit: {topic: fleet}}
  - {name: all_5s, metric: temperature, tumbling: 5s, by: all, compute: [count], emit: {topic: five}}
rules:
  - {name: hot, when: all_10s.sum, levels: {alarm: {above: 100}}}
state: {dir: DIR/state}
`

// Both engines of a pipeline with windows over several devices reload, and a window
// that is open then closes with all of its readings.
func TestReloadOfGroups(t *testing.T) {
	r := startReloaded(t, reloadFleet)
	defer r.close()
	at := time.Now().UTC().Truncate(10 * time.Second).Add(10 * time.Second)
	for i := range 10 {
		r.send(fmt.Sprint("pump-", i), at, i, 0)
	}
	waitFor(t, "folded", func() bool { return r.counters().In == 10 })
	r.write(with(with(reloadFleet, "tumbling: 5s", "tumbling: 2s"), "rules:", "  - {name: each, metric: temperature, tumbling: 1s, compute: [count], emit: {topic: each}}\nrules:"))
	code, said := r.post()
	require.Equal(t, http.StatusOK, code, said)
	require.Contains(t, said, "window all_10s: state kept\nwindow all_5s: state reset, because its size changes from 5s to 2s\n")
	for i := range 10 {
		r.send(fmt.Sprint("pump-", i), at.Add(4*time.Second), i, 1)
	}
	waitFor(t, "the window has closed", func() bool {
		return len(grepLines(readTopic(t, "fleet", r.brokers...), `"final":true,"count":20,"sum":90`)) == 1
	})
	waitFor(t, "the other has, too", func() bool {
		return len(grepLines(readTopic(t, "five", r.brokers...), `"final":true,"count":10`)) == 1
	})

	// Without them the other engine ends what they have left, and with them again it goes on.
	lone := reloadFleet[:strings.Index(reloadFleet, "windows:")] + "windows:\n  - {name: each, metric: temperature, tumbling: 1s, compute: [count], emit: {topic: each}}\nstate: {dir: DIR/state}\n"
	r.write(lone)
	code, said = r.post()
	require.Equal(t, http.StatusOK, code, said)
	require.Contains(t, said, "rule hot: removed")
	require.True(t, r.work().groups.left)
	r.write(reloadFleet)
	code, said = r.post()
	require.Equal(t, http.StatusOK, code, said)
	require.False(t, r.work().groups.left)
}
