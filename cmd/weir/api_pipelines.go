package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/engine"
	"github.com/weirstream/weir/engine/task"
	"github.com/weirstream/weir/event"
)

// pipelineView is a pipeline as this process has it: counts are of the tasks that it owns.
type pipelineView struct {
	Name         string        `json:"name"`
	Ready        bool          `json:"ready"`
	Started      string        `json:"started"`
	Version      string        `json:"version"`
	Kafka        []string      `json:"kafka"`
	Source       string        `json:"source"`
	Readings     readingsView  `json:"readings"`
	WindowsOut   uint64        `json:"windows_emitted"`
	AlertEvents  uint64        `json:"alert_events"`
	Quarantined  uint64        `json:"quarantined"`
	Devices      int           `json:"devices"`
	Groups       int           `json:"groups"`
	OpenWindows  uint64        `json:"open_windows"`
	Firing       uint64        `json:"firing"`
	Lag          lagView       `json:"lag"`
	StateBytes   int64         `json:"state_bytes"`
	Commits      int64         `json:"commits"`
	Recoveries   int64         `json:"recoveries"`
	Rebalances   int64         `json:"rebalances"`
	Clock        clockView     `json:"clock"`
	MQTT         *mqttView     `json:"mqtt"`
	AlertLatency *latencyView  `json:"alert_latency"`
	Windows      []windowTitle `json:"windows"`
	Rules        []ruleTitle   `json:"rules"`
}

// readingsView are readings since the pipeline began, by what became of them; In is their sum.
type readingsView struct {
	In        uint64 `json:"in"`
	Processed uint64 `json:"processed"`
	Filtered  uint64 `json:"filtered"`
	Late      uint64 `json:"late"`
	Future    uint64 `json:"future"`
	Bad       uint64 `json:"bad"`
	Duplicate uint64 `json:"duplicate"`
	Retained  uint64 `json:"retained"`
}

// lagView is how far behind folding is.
type lagView struct {
	Records int64 `json:"records"`
	// Seconds is how long the oldest record that is not folded has waited; 0 where none waits.
	Seconds float64 `json:"seconds"`
	// EventSeconds is how old the greatest event time is that was folded; it grows while nothing is sent.
	EventSeconds float64 `json:"event_seconds"`
}

type clockView struct {
	Trusted     bool    `json:"trusted"`
	SkewSeconds float64 `json:"skew_seconds"`
}

type mqttView struct {
	Connected bool  `json:"connected"`
	Received  int64 `json:"received"`
	Failed    int64 `json:"failed"`
}

type windowTitle struct {
	Name     string `json:"name"`
	Sentence string `json:"sentence"`
	By       string `json:"by"` // of a window over several devices
}

type ruleTitle struct {
	Name     string   `json:"name"`
	Sentence string   `json:"sentence"`
	Levels   []string `json:"levels"`
	By       string   `json:"by"`
	// Firing is how many of its alerts fire, in all processes; absent while the alerts topic has not been read.
	Firing *int `json:"firing,omitempty"`
}

// firstLook is how long who asks waits for alerts that have not been read yet.
const firstLook = 500 * time.Millisecond

func (a *api) listPipelines(*http.Request) (reply, error) {
	return reply{body: map[string]any{"pipelines": a.pipelines()}}, nil
}

func (a *api) pipelines() []pipelineView {
	seen := a.watch.look(firstLook)
	list := make([]pipelineView, 0, len(a.instances))
	for _, i := range a.instances {
		list = append(list, i.view(seen.firing[i.work().pipeline.Name]))
	}
	return list
}

func (a *api) onePipeline(r *http.Request) (reply, error) {
	i, err := a.instance(r.PathValue("name"))
	if err != nil {
		return reply{}, err
	}
	return reply{body: i.view(a.watch.look(firstLook).firing[i.work().pipeline.Name])}, nil
}

// instance is that of the pipeline with the name.
func (a *api) instance(name string) (*instance, error) {
	for _, i := range a.instances {
		if i.work().pipeline.Name == name {
			return i, nil
		}
	}
	return nil, problemOf(http.StatusNotFound, fmt.Sprintf("pipeline %q: this process has none", name))
}

// view is the pipeline with how many alerts of each rule fire; nil: that is not known.
func (i *instance) view(firing map[string]int) pipelineView {
	w := i.work()
	p := w.pipeline
	v := pipelineView{
		Name: p.Name, Ready: w.ready(), Started: instant(i.opened), Version: version(), Kafka: i.brokers, Source: p.Source.Topic,
		Windows: []windowTitle{}, Rules: []ruleTitle{}, AlertLatency: i.latencies.view(time.Now()),
	}
	v.Lag = i.lag().lagView
	var sum, groups task.Counters
	for _, t := range w.engine.Status() {
		sum = sum.Add(t.Counters)
		v.Devices += t.Devices
		v.StateBytes += t.StateBytes
	}
	totals := w.engine.Totals()
	v.Clock = clockView{Trusted: totals.ClockTrusted, SkewSeconds: totals.ClockSkew.Seconds()}
	v.Commits, v.Recoveries, v.Rebalances = totals.Commits, totals.Recoveries, totals.Rebalances
	for _, t := range w.groups.engine.Status() {
		groups = groups.Add(t.Counters)
		v.Groups += t.Devices
		v.StateBytes += t.StateBytes
	}
	of := w.groups.engine.Totals()
	v.Commits, v.Recoveries, v.Rebalances = v.Commits+of.Commits, v.Recoveries+of.Recoveries, v.Rebalances+of.Rebalances
	bridge := i.bridgeCounts()
	retained := uint64(bridge.RetainedDropped)
	v.Readings = readingsView{
		In: sum.In + retained, Processed: sum.Processed, Filtered: sum.Filtered, Late: sum.Late, Future: sum.Future, Bad: sum.Bad,
		Duplicate: sum.Duplicate, Retained: retained,
	}
	v.Quarantined = sum.Late + sum.Future + sum.Bad + groups.Late + groups.Bad
	v.WindowsOut, v.AlertEvents, v.OpenWindows, v.Firing = sum.Windows+groups.Windows, sum.Alerts+groups.Alerts, sum.Open+groups.Open, sum.Firing+groups.Firing
	if p.MQTT != nil {
		v.MQTT = &mqttView{Connected: bridge.Connected, Received: bridge.Received, Failed: bridge.Failed}
	}
	v.title(p, firing)
	return v
}

// title adds what the windows and rules of the file are.
func (v *pipelineView) title(p *configs.Pipeline, firing map[string]int) {
	for k := range p.Windows {
		w := windowTitle{Name: p.Windows[k].Name, By: p.Windows[k].By}
		w.Sentence, _ = p.WindowSentence(w.Name)
		v.Windows = append(v.Windows, w)
	}
	for k := range p.Rules {
		spec := &p.Rules[k]
		r := ruleTitle{Name: spec.Name, Levels: []string{}}
		r.Sentence, _ = p.RuleSentence(r.Name)
		if at := spec.Window(); at >= 0 {
			r.By = p.Windows[at].By
		}
		for _, l := range spec.Levels {
			r.Levels = append(r.Levels, l.Name)
		}
		if firing != nil {
			n := firing[r.Name]
			r.Firing = &n
		}
		v.Rules = append(v.Rules, r)
	}
}

// instant is a time as the API writes it.
func instant(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// kindView is one of the two engines of a pipeline.
type kindView struct {
	kind   string
	engine *engine.Engine
}

// engines are those of the pipeline with what their tasks are of.
func (i *instance) engines() []kindView {
	w := i.work()
	list := []kindView{{"devices", w.engine}}
	if w.groups.atWork() {
		list = append(list, kindView{"groups", w.groups.engine})
	}
	return list
}

// taskView is a task that this process owns.
type taskView struct {
	Kind       string  `json:"kind"`
	Partition  int32   `json:"partition"`
	State      string  `json:"state"`
	Offset     int64   `json:"offset"`
	Position   int64   `json:"position"`
	End        int64   `json:"end"`
	Lag        int64   `json:"lag"`
	LagSeconds float64 `json:"lag_seconds"`
	Devices    int     `json:"devices"`
	StateBytes int64   `json:"state_bytes"`
	JournalSeq uint64  `json:"journal_seq"`
}

// placeView is a partition that another process owns.
type placeView struct {
	Kind      string `json:"kind,omitempty"`
	Partition int32  `json:"partition"`
	Instance  string `json:"instance"`
	Host      string `json:"host"`
	URL       string `json:"url,omitempty"`
}

func placeOfTask(kind string, at engine.Place) placeView {
	return placeView{Kind: kind, Partition: at.Partition, Instance: at.Instance, Host: at.Host, URL: at.URL}
}

// tasksView is the answer to GET /v1/pipelines/{name}/tasks.
type tasksView struct {
	Tasks     []taskView  `json:"tasks"`
	Elsewhere []placeView `json:"elsewhere"`
	// Unknown says why Elsewhere is not complete.
	Unknown string `json:"elsewhere_unknown,omitempty"`
}

func (a *api) listTasks(r *http.Request) (reply, error) {
	i, err := a.instance(r.PathValue("name"))
	if err != nil {
		return reply{}, err
	}
	return reply{body: i.tasks(r.Context())}, nil
}

func (i *instance) tasks(ctx context.Context) tasksView {
	v := tasksView{Tasks: []taskView{}, Elsewhere: []placeView{}}
	for _, of := range i.engines() {
		now := of.engine.BrokerTime()
		for _, t := range of.engine.Status() {
			state := "recovering"
			if t.State == engine.Live {
				state = "live"
			}
			v.Tasks = append(v.Tasks, taskView{
				Kind: of.kind, Partition: t.Partition, State: state, Offset: t.Offset, Position: t.Position, End: t.End, Lag: t.Lag(),
				LagSeconds: t.LagTime(now).Seconds(), Devices: t.Devices, StateBytes: t.StateBytes, JournalSeq: t.Seq,
			})
		}
		places, err := of.engine.Elsewhere(ctx)
		if err != nil {
			v.Unknown = err.Error()
		}
		for _, at := range places {
			v.Elsewhere = append(v.Elsewhere, placeOfTask(of.kind, at))
		}
	}
	return v
}

// lagsView is the answer to GET /v1/pipelines/{name}/lag.
type lagsView struct {
	lagView
	Partitions []partitionLag `json:"partitions"`
}

type partitionLag struct {
	Kind      string  `json:"kind"`
	Partition int32   `json:"partition"`
	Records   int64   `json:"records"`
	Seconds   float64 `json:"seconds"`
}

func (a *api) showLag(r *http.Request) (reply, error) {
	i, err := a.instance(r.PathValue("name"))
	if err != nil {
		return reply{}, err
	}
	return reply{body: i.lag()}, nil
}

// lag is how far behind the tasks are that this process owns.
func (i *instance) lag() lagsView {
	v := lagsView{Partitions: []partitionLag{}}
	newest, now := event.Time(0), event.Time(0)
	for _, of := range i.engines() {
		now = of.engine.BrokerTime()
		for _, t := range of.engine.Status() {
			one := partitionLag{Kind: of.kind, Partition: t.Partition, Records: t.Lag(), Seconds: t.LagTime(now).Seconds()}
			v.Records += one.Records
			v.Seconds = max(v.Seconds, one.Seconds)
			v.Partitions = append(v.Partitions, one)
			if of.kind == "devices" {
				newest = max(newest, t.Newest)
			}
		}
	}
	if newest > 0 {
		v.EventSeconds = float64(max(now-newest, 0)) / 1000
	}
	return v
}
