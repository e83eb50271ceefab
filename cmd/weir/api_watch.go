package main

import (
	"bytes"
	"context"
	"sync"
	"time"
)

const (
	// watchAge is how old what a watch has seen may be before it looks again.
	watchAge = time.Second
	// watchKeeps is how long numbers stand that could not be looked at again.
	watchKeeps = 10 * time.Second
)

// watch looks at the open alerts of all pipelines for those who want to know them every second: once for all of them, and beside
// whoever asks, for the topic of alerts may take its time.
type watch struct {
	see func(context.Context) (seen, error)

	mu      sync.Mutex
	newest  seen
	saw     time.Time     // when newest was seen
	at      time.Time     // of the last look
	looking chan struct{} // closed when the look under way is over; nil: there is none
}

// seen are open alerts at one moment.
type seen struct {
	firing map[string]map[string]int // by pipeline and rule; nil before anything was seen
	alerts []byte                    // the answer to GET /v1/alerts?limit=200
	err    error                     // why nothing newer was seen
}

// look returns what was seen last, and waits so long at most for a look that is due.
func (w *watch) look(patience time.Duration) seen {
	w.mu.Lock()
	if w.looking == nil && time.Since(w.at) >= watchAge {
		w.looking = make(chan struct{})
		go w.refresh(w.looking)
	}
	looking := w.looking
	w.mu.Unlock()
	if looking != nil && patience > 0 {
		timer := time.NewTimer(patience)
		defer timer.Stop()
		select {
		case <-looking:
		case <-timer.C:
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.newest
}

func (w *watch) refresh(done chan struct{}) {
	defer close(done)
	ctx, cancel := context.WithTimeout(context.Background(), apiTimeout)
	defer cancel()
	s, err := w.see(ctx)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.looking, w.at = nil, time.Now()
	if err != nil {
		w.newest.err = err
		if w.at.Sub(w.saw) > watchKeeps {
			w.newest.firing = nil
		}
		return
	}
	w.newest, w.saw = s, w.at
}

// seeAlerts is what the watch of the API looks at.
func (a *api) seeAlerts(ctx context.Context) (seen, error) {
	s := seen{firing: map[string]map[string]int{}}
	for _, d := range a.desks() {
		v, err := d.see(ctx)
		if err != nil {
			return seen{}, err
		}
		rules := map[string]int{}
		for k := range v.open {
			if v.open[k].State == "firing" {
				rules[v.open[k].Rule]++
			}
		}
		s.firing[d.pipeline.Name] = rules
	}
	body, err := a.alertsBody(ctx, alertsQuestion{limit: liveAlerts})
	if err != nil {
		return seen{}, err
	}
	var text bytes.Buffer
	encode(&text, body)
	s.alerts = text.Bytes()
	return s, nil
}
