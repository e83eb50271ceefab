//go:build real

package consoletest

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/weirstream/weir/cmd/weir/console"
)

// hostile is a name that a device may choose.
const hostile = `<img src=x onerror=alert(1)>`

type object = map[string]any

// fake answers as docs/API.md says, with a plant that has seen better days.
type fake struct {
	*httptest.Server
	began time.Time
	token string

	mu    sync.Mutex
	acked bool
	said  []string // bodies of commands
}

func startFake(t *testing.T, token string) *fake {
	t.Helper()
	f := &fake{began: time.Now().Add(-10 * time.Minute), token: token}
	mux := http.NewServeMux()
	mux.Handle("/", console.Handler())
	for pattern, answer := range map[string]func(*http.Request) (int, any){ // unordered: patterns differ
		"GET /v1/pipelines/{name}/tasks": func(*http.Request) (int, any) { return 200, f.tasks() },
		"GET /v1/silences":               func(*http.Request) (int, any) { return 200, f.silences() },
		"GET /v1/alerts/{id}":            func(r *http.Request) (int, any) { return 200, f.story(r.PathValue("id")) },
		"GET /v1/devices":                f.devices,
		"POST /v1/alerts/{id}/ack":       f.ack,
		"POST /v1/silences":              f.silence,
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			status, body := 401, any(object{"title": "Unauthorized", "status": 401, "detail": "send the token"})
			if f.admits(r) {
				status, body = answer(r)
			}
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			_ = json.NewEncoder(w).Encode(body)
		})
	}
	mux.HandleFunc("GET /v1/live", f.live)
	f.Server = httptest.NewServer(mux)
	t.Cleanup(f.Close)
	t.Cleanup(f.CloseClientConnections)
	return f
}

func (f *fake) admits(r *http.Request) bool {
	return f.token == "" || r.Header.Get("Authorization") == "Bearer "+f.token
}

// live sends what the API sends, five times as often.
func (f *fake) live(w http.ResponseWriter, r *http.Request) {
	if !f.admits(r) {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		events := []string{sse("pipelines", object{"pipelines": f.pipelines()}), sse("alerts", object{"alerts": f.alerts(), "left_out": 0})}
		if d := r.URL.Query().Get("device"); d != "" {
			events = append(events, f.device(d))
		}
		for _, e := range events {
			if _, err := fmt.Fprint(w, e); err != nil {
				return
			}
		}
		w.(http.Flusher).Flush()
		select {
		case <-r.Context().Done():
			return
		case <-tick.C:
		}
	}
}

func sse(name string, body any) string {
	text, err := json.Marshal(body)
	if err != nil {
		panic(err)
	}
	return "event: " + name + "\ndata: " + string(text) + "\n\n"
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

func (f *fake) pipelines() []object {
	s := time.Since(f.began).Seconds()
	n := func(rate float64) int { return int(rate*s + 40*math.Sin(s/3)*math.Min(1, rate/100)) }
	plant := object{
		"name": "plant", "ready": true, "started": stamp(f.began), "version": "v0.7.0", "kafka": []string{"kafka-1:9092", "kafka-2:9092"}, "source": "readings",
		"readings": object{
			"in": n(2000), "processed": n(1920), "filtered": n(11), "late": n(14), "future": n(6), "bad": n(0.4), "duplicate": n(47), "retained": n(1.2),
		},
		"windows_emitted": n(400), "alert_events": 312, "quarantined": n(20), "devices": 1204, "groups": 12, "open_windows": 2408, "firing": 6,
		"lag":         object{"records": 38 + int(20*math.Sin(s)), "seconds": 0.12, "event_seconds": 1.31},
		"state_bytes": 48_120_332, "commits": n(18), "recoveries": 2, "rebalances": 1, "clock": object{"trusted": true, "skew_seconds": 0.013},
		"mqtt": object{"connected": true, "received": n(2001), "failed": 0}, "alert_latency": object{"p50_ms": 3.2, "p99_ms": 17.6},
		"windows": []object{
			{"name": "temp_5s", "sentence": "Window temp_5s: mean and max of temperature over each 5 s of a device.", "by": ""},
			{"name": "site_1m", "sentence": "Window site_1m: mean of temperature over each minute of all devices of a site.", "by": "labels.site"},
		},
		"rules": []object{
			{"name": "too-warm", "sentence": "Rule too-warm raises warning when the mean of temperature over 5 s is above 8, critical above 10.", "levels": []string{"warning", "critical"}, "by": "", "firing": 4},
			{"name": "site-warm", "sentence": "Rule site-warm raises warning when the mean of a site is above 7.", "levels": []string{"warning"}, "by": "labels.site", "firing": 1},
			{"name": "spread", "sentence": "Rule spread raises notice when temp_5s.max - temp_5s.mean is above 3.", "levels": []string{"notice"}, "by": "", "firing": 1},
		},
	}
	press := object{}
	for k, v := range plant { // unordered: copied
		press[k] = v
	}
	press["name"], press["ready"], press["mqtt"], press["alert_latency"], press["firing"] = "press-shop", false, nil, nil, 0
	press["clock"] = object{"trusted": false, "skew_seconds": 95.0}
	return []object{plant, press}
}

func (f *fake) alerts() []object {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	list := []object{}
	add := func(id, rule, device, level, state string, ago time.Duration, more object) {
		a := object{
			"pipeline": "plant", "id": id, "place": object{"partition": 0, "offset": 7}, "rule": rule, "device": device, "state": state, "level": level, "value": 11.24, "threshold": 10.0,
			"at": stamp(now), "startsAt": stamp(now.Add(-ago)), "episode": object{"start": stamp(now.Add(-ago)), "event": 1},
			"labels": object{"alertname": rule, "site": "Hamburg"}, "annotations": object{"summary": device + " is at 11.2 C, above 10"}, "cause": object{"topic": "readings", "partition": 3, "offset": 4711},
		}
		for k, v := range more { // unordered: copied
			a[k] = v
		}
		list = append(list, a)
	}
	first := object{}
	if f.acked {
		first["acked"] = object{"author": "kim", "reason": "on my way", "at": stamp(now)}
	}
	add("a1b2c3d4e5f60718", "too-warm", "truck-0012", "critical", "firing", 4*time.Minute+12*time.Second, first)
	add("b1b2c3d4e5f60718", "too-warm", hostile, "critical", "firing", 42*time.Second, object{"flapping": true})
	add("c1b2c3d4e5f60718", "too-warm", "cold-room-with-a-very-long-name-because-somebody-liked-it-that-way-0001", "warning", "firing", 26*time.Hour, object{"escalation": 2, "value": 8.41, "threshold": 8.0})
	add("d1b2c3d4e5f60718", "site-warm", "", "warning", "firing", 9*time.Minute, object{"group": "Hamburg", "by": "labels.site", "annotations": object{}})
	add("e1b2c3d4e5f60718", "spread", "truck-0044", "notice", "firing", 3*time.Hour, object{"acked": object{"author": "lee", "reason": "known, part is ordered", "at": stamp(now)}})
	add("f1b2c3d4e5f60718", "too-warm", "truck-0101", "warning", "firing", 50*time.Minute, object{"suppressed_by": []string{"silence/belt", "schedule"}})
	add("01b2c3d4e5f60718", "too-warm", "truck-0102", "critical", "recovering", 11*time.Minute, object{"value": 9.1})
	add("11b2c3d4e5f60718", "too-warm", "truck-0103", "", "pending", 5*time.Second, object{"threshold": nil})
	return list
}

func (f *fake) story(id string) object {
	for _, a := range f.alerts() {
		if a["id"] != id {
			continue
		}
		second := object{}
		for k, v := range a { // unordered: copied
			second[k] = v
		}
		second["episode"], second["previous"] = object{"event": 2}, "warning"
		second["reading"] = object{"appended": stamp(time.Now()), "readings": []object{{"metric": "temperature", "value": 11.9, "time": stamp(time.Now()), "seq": 812}}, "message": `{"metric":"temperature","value":11.9}`}
		second["window"] = object{"name": "temp_5s", "start": stamp(time.Now().Add(-5 * time.Second)), "end": stamp(time.Now())}
		a["level"], a["value"], a["threshold"], a["missing"] = "warning", 8.2, 8.0, "the source topic no longer has it"
		return object{"id": id, "rule": a["rule"], "sentence": "Rule too-warm raises warning when the mean of temperature over 5 s is above 8, critical above 10.", "open": true, "events": []object{a, second}}
	}
	return object{}
}

func (f *fake) silences() object {
	return object{"silences": []object{{
		"pipeline": "plant", "name": "belt", "matchers": []object{{"name": "labels.site", "op": "=", "value": "Kiel"}}, "start": stamp(time.Now()), "end": stamp(time.Now().Add(time.Hour)),
		"author": "kim", "reason": "belt is being changed", "state": "in force", "fits": []string{"f1b2c3d4e5f60718"},
	}}}
}

func (f *fake) tasks() object {
	list := []object{}
	for i := range 4 {
		list = append(list, object{"kind": "devices", "partition": i, "state": "live", "offset": 300211, "position": 300220, "end": 300225, "lag": 5, "lag_seconds": 0.04, "devices": 301, "state_bytes": 12_030_083, "journal_seq": 8812})
	}
	list[3]["state"], list[3]["lag"], list[3]["lag_seconds"] = "recovering", 91234, 46.0
	return object{"tasks": list, "elsewhere": []object{
		{"kind": "devices", "partition": 4, "instance": "weir-9f3a", "host": "10.0.0.7", "url": "http://10.0.0.7:9464"},
		{"kind": "groups", "partition": 0, "instance": "weir-9f3a", "host": "10.0.0.7", "url": "javascript:alert(1)"},
	}}
}

func (f *fake) devices(r *http.Request) (int, any) {
	names := []string{}
	for _, n := range []string{hostile, "truck-0012", "truck-0044", "truck-0101"} {
		if strings.HasPrefix(n, r.URL.Query().Get("prefix")) {
			names = append(names, n)
		}
	}
	return 200, object{"devices": names, "more": r.URL.Query().Get("prefix") == ""}
}

func (f *fake) device(name string) string {
	now := time.Now()
	switch name {
	case "away":
		return sse("device-problem", object{"status": 421, "title": "Misdirected Request", "partition": 4, "instance": "weir-9f3a", "host": "10.0.0.7", "url": "http://10.0.0.7:9464"})
	case "nobody":
		return sse("device-problem", object{"status": 404, "title": "Not Found", "detail": "no such device"})
	}
	value := func(t time.Time) float64 {
		s := float64(t.UnixMilli()) / 1000
		return 7.5 + 3*math.Sin(s/40) + 0.5*math.Sin(s/3)
	}
	at := now.Truncate(5 * time.Second)
	window := func(start time.Time) object {
		return object{"start": stamp(start), "end": stamp(start.Add(5 * time.Second)), "count": 5, "values": object{"mean": value(start), "max": value(start) + 0.8, "count": 5.0}}
	}
	past := []object{}
	for i := 40; i > 0; i-- {
		if i < 14 || i > 18 { // it was away
			past = append(past, window(at.Add(time.Duration(-5*i)*time.Second)))
		}
	}
	open := window(at)
	open["window"], open["past"], open["values"] = "temp_5s", past, object{"mean": value(now), "max": value(now) + 0.8, "count": 3.0}
	return sse("device", object{
		"pipeline": "plant", "device": name, "partition": 3, "clock": stamp(now), "last_seen": stamp(now.Add(50 * time.Millisecond)), "silent": name == "truck-0044",
		"labels": object{"site": "Hamburg", "line": "<b>3</b>", "limit": "8"}, "windows": []object{open},
		"rules": []object{
			{"rule": "too-warm", "state": "firing", "level": "critical", "since": stamp(now.Add(-4 * time.Minute)), "value": value(at), "when": "temp_5s.mean", "sentence": "Raises warning when the mean of temperature over 5 s is above 8, critical above 10.",
				"thresholds": []object{{"level": "warning", "above": 8.0, "clear_below": 7.0}, {"level": "critical", "above": 10.0, "clear_below": 8.0}}},
			{"rule": "spread", "state": "ok", "when": "temp_5s.max - temp_5s.mean", "value": 0.8 + 0.2*math.Sin(float64(now.Unix())), "sentence": "Raises notice when temp_5s.max - temp_5s.mean is above 3.", "thresholds": []object{{"level": "notice", "above": 3.0, "clear_below": 3.0}}},
			{"rule": "odd", "state": "ok", "when": "temp_5s.mean", "sentence": "Raises warning when the mean is not as it was.", "thresholds": []object{}, "learned": object{"readings": 812, "warm": false}},
			{"rule": "hot", "state": "ok", "value": value(now), "sentence": "Raises alarm when temperature is above 90.", "when": "temperature", "thresholds": []object{{"level": "alarm", "above": 90.0, "clear_below": 85.0}}},
		},
		"last": []object{{"metric": "temperature", "time": stamp(now), "value": value(now)}},
	})
}

func (f *fake) ack(r *http.Request) (int, any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.acked = true
	var body json.RawMessage
	_ = json.NewDecoder(r.Body).Decode(&body)
	f.said = append(f.said, string(body))
	return 200, object{"id": r.PathValue("id")}
}

func (f *fake) silence(r *http.Request) (int, any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var body object
	_ = json.NewDecoder(r.Body).Decode(&body)
	text, _ := json.Marshal(body)
	f.said = append(f.said, string(text))
	body["end"] = stamp(time.Now().Add(time.Hour))
	return 201, body
}

func (f *fake) commands() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string{}, f.said...)
}
