package alertmanager

import (
	"context"
	"errors"
	"maps"
	"net/url"
	"slices"
	"time"

	"github.com/weirstream/weir/outlets"
)

const (
	lifetimes = 3 // an alert ends by itself after so many times Resend
	farewells = 3 // how often more than once an end is said
)

// statement is what was said last of an alert, that is: of a set of labels.
type statement struct {
	key     string
	episode string
	group   bool  // of a window over several devices
	offset  int64 // of the record that says so
	body    postable
	left    int // of an ended one: how often it is still to be said
	turn    int // the newest entry of it among those that wait
	refused bool
}

func (s *statement) firing() bool { return s.body.EndsAt.IsZero() }

// waiting is a statement in the queue of those to be said again; it counts only where the turn is still that of the statement.
type waiting struct {
	at   time.Time
	what *statement
	turn int
}

// line is the memory of one partition. It implements outlets.Repeater.
//
// Invariants:
//
//  1. What is in said has been accepted (or refused) by Alertmanager, or by an earlier life's.
//  2. An episode fires with one set of labels at most, byEpisode, and that statement is in said.
//  3. again is in order of time, firings in order of offset; entries that no longer count are left in until they come to the front.
type line struct {
	m         *Alertmanager
	said      map[string]*statement // by key
	byEpisode map[string]*statement
	again     []waiting
	firings   []*statement
	seq       numbers
}

// numbers are the last ones (weir-seq) of devices and of groups, each 0 where there was none.
type numbers struct{ devices, groups uint64 }

// take takes the number of the next alert, and reports whether numbers of its kind begin anew with it.
func (n *numbers) take(a *outlets.Alert) (anew bool) {
	last := &n.devices
	if a.OfGroup() {
		last = &n.groups
	}
	if a.Seq == 0 { // somebody else wrote it
		return false
	}
	anew = a.Seq <= *last
	*last = a.Seq
	return anew
}

func newLine(m *Alertmanager) *line {
	return &line{m: m, said: map[string]*statement{}, byEpisode: map[string]*statement{}}
}

// news are the statements that one record makes; they count once they are accepted.
func (l *line) news(a *outlets.Alert, now time.Time) []*statement {
	var all []*statement
	before := l.byEpisode[a.ID]
	labels := labelsOf(a.Labels)
	if seq := l.seq; seq.take(a) {
		// The numbers begin anew with the state: who began before that will never be ended.
		for _, id := range slices.Sorted(maps.Keys(l.byEpisode)) {
			if old := l.byEpisode[id]; old.group == a.OfGroup() && id != a.ID && old.key != keyOf(labels) {
				all = append(all, old.ended(now, now))
			}
		}
	}
	switch {
	case len(a.SuppressedBy) > 0 && (a.Status == "firing" || a.Status == "resolved"):
		// What is suppressed is not sent: for Alertmanager it has ended.
		if before != nil {
			all = append(all, before.ended(a.At, now))
		}
	case a.Status == "firing":
		s := &statement{key: keyOf(labels), episode: a.ID, group: a.OfGroup(), offset: a.Offset, body: postable{
			Labels: labels, Annotations: l.annotations(a), StartsAt: earlier(a.StartsAt, now), GeneratorURL: l.m.generator(a),
		}}
		if before != nil && before.key != s.key {
			all = append(all, before.ended(a.At, now))
		}
		all = append(all, s)
	case a.Status == "resolved":
		if before == nil {
			before = &statement{key: keyOf(labels), episode: a.ID, group: a.OfGroup(), body: postable{
				Labels: labels, StartsAt: earlier(a.StartsAt, now), GeneratorURL: l.m.generator(a),
			}}
		}
		s := before.ended(a.EndsAt, now)
		s.body.Annotations = l.annotations(a)
		all = append(all, s)
	}
	return all
}

// ended is the statement with an end that is not ahead of now and not before the start.
func (s *statement) ended(at, now time.Time) *statement {
	e := &statement{key: s.key, episode: s.episode, group: s.group, body: s.body, left: farewells}
	e.body.EndsAt = earlier(at, now)
	if e.body.EndsAt.Before(e.body.StartsAt) {
		e.body.EndsAt = e.body.StartsAt
	}
	return e
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// annotations are the record's, and the summary as the description where there is none: receivers' templates show one or the other.
func (l *line) annotations(a *outlets.Alert) map[string]string {
	texts := labelsOf(a.Annotations)
	if texts["description"] == "" && texts["summary"] != "" {
		texts["description"] = texts["summary"]
	}
	return texts
}

func (m *Alertmanager) generator(a *outlets.Alert) string { return m.link.Expand(a, url.QueryEscape) }

// accept puts statements into the memory, to be said again at the given time.
func (l *line) accept(news []*statement, at time.Time) {
	for _, s := range news {
		// What was said of these labels counts no more, whoever said it.
		if old := l.said[s.key]; old != nil {
			old.turn = -1
			if l.byEpisode[old.episode] == old {
				delete(l.byEpisode, old.episode)
			}
		}
		l.said[s.key] = s
		if s.firing() {
			l.byEpisode[s.episode] = s
			l.firings = append(l.firings, s)
		}
		l.schedule(s, at)
	}
	// One that fires for weeks stays in front while others come and go behind it.
	if len(l.firings) > 2*len(l.byEpisode)+maxPost {
		l.firings = slices.DeleteFunc(l.firings, func(s *statement) bool { return l.said[s.key] != s })
	}
}

// schedule puts a statement into the queue, or lets go of one that has been said often enough.
func (l *line) schedule(s *statement, at time.Time) {
	s.turn++
	if s.refused || !s.firing() && s.left == 0 {
		if !s.firing() {
			delete(l.said, s.key)
		}
		return
	}
	l.again = append(l.again, waiting{at: at, what: s, turn: s.turn})
}

// Recall implements outlets.Repeater. What is recalled is said again after Resend, or as soon as all is recalled: until then nobody
// knows whether it has ended.
func (l *line) Recall(a *outlets.Alert) {
	now := time.Now()
	news := l.news(a, now)
	for _, s := range news {
		s.left = 0
	}
	l.accept(news, now.Add(l.m.o.Resend))
	l.seq.take(a)
}

// Recalled implements outlets.Repeater.
func (l *line) Recalled() {
	now := time.Now()
	for i := range l.again {
		l.again[i].at = earlier(l.again[i].at, now)
	}
}

// Oldest implements outlets.Repeater.
func (l *line) Oldest() (int64, bool) {
	for len(l.firings) > 0 {
		s := l.firings[0]
		if l.said[s.key] == s {
			return s.offset, true
		}
		l.firings = l.firings[1:]
	}
	return 0, false
}

// Due implements outlets.Repeater.
func (l *line) Due() (time.Time, bool) {
	for len(l.again) > 0 {
		if w := l.again[0]; w.what.turn == w.turn {
			return w.at, true
		}
		l.again = l.again[1:]
	}
	return time.Time{}, false
}

// Repeat implements outlets.Repeater.
func (l *line) Repeat(ctx context.Context) (refused int, err error) {
	for now := time.Now(); ; {
		var due []*statement
		for len(due) < maxPost {
			at, ok := l.Due()
			if !ok || at.After(now) {
				break
			}
			due = append(due, l.again[0].what)
			l.again = l.again[1:]
		}
		if len(due) == 0 {
			return refused, nil
		}
		n, err := l.say(ctx, due)
		refused += n
		if err != nil {
			// Back to the front, as they were.
			front := make([]waiting, 0, len(due)+len(l.again))
			for _, s := range due {
				front = append(front, waiting{at: now, what: s, turn: s.turn})
			}
			l.again = append(front, l.again...)
			return refused, err
		}
		at := time.Now().Add(l.m.o.Resend)
		for _, s := range due {
			s.left = max(0, s.left-1)
			l.schedule(s, at)
		}
	}
}

// Deliver implements outlets.Line. A request holds no two statements of one alert or one episode: which of them counts would be
// Alertmanager's choice.
func (l *line) Deliver(ctx context.Context, batch []*outlets.Alert) (outlets.Result, error) {
	var result outlets.Result
	for result.Done < len(batch) {
		var news []*statement
		now, first := time.Now(), result.Done
		taken := map[string]bool{}
		last, seq := first, l.seq
		for ; last < len(batch); last++ {
			a := batch[last]
			more, next := l.news(a, now), seq
			if anew := next.take(a); last > first && (len(news)+len(more) > maxPost || collides(taken, a, more) || anew) {
				break
			}
			seq = next
			taken[a.ID] = true
			for _, s := range more {
				taken[s.key] = true
			}
			news = append(news, more...)
		}
		refused := 0
		for part := range slices.Chunk(news, maxPost) {
			n, err := l.say(ctx, part)
			refused += n
			if err != nil {
				return result, err
			}
		}
		l.accept(news, time.Now().Add(l.m.o.Resend))
		l.seq = seq
		result.Done, result.Refused = last, result.Refused+min(refused, last-first)
	}
	return result, nil
}

func collides(taken map[string]bool, a *outlets.Alert, news []*statement) bool {
	return taken[a.ID] || slices.ContainsFunc(news, func(s *statement) bool { return taken[s.key] })
}

// say sends statements, at most maxPost. Where they are refused it finds out which: Alertmanager answers for a request as a whole. One
// that was refused is logged once and not said again until it changes.
func (l *line) say(ctx context.Context, list []*statement) (refused int, err error) {
	bodies := make([]*postable, len(list))
	now := time.Now()
	for i, s := range list {
		body := s.body
		if s.firing() {
			body.EndsAt = now.Add(lifetimes * l.m.o.Resend)
		}
		body.StartsAt, body.EndsAt = body.StartsAt.UTC(), body.EndsAt.UTC()
		bodies[i] = &body
	}
	if len(bodies) == 0 {
		return 0, nil
	}
	err = l.m.post(ctx, bodies)
	no, isRefusal := errors.AsType[*refusal](err)
	switch {
	case !isRefusal:
		return 0, err
	case len(list) == 1:
		list[0].refused = true
		l.m.log.Error("alertmanager refuses an alert; it is left out", "labels", list[0].body.Labels, "status", no.status, "answer", no.body)
		return 1, nil
	}
	half := len(list) / 2
	a, err := l.say(ctx, list[:half])
	if err != nil {
		return a, err
	}
	b, err := l.say(ctx, list[half:])
	return a + b, err
}
