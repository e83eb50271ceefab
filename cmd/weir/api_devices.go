package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/engine"
	"github.com/weirstream/weir/engine/task"
)

const (
	usualNames = 20
	mostNames  = 1_000
)

// asOf says up to where records are folded in an answer, whether that is committed or not.
type asOf struct {
	Offset int64 `json:"offset"`
}

// deviceView is the answer to GET /v1/devices/{id}.
type deviceView struct {
	Pipeline  string            `json:"pipeline"`
	Device    string            `json:"device"`
	Partition int32             `json:"partition"`
	AsOf      asOf              `json:"as_of"`
	Clock     string            `json:"clock,omitempty"`     // absent where the device was never heard
	LastSeen  string            `json:"last_seen,omitempty"` // likewise
	Silent    bool              `json:"silent"`
	LateSince string            `json:"late_since,omitempty"`
	Resets    uint64            `json:"resets"`
	Labels    map[string]string `json:"labels"`
	Windows   []windowView      `json:"windows"`
	Rules     []ruleView        `json:"rules"`
	Last      []task.LastValue  `json:"last"`
}

// windowView is a window of a device or group.
type windowView struct {
	Window string                 `json:"window"`
	Start  string                 `json:"start"`
	End    string                 `json:"end"`
	Count  uint64                 `json:"count"`
	Values map[string]task.Number `json:"values"`
	Past   []task.PastWindow      `json:"past"`
}

// ruleView is where a rule stands.
type ruleView struct {
	Rule       string                `json:"rule"`
	State      string                `json:"state"`
	Level      string                `json:"level,omitempty"`
	Since      string                `json:"since,omitempty"`
	Suppressed bool                  `json:"suppressed"`
	Acked      bool                  `json:"acked"`
	Error      bool                  `json:"error"`
	Escalation int                   `json:"escalation"`
	Sentence   string                `json:"sentence"`
	When       string                `json:"when,omitempty"` // what it looks at
	Value      *task.Number          `json:"value,omitempty"`
	Thresholds []task.ThresholdState `json:"thresholds"`
	Learned    *task.LearnedState    `json:"learned,omitempty"`
}

func windowViews(list []task.WindowState) []windowView {
	views := make([]windowView, 0, len(list))
	for _, s := range list {
		views = append(views, windowView{Window: s.Window, Start: s.Start, End: s.End, Count: s.Count, Values: s.Values, Past: append([]task.PastWindow{}, s.Past...)})
	}
	return views
}

func (i *instance) ruleViews(list []task.RuleState) []ruleView {
	views := make([]ruleView, 0, len(list))
	p := i.work().pipeline
	for _, s := range list {
		v := ruleView{
			Rule: s.Rule, State: s.State, Level: s.Level, Since: s.Since, Suppressed: s.Suppressed, Acked: s.Acked, Error: s.Error,
			Escalation: s.Escalation, Value: s.Value, Thresholds: append([]task.ThresholdState{}, s.Thresholds...), Learned: s.Learned,
		}
		v.Sentence, _ = p.RuleSentence(s.Rule)
		v.When = looksAt(p, s.Rule)
		views = append(views, v)
	}
	return views
}

// chosen are the instances that a request is about: all, or that of ?pipeline=.
func (a *api) chosen(r *http.Request) ([]*instance, error) {
	name := r.URL.Query().Get("pipeline")
	if name == "" {
		return a.instances, nil
	}
	i, err := a.instance(name)
	return []*instance{i}, err
}

func (a *api) listDevices(r *http.Request) (reply, error) {
	q, err := namesQuestion(r)
	if err != nil {
		return reply{}, err
	}
	instances, err := a.chosen(r)
	if err != nil {
		return reply{}, err
	}
	all, more := []string{}, false
	for _, i := range instances {
		n, err := i.work().engine.Devices(r.Context(), q)
		if err != nil {
			return reply{}, err
		}
		all, more = append(all, n.Names...), more || n.More
	}
	slices.Sort(all)
	all = slices.Compact(all)
	return reply{body: map[string]any{"devices": all[:min(len(all), q.Limit)], "more": more || len(all) > q.Limit}}, nil
}

func namesQuestion(r *http.Request) (engine.NamesQuestion, error) {
	q := engine.NamesQuestion{Prefix: r.URL.Query().Get("prefix")}
	var err error
	q.Limit, err = limitOf(r, limits{usual: usualNames, most: mostNames})
	return q, err
}

type limits struct{ usual, most int }

// limitOf is ?limit= of a request.
func limitOf(r *http.Request, l limits) (int, error) {
	text := r.URL.Query().Get("limit")
	if text == "" {
		return l.usual, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > l.most {
		return 0, problemOf(http.StatusBadRequest, fmt.Sprintf("limit=%q must be a whole number from 1 to %d", text, l.most))
	}
	return n, nil
}

func (a *api) showDevice(r *http.Request) (reply, error) {
	return a.answerFrom(r, func(i *instance) (any, error) { return i.device(r.Context(), r.PathValue("id")) })
}

// answerFrom asks one pipeline after the other. What lives elsewhere, or is not ready, counts only where no other has an answer.
func (a *api) answerFrom(r *http.Request, ask func(*instance) (any, error)) (reply, error) {
	instances, err := a.chosen(r)
	if err != nil {
		return reply{}, err
	}
	var worst error = problemOf(http.StatusNotFound, "this process runs no such pipeline")
	for k, i := range instances {
		body, err := ask(i)
		if err == nil {
			return reply{body: body}, nil
		}
		if p := (problem{}); k == 0 || errors.As(worst, &p) && p.Status == http.StatusNotFound {
			worst = err
		}
	}
	var elsewhere *elsewhereProblem
	if errors.As(worst, &elsewhere) {
		return elsewhere.reply(r), nil
	}
	return reply{}, worst
}

// device asks for a device.
func (i *instance) device(ctx context.Context, id string) (*deviceView, error) {
	w := i.work()
	d, err := w.engine.Device(ctx, id)
	if errors.Is(err, engine.ErrNoDevice) {
		return nil, problemOf(http.StatusNotFound, unheard(w.pipeline, id))
	}
	if err != nil {
		return nil, i.errAsked(fmt.Sprintf("device %q", id), err)
	}
	v := &deviceView{
		Pipeline: w.pipeline.Name, Device: d.Device, Partition: d.Partition, AsOf: asOf{d.Offset}, Clock: d.Clock, LastSeen: d.LastSeen, Silent: d.Silent,
		LateSince: d.LateSince, Resets: d.Resets, Labels: d.Labels, Windows: windowViews(d.Windows), Rules: i.ruleViews(d.Rules), Last: append([]task.LastValue{}, d.Last...),
	}
	if v.Labels == nil {
		v.Labels = map[string]string{}
	}
	return v, nil
}

// unheard says why a device may be unknown whose readings come.
func unheard(p *configs.Pipeline, id string) string {
	return fmt.Sprintf("device %q: pipeline %q has had no reading of it that it can use; bad ones, late ones and those from the future do not count (topic %s and the metric weir_quarantined_total say why), "+
		"nor do those of metrics that no window or rule uses (weir_readings_total, outcome filtered)", id, p.Name, p.QuarantineTopic)
}

// errAsked is what an engine's error is to whoever asked for something.
func (i *instance) errAsked(what string, err error) error {
	name := i.work().pipeline.Name
	var elsewhere *engine.ElsewhereError
	switch {
	case errors.As(err, &elsewhere):
		at := placeOfTask("", elsewhere.Place)
		detail := fmt.Sprintf("%s of pipeline %q lives in partition %d, which instance %s on host %s owns", what, name, at.Partition, at.Instance, at.Host)
		return &elsewhereProblem{problem: problemOf(http.StatusMisdirectedRequest, detail), placeView: at}
	case errors.Is(err, engine.ErrNoDevice):
		return problemOf(http.StatusNotFound, fmt.Sprintf("%s: pipeline %q has none", what, name))
	case errors.Is(err, engine.ErrNotReady):
		return problemOf(http.StatusServiceUnavailable, fmt.Sprintf("%s of pipeline %q: %v", what, name, err))
	}
	return err
}

// elsewhereProblem says that another process knows.
type elsewhereProblem struct {
	problem
	placeView
}

// reply sends whoever asked to the other process, where its URL is known and ?here does not say otherwise.
func (p *elsewhereProblem) reply(r *http.Request) reply {
	out := reply{status: http.StatusMisdirectedRequest, kind: problemKind}
	if p.URL != "" && !r.URL.Query().Has("here") {
		out.status, out.location = http.StatusTemporaryRedirect, strings.TrimSuffix(p.URL, "/")+r.URL.RequestURI()
	}
	said := *p
	said.problem = problemOf(out.status, p.Detail)
	out.body = said
	return out
}

// groupTitle names a group.
type groupTitle struct {
	By    string `json:"by"`
	Group string `json:"group"`
}

func (a *api) listGroups(r *http.Request) (reply, error) {
	q, err := namesQuestion(r)
	if err != nil {
		return reply{}, err
	}
	instances, err := a.chosen(r)
	if err != nil {
		return reply{}, err
	}
	all, more := []groupTitle{}, false
	for _, i := range instances {
		w := i.work()
		if !w.pipeline.Grouped() {
			continue
		}
		n, err := w.groups.engine.Groups(r.Context(), engine.GroupsQuestion{NamesQuestion: q, By: r.URL.Query().Get("by")})
		if err != nil {
			return reply{}, err
		}
		for _, of := range n.Groups {
			all = append(all, groupTitle{of.By, of.Group})
		}
		more = more || n.More
	}
	slices.SortFunc(all, func(x, y groupTitle) int { return cmp.Or(cmp.Compare(x.By, y.By), cmp.Compare(x.Group, y.Group)) })
	all = slices.Compact(all)
	return reply{body: map[string]any{"groups": all[:min(len(all), q.Limit)], "more": more || len(all) > q.Limit}}, nil
}

// groupView is the answer to GET /v1/groups/{by}/{id}.
type groupView struct {
	Pipeline  string       `json:"pipeline"`
	By        string       `json:"by"`
	Group     string       `json:"group"`
	Partition int32        `json:"partition"`
	AsOf      asOf         `json:"as_of"` // of the topic of partials
	Clock     string       `json:"clock"`
	Due       string       `json:"due,omitempty"`
	KeptUntil string       `json:"kept_until,omitempty"`
	Windows   []windowView `json:"windows"`
	Rules     []ruleView   `json:"rules"`
}

func (a *api) showGroup(r *http.Request) (reply, error) {
	return a.answerFrom(r, func(i *instance) (any, error) {
		return i.group(r.Context(), task.GroupName{By: r.PathValue("by"), Group: r.PathValue("id")})
	})
}

// group asks for a group; By may be the name of a window as well.
func (i *instance) group(ctx context.Context, of task.GroupName) (*groupView, error) {
	w := i.work()
	what := fmt.Sprintf("group %q of %s", of.Group, of.By)
	if !w.pipeline.Grouped() {
		return nil, i.errAsked(what, engine.ErrNoDevice)
	}
	for k := range w.pipeline.Windows {
		if at := &w.pipeline.Windows[k]; at.Name == of.By && at.Grouped() {
			of.By = at.By
		}
	}
	g, err := w.groups.engine.Group(ctx, engine.GroupQuestion{GroupName: of, PartitionOf: i.options.GroupPartition})
	if err != nil {
		return nil, i.errAsked(what, err)
	}
	return &groupView{
		Pipeline: w.pipeline.Name, By: g.By, Group: g.Group, Partition: g.Partition, AsOf: asOf{g.Offset}, Clock: g.Clock, Due: g.Due, KeptUntil: g.KeptUntil,
		Windows: windowViews(g.Windows), Rules: i.ruleViews(g.Rules),
	}, nil
}
