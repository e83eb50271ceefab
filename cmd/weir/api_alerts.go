package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/weirstream/weir/alerts/commands"
	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/outlets/board"
)

// alertOf is an open alert with its pipeline, of which the process may have several.
type alertOf struct {
	Pipeline string `json:"pipeline"`
	listed
}

func (a *api) listAlerts(r *http.Request) (reply, error) {
	desks, err := a.asked(r)
	if err != nil {
		return reply{}, err
	}
	q := r.URL.Query()
	asked := alertsQuestion{desks: desks, wanted: wanted{rule: q.Get("rule"), device: q.Get("device"), group: q.Get("group"), level: q.Get("level"), state: q.Get("state")}}
	if asked.limit, err = limitOf(r, limits{most: mostAlerts}); err != nil {
		return reply{}, err
	}
	body, err := a.alertsBody(r.Context(), asked)
	return reply{body: body}, err
}

// mostAlerts is the greatest limit that may be asked for.
const mostAlerts = 100_000

// alertsQuestion says which open alerts to list, at desks of which pipelines.
type alertsQuestion struct {
	desks []*desk // nil: all
	wanted
	limit int // 0: none
}

// alertsBody is the answer to GET /v1/alerts.
func (a *api) alertsBody(ctx context.Context, q alertsQuestion) (map[string]any, error) {
	if q.desks == nil {
		q.desks = a.desks()
	}
	list, dropped := []alertOf{}, 0
	for _, d := range q.desks {
		s, err := d.see(ctx)
		if err != nil {
			return nil, err
		}
		dropped += s.dropped
		for i := range s.open {
			switch {
			case !q.has(&s.open[i]):
			case q.limit > 0 && len(list) >= q.limit:
				dropped++
			default:
				list = append(list, alertOf{d.pipeline.Name, s.listed(s.open[i])})
			}
		}
	}
	return map[string]any{"alerts": list, "left_out": dropped}, nil
}

func (a *api) explainAlert(r *http.Request) (reply, error) {
	return a.first(r, func(d *desk) (reply, error) {
		x, err := d.explain(r.Context(), r.PathValue("id"))
		return reply{body: x}, err
	})
}

func (a *api) ackAlert(r *http.Request) (reply, error) {
	var body struct {
		Author string `json:"author"`
		Reason string `json:"reason"`
	}
	if err := read(r, &body); err != nil {
		return reply{}, err
	}
	if body.Author == "" {
		return reply{}, problemOf(http.StatusBadRequest, "author is missing: who knows of the alert")
	}
	return a.first(r, func(d *desk) (reply, error) {
		e, err := d.ack(r.Context(), r.PathValue("id"), who(body))
		return reply{body: idOf(&e)}, err
	})
}

func (a *api) unackAlert(r *http.Request) (reply, error) {
	return a.first(r, func(d *desk) (reply, error) {
		_, err := d.unack(r.Context(), r.PathValue("id"))
		return reply{}, err
	})
}

func idOf(e *board.Episode) map[string]string {
	return map[string]string{"id": e.ID, "rule": e.Rule, "device": e.Device, "group": e.Group}
}

// silenceOf is a silence with its pipeline.
type silenceOf struct {
	Pipeline string `json:"pipeline"`
	shownSilence
}

func (a *api) listSilences(r *http.Request) (reply, error) {
	desks, err := a.asked(r)
	if err != nil {
		return reply{}, err
	}
	list := []silenceOf{}
	for _, d := range desks {
		s, err := d.see(r.Context())
		if err != nil {
			return reply{}, err
		}
		all := s.version.Silences()
		for i := range all {
			list = append(list, silenceOf{d.pipeline.Name, s.silence(&all[i], d.now())})
		}
	}
	return reply{body: map[string]any{"silences": list}}, nil
}

// newSilenceBody is the body of POST /v1/silences.
type newSilenceBody struct {
	Name        string         `json:"name"` // made up where absent
	Maintenance bool           `json:"maintenance"`
	Matchers    []shownMatcher `json:"matchers"`
	Start       string         `json:"start"` // now where absent
	End         string         `json:"end"`
	For         string         `json:"for"` // in place of end
	Author      string         `json:"author"`
	Reason      string         `json:"reason"`
}

func (a *api) addSilence(r *http.Request) (reply, error) {
	var body newSilenceBody
	if err := read(r, &body); err != nil {
		return reply{}, err
	}
	desks, err := a.asked(r)
	if err != nil {
		return reply{}, err
	}
	if len(desks) != 1 {
		return reply{}, problemOf(http.StatusBadRequest, fmt.Sprintf("this process runs %d pipelines with rules: say which with ?pipeline=NAME", len(desks)))
	}
	d := desks[0]
	one, err := body.silence(d.now())
	if err != nil {
		return reply{}, problemOf(http.StatusBadRequest, err.Error())
	}
	fits, err := d.silence(r.Context(), one)
	if err != nil {
		return reply{}, err
	}
	one.At = event.Time(d.now().UnixMilli())
	shown := (&sight{open: fits}).silence(&one, d.now())
	return reply{status: http.StatusCreated, body: silenceOf{d.pipeline.Name, shown}}, nil
}

func (b *newSilenceBody) silence(now time.Time) (commands.Silence, error) {
	if b.Author == "" {
		return commands.Silence{}, errors.New("author is missing: who says so")
	}
	flags := silenceFlags{name: b.Name, maintenance: b.Maintenance, start: b.Start, end: b.End, span: b.For}
	one := flags.named(now)
	one.Author, one.Reason = b.Author, b.Reason
	for _, m := range b.Matchers {
		made, err := commands.NewMatcher(m.Name, m.Op, m.Value)
		if err != nil {
			return one, err
		}
		one.Matchers = append(one.Matchers, made)
	}
	var err error
	one.Start, one.End, err = flags.times(now, silenceWords{start: "start", end: "end", span: "for"})
	return one, err
}

func (a *api) dropSilence(r *http.Request) (reply, error) {
	name := r.PathValue("name")
	if r.URL.Query().Has("maintenance") {
		name = commands.KindMaintenance.String() + "/" + name
	}
	return a.first(r, func(d *desk) (reply, error) {
		_, err := d.unsilence(r.Context(), name)
		return reply{}, err
	})
}
