package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/ingest/kafka"
	"github.com/weirstream/weir/internal/brokers"
)

const apiPipeline = `
name: NAME
kafka: {brokers: [BROKER]}
source: {topic: NAME.readings}
devices: {roster: fleet.csv}
time: {wait_for_late: 0s, max_future_skew: 10s, allow_backfill: 1h, late: update, idle_after: 1h}
windows:
  - {name: load_1m, metric: load, tumbling: 1m, compute: [mean, max], emit: {topic: NAME.aggregates}}
  - {name: last_3, metric: load, count: 3, compute: [mean], emit: {topic: NAME.aggregates}}
  - {name: site_1m, metric: load, by: labels.site, tumbling: 1m, compute: [mean], emit: {topic: NAME.aggregates}}
rules:
  - {name: hot, when: temperature, levels: {warning: {above: 50, clear_below: 40}, critical: {above: labels.limit}}}
  - {name: busy, when: load_1m.mean, levels: {warning: {above: 90}}}
  - {name: apart, when: "load - temperature", levels: {warning: {above: 1000}}}
  - {name: silent, no_data: {after: 2h, severity: warning}}
  - {name: odd, anomaly: {of: load, severity: warning}}
  - {name: site-busy, when: site_1m.mean, levels: {warning: {above: 90}}}
alerts: {topic: NAME.alerts}
commit_interval: 10ms
state: {dir: DIR}
`

// process is one process of the fleet's pipeline with its listener.
type process struct {
	*apiClient
	*started
	outside *outside
	served  chan error
	cancel  context.CancelFunc
}

// apiFleet is a pipeline that may run in several processes.
type apiFleet struct {
	t      *testing.T
	name   string // of the pipeline
	broker string
	dir    string
	client *kgo.Client
}

func newAPIFleet(t *testing.T, partitions int) *apiFleet {
	t.Helper()
	broker, err := brokers.StartKafka(brokers.KafkaOptions{Partitions: partitions})
	require.NoError(t, err)
	t.Cleanup(broker.Close)
	return (&apiFleet{t: t, name: "fleet", broker: broker.Addr()}).open(partitions)
}

// open makes the topic of readings.
func (f *apiFleet) open(partitions int) *apiFleet {
	t := f.t
	t.Helper()
	f.dir = t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(f.dir, "fleet.csv"), []byte("device,site,limit\npump-1,Hamburg,80\npump-2,Kiel,\n"), 0o644))
	partitioner, err := kafka.Partitioner("murmur2")
	require.NoError(t, err)
	f.client, err = kgo.NewClient(kgo.SeedBrokers(f.broker), kgo.RecordPartitioner(kgo.BasicConsistentPartitioner(func(string) func(*kgo.Record, int) int {
		return func(r *kgo.Record, n int) int { return partitioner(r.Key, n) }
	})))
	require.NoError(t, err)
	t.Cleanup(f.client.Close)
	stamped := "LogAppendTime"
	_, err = kadm.NewClient(f.client).CreateTopic(context.Background(), int32(partitions), 1, map[string]*string{"message.timestamp.type": &stamped}, f.name+".readings")
	require.NoError(t, err)
	return f
}

// start starts a process with a name of its own.
func (f *apiFleet) start(name, advertise string) *process {
	f.t.Helper()
	file := filepath.Join(f.dir, name+".yaml")
	text := strings.NewReplacer("NAME", f.name, "BROKER", f.broker, "DIR", filepath.Join(f.dir, name)).Replace(apiPipeline)
	require.NoError(f.t, os.WriteFile(file, []byte(text), 0o644))
	p, err := loadPipeline(file, func(configs.Diagnostic) {})
	require.NoError(f.t, err)
	i, err := openInstance(p, instanceOptions{Logger: testLog()})
	require.NoError(f.t, err)
	i.follow(file)
	o, err := newOutside([]*instance{i})
	require.NoError(f.t, err)
	require.NoError(f.t, o.listen("127.0.0.1:0"))
	o.api = newAPI([]*instance{i}, "", slog.New(slog.DiscardHandler))
	if advertise == "" {
		advertise = "http://" + o.addr()
	}
	require.NoError(f.t, o.secure(runOptions{Advertise: advertise}))
	ctx, cancel := context.WithCancel(context.Background())
	s := &process{
		apiClient: &apiClient{t: f.t, url: "http://" + o.addr(), document: openDocument(f.t)}, outside: o, served: make(chan error, 1), cancel: cancel,
		started: &started{instance: i, stop: cancel, ended: make(chan error, 1)},
	}
	go func() { s.served <- o.serve(ctx) }()
	go func() { s.ended <- i.Run(ctx) }()
	return s
}

func (p *process) end() {
	p.t.Helper()
	p.started.end(p.t)
	require.NoError(p.t, <-p.served)
}

// send appends a reading of a device at a time.
func (f *apiFleet) send(device, metric string, value float64, at time.Time) {
	f.t.Helper()
	text := fmt.Sprintf(`{"device":%q,"ts":%q,"metric":%q,"value":%g}`, device, at.UTC().Format(time.RFC3339Nano), metric, value)
	require.NoError(f.t, f.client.ProduceSync(context.Background(), &kgo.Record{Topic: f.name + ".readings", Key: []byte(device), Value: []byte(text)}).FirstErr())
}

// get asks without following redirects.
func (c *apiClient) get(path string) (*http.Response, map[string]any) {
	c.t.Helper()
	client := c.client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := client.Get(c.url + path)
	require.NoError(c.t, err)
	defer resp.Body.Close()
	var body map[string]any
	require.NoError(c.t, json.NewDecoder(resp.Body).Decode(&body))
	return resp, body
}

// named is the element of a list whose field has that text.
func named(list any, field, text string) map[string]any {
	for _, e := range list.([]any) {
		if one := e.(map[string]any); one[field] == text {
			return one
		}
	}
	return nil
}

func TestAPIQueries(t *testing.T) {
	f := newAPIFleet(t, 2)
	p := f.start("one", "")
	defer p.end()
	status := func(path string) int { resp, _ := p.get(path); return resp.StatusCode }
	waitFor(t, "tasks", func() bool { return p.work().ready() })

	minute := time.Now().UTC().Truncate(time.Minute).Add(-10 * time.Minute)
	for k := range 4 {
		f.send("pump-1", "load", float64(10*k), minute.Add(time.Duration(k)*time.Minute))
		f.send("pump-2", "load", 95, minute.Add(time.Duration(k)*time.Minute))
	}
	f.send("pump-1", "temperature", 45, minute.Add(4*time.Minute))
	f.send("pump-2", "temperature", 60, minute.Add(4*time.Minute))
	f.send("pump/3 ü", "load", 1, minute)
	waitFor(t, "the readings", func() bool { return p.counters().In == 11 && p.counters().Firing == 2 })

	resp, d := p.get("/v1/devices/pump-1")
	require.Equal(t, 200, resp.StatusCode, d)
	stamp := func(after time.Duration) string { return instant(minute.Add(after)) }
	require.Equal(t, "fleet", d["pipeline"])
	require.Equal(t, "pump-1", d["device"])
	require.Equal(t, stamp(4*time.Minute), d["clock"])
	require.Equal(t, map[string]any{"site": "Hamburg", "limit": "80"}, d["labels"])
	require.Equal(t, map[string]any{"metric": "temperature", "time": stamp(4 * time.Minute), "value": 45.0}, named(d["last"], "metric", "temperature"))
	load := named(d["windows"], "window", "load_1m")
	require.Equal(t, 0.0, load["count"], "its clock was moved by another metric")
	require.Equal(t, []any{
		map[string]any{"start": stamp(0), "end": stamp(time.Minute), "count": 1.0, "values": map[string]any{"mean": 0.0, "max": 0.0}},
		map[string]any{"start": stamp(time.Minute), "end": stamp(2 * time.Minute), "count": 1.0, "values": map[string]any{"mean": 10.0, "max": 10.0}},
		map[string]any{"start": stamp(2 * time.Minute), "end": stamp(3 * time.Minute), "count": 1.0, "values": map[string]any{"mean": 20.0, "max": 20.0}},
		map[string]any{"start": stamp(3 * time.Minute), "end": stamp(4 * time.Minute), "count": 1.0, "values": map[string]any{"mean": 30.0, "max": 30.0}},
	}, load["past"])
	require.Equal(t, map[string]any{"mean": 20.0}, named(d["windows"], "window", "last_3")["values"])
	hot := named(d["rules"], "rule", "hot")
	require.Equal(t, "ok", hot["state"])
	require.Equal(t, 45.0, hot["value"])
	require.Equal(t, []any{map[string]any{"level": "warning", "above": 50.0, "clear_below": 40.0}, map[string]any{"level": "critical", "above": 80.0}}, hot["thresholds"])
	require.Contains(t, hot["sentence"], "raises warning once it is above 50")
	require.Equal(t, 30.0, named(d["rules"], "rule", "busy")["value"], "the window closed last")
	require.Equal(t, -15.0, named(d["rules"], "rule", "apart")["value"])
	require.NotContains(t, named(d["rules"], "rule", "silent"), "value")
	require.Equal(t, 4.0, named(d["rules"], "rule", "odd")["learned"].(map[string]any)["readings"])

	_, d = p.get("/v1/devices/pump-2?pipeline=fleet")
	hot = named(d["rules"], "rule", "hot")
	require.Equal(t, []any{"firing", "warning", 60.0}, []any{hot["state"], hot["level"], hot["value"]})
	require.Equal(t, map[string]any{"level": "critical"}, hot["thresholds"].([]any)[1], "a label that it has not")
	require.Equal(t, 95.0, named(d["rules"], "rule", "busy")["value"])
	_, d = p.get("/v1/devices/pump%2F3%20%C3%BC")
	require.Equal(t, "pump/3 ü", d["device"])
	resp, d = p.get("/v1/devices/pump-9")
	require.Equal(t, 404, resp.StatusCode)
	require.Contains(t, d["detail"], `device "pump-9": pipeline "fleet" has had no reading of it that it can use; bad ones, late ones`)
	require.Contains(t, d["detail"], "(topic weir.fleet.quarantine and the metric weir_quarantined_total say why)")
	require.Equal(t, 404, status("/v1/devices/pump-1?pipeline=other"))

	_, list := p.get("/v1/devices")
	require.Equal(t, map[string]any{"devices": []any{"pump-1", "pump-2", "pump/3 ü"}, "more": false}, list)
	_, list = p.get("/v1/devices?prefix=pump-&limit=1")
	require.Equal(t, map[string]any{"devices": []any{"pump-1"}, "more": true}, list)
	require.Equal(t, 400, status("/v1/devices?limit=0"))
	require.Equal(t, 400, status("/v1/devices?limit=1001"))

	waitFor(t, "groups", func() bool { _, g := p.get("/v1/groups"); return len(g["groups"].([]any)) == 2 })
	_, list = p.get("/v1/groups?prefix=K")
	require.Equal(t, map[string]any{"groups": []any{map[string]any{"by": "labels.site", "group": "Kiel"}}, "more": false}, list)
	for _, by := range []string{"labels.site", "site_1m"} {
		_, g := p.get("/v1/groups/" + by + "/Kiel")
		require.Equal(t, []any{"labels.site", "Kiel"}, []any{g["by"], g["group"]}, g)
		require.NotEmpty(t, g["rules"])
	}
	require.Equal(t, 404, status("/v1/groups/site_1m/Bremen"))

	_, one := p.get("/v1/pipelines/fleet")
	require.Equal(t, 11.0, one["readings"].(map[string]any)["in"])
	require.Equal(t, 3.0, one["devices"])
	require.GreaterOrEqual(t, one["firing"], 2.0, "and that of the group, in time")
	require.Nil(t, one["mqtt"])
	require.NotNil(t, one["alert_latency"])
	require.GreaterOrEqual(t, one["rebalances"], 1.0)
	require.Contains(t, one["windows"].([]any)[0].(map[string]any)["sentence"], "the mean and max of load")
	waitFor(t, "alerts", func() bool {
		_, one := p.get("/v1/pipelines/fleet")
		return named(one["rules"], "name", "hot")["firing"] == 1.0
	})
	_, all := p.get("/v1/pipelines")
	require.Len(t, all["pipelines"], 1)
	_, tasks := p.get("/v1/pipelines/fleet/tasks")
	require.Len(t, tasks["tasks"], 4)
	require.Empty(t, tasks["elsewhere"])
	require.Equal(t, "live", named(tasks["tasks"], "kind", "groups")["state"])
	waitFor(t, "no lag", func() bool {
		_, lag := p.get("/v1/pipelines/fleet/lag")
		return lag["records"] == 0.0 && lag["seconds"] == 0.0
	})
	_, lag := p.get("/v1/pipelines/fleet/lag")
	require.Len(t, lag["partitions"], 4)
	require.InDelta(t, time.Since(minute.Add(4*time.Minute)).Seconds(), lag["event_seconds"], 30)
	require.Equal(t, 404, status("/v1/pipelines/other"))

	// What there is not.
	resp, body := p.get("/v1/nothing")
	require.Equal(t, 404, resp.StatusCode)
	require.Equal(t, "there is no /v1/nothing", body["detail"])
	code, body := p.ask("DELETE", "/v1/devices/pump-1", "")
	require.Equal(t, 405, code)
	require.Contains(t, body["detail"], "GET")
}

// nextEvent reads the next event of a stream.
func nextEvent(t *testing.T, r *bufio.Reader) (name string, data map[string]any) {
	t.Helper()
	for {
		line, err := r.ReadString('\n')
		require.NoError(t, err)
		if text, ok := strings.CutPrefix(line, "event: "); ok {
			name = strings.TrimSpace(text)
		}
		if text, ok := strings.CutPrefix(line, "data: "); ok {
			require.NoError(t, json.NewDecoder(bytes.NewBufferString(text)).Decode(&data))
			return name, data
		}
	}
}

func TestAPILive(t *testing.T) {
	f := newAPIFleet(t, 1)
	p := f.start("one", "")
	defer p.end()
	waitFor(t, "tasks", func() bool { return p.work().ready() })
	waitFor(t, "topics", func() bool { status, _ := p.ask("GET", "/v1/alerts", ""); return status == 200 })
	f.send("pump-1", "temperature", 60, time.Now())
	waitFor(t, "the reading", func() bool { return p.counters().Firing == 1 })

	ctx, cancel := context.WithCancel(context.Background())
	open := func(query string) *bufio.Reader {
		r, err := http.NewRequestWithContext(ctx, "GET", p.url+"/v1/live"+query, nil)
		require.NoError(t, err)
		resp, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		t.Cleanup(func() { resp.Body.Close() })
		require.Equal(t, 200, resp.StatusCode)
		require.Equal(t, "text/event-stream", resp.Header.Get("Content-Type"))
		return bufio.NewReader(resp.Body)
	}
	want := map[string]bool{"pipelines": true, "alerts": true, "device": true}
	r := open("?device=pump-1&pipeline=fleet")
	pipelines := 0
	for len(want) > 0 || pipelines < 2 {
		name, data := nextEvent(t, r)
		switch name {
		case "pipelines":
			pipelines++
			require.Equal(t, 1.0, data["pipelines"].([]any)[0].(map[string]any)["firing"])
		case "alerts":
			require.True(t, want[name], "once, for nothing changes")
			require.Len(t, data["alerts"], 1)
		case "device":
			require.Equal(t, "pump-1", data["device"])
		default:
			require.Fail(t, name)
		}
		delete(want, name)
	}
	r = open("?device=pump-9")
	for name := ""; name != "device-problem"; {
		var data map[string]any
		if name, data = nextEvent(t, r); name == "device-problem" {
			require.Equal(t, 404.0, data["status"])
		}
	}
	for p.outside.api.streams.Load() < mostStreams {
		open("")
	}
	status, _ := p.ask("GET", "/v1/live", "")
	require.Equal(t, 503, status)
	cancel()
	waitFor(t, "their ends", func() bool { return p.outside.api.streams.Load() == 0 })
}

// Two processes share the devices: whoever is asked for a device of the other says where it lives.
func TestAPIElsewhere(t *testing.T) { newAPIFleet(t, 4).sharedByTwo() }

func (f *apiFleet) sharedByTwo() {
	t := f.t
	one := f.start("one", "")
	defer one.end()
	waitFor(t, "tasks", func() bool { return one.work().ready() })
	two := f.start("two", "")
	owned := func(p *process) int { return len(p.work().engine.Status()) }
	waitFor(t, "two processes", func() bool {
		return owned(one) == 2 && owned(two) == 2 && one.work().ready() && two.work().ready()
	})
	for k := range 20 {
		f.send(fmt.Sprint("pump-", k), "load", float64(k), time.Now())
	}
	waitFor(t, "the readings", func() bool { return one.counters().In+two.counters().In == 20 })

	redirected := 0
	for k := range 20 {
		path := fmt.Sprint("/v1/devices/pump-", k, "?pipeline=", f.name)
		var resp *http.Response
		var body map[string]any
		waitFor(t, "an answer", func() bool { resp, body = one.get(path); return resp.StatusCode != 503 })
		if resp.StatusCode == 200 {
			continue
		}
		redirected++
		require.Equal(t, 307, resp.StatusCode, body)
		require.Equal(t, two.url+path, resp.Header.Get("Location"))
		require.Equal(t, two.url, body["url"])
		require.Equal(t, two.options.Instance, body["instance"])
		require.Equal(t, "127.0.0.1", body["host"])
		status, d := one.ask("GET", path, "") // follows
		require.Equal(t, 200, status)
		require.Equal(t, fmt.Sprint("pump-", k), d["device"])
		status, said := one.ask("GET", path+"&here", "")
		require.Equal(t, 421, status)
		require.Equal(t, body["partition"], said["partition"])
	}
	require.Positive(t, redirected)
	_, tasks := one.get("/v1/pipelines/" + f.name + "/tasks")
	devices := 0
	for _, e := range tasks["elsewhere"].([]any) {
		if at := e.(map[string]any); at["kind"] == "devices" {
			devices++
			require.Equal(t, two.url, at["url"])
		}
	}
	require.Equal(t, 2, devices)

	// One that comes back at another address is found there, though nobody was assigned anything anew.
	rebalances := one.work().engine.Totals().Rebalances
	two.work().engine.KeepSeat()
	two.work().groups.engine.KeepSeat()
	former := two.url
	two.end()
	two = f.start("two", "")
	require.NotEqual(t, former, two.url)
	waitFor(t, "its new address", func() bool {
		_, tasks := one.get("/v1/pipelines/" + f.name + "/tasks")
		at := named(tasks["elsewhere"], "kind", "devices")
		return two.work().ready() && owned(two) == 2 && at != nil && at["url"] == two.url
	})
	t.Log("rebalances on the way:", one.work().engine.Totals().Rebalances-rebalances)

	// A process that is gone owns nothing.
	two.end()
	waitFor(t, "the rest", func() bool { return owned(one) == 4 && one.work().ready() })
	for k := range 20 {
		resp, _ := one.get(fmt.Sprint("/v1/devices/pump-", k))
		require.Equal(t, 200, resp.StatusCode)
	}
}
