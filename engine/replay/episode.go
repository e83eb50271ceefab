package replay

import (
	"cmp"
	"encoding/binary"
	"slices"

	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/engine/task"
	"github.com/weirstream/weir/event"
)

// Episode is one life of an alert on one device.
type Episode struct {
	ID     string
	Rule   string
	Device string     // or the group, where By is set
	By     string     // of a window over several devices: all or labels.NAME
	Level  string     // the highest that fired, or that it waited for where none did
	Began  event.Time // the first sample of it
	Fired  bool       // false: it was pending only
	Start  event.Time // when it first fired; meaningless unless Fired
	End    event.Time // when it ended; where it is open, when history did
	Open   bool
	Peak   float64 // the value furthest beyond the thresholds, of all the rule looked at; of an anomaly the most unusual one
	Kind   string  // of an anomaly: what it came to; else empty
}

// Firing is how long it has fired, in milliseconds of event time.
func (e *Episode) Firing() event.Time {
	if !e.Fired {
		return 0
	}
	return max(e.End-e.Start, 0)
}

// Log makes episodes of alert events and watched samples of one task, or of one
// after the other.
type Log struct {
	rules map[string]*logRule
	order []*logRule // by index in the pipeline
	open  map[string]*Episode
	all   []*Episode
	peaks map[string]peak
	key   []byte
}

// peak is the worst value of an episode so far, and where that is an anomaly its
// score, and the kind that the anomaly has come to.
type peak struct {
	value, score float64
	kind         string
}

// logRule is what a log knows of a rule.
type logRule struct {
	index  int
	levels []string
	falls  bool // lower values are worse
	scored bool // values of a greater score are worse
}

// NewLog returns a log of a pipeline's rules.
func NewLog(p *configs.Pipeline) *Log {
	l := &Log{rules: map[string]*logRule{}, open: map[string]*Episode{}, peaks: map[string]peak{}}
	for i := range p.Rules {
		r := &logRule{index: i, scored: p.Rules[i].Anomaly != nil}
		for _, level := range p.Rules[i].Levels {
			r.levels = append(r.levels, level.Name)
			r.falls = r.falls || level.Below != nil || level.Labels["below"] != ""
		}
		l.rules[p.Rules[i].Name], l.order = r, append(l.order, r)
	}
	return l
}

// peakKey names an episode by what a watched sample knows of it.
func (l *Log) peakKey(rule int, device []byte, episode event.Time) []byte {
	l.key = binary.BigEndian.AppendUint32(l.key[:0], uint32(rule))
	l.key = binary.BigEndian.AppendUint64(l.key, uint64(episode))
	return append(l.key, device...)
}

// Watch takes a sample. It allocates only where an episode begins or gets worse.
func (l *Log) Watch(w task.Watched) {
	key := l.peakKey(w.Rule, w.Device, w.Episode)
	worst, known := l.peaks[string(key)]
	rule := l.order[w.Rule]
	worse := (w.Value > worst.value) != rule.falls && w.Value != worst.value
	if rule.scored {
		worse = w.Score > worst.score
	}
	switch {
	case !known || worse:
		l.peaks[string(key)] = peak{w.Value, w.Score, w.Kind}
	case worst.kind != w.Kind:
		worst.kind = w.Kind
		l.peaks[string(key)] = worst
	}
}

// Alert takes an event.
func (l *Log) Alert(a Alert) {
	e := l.open[a.ID]
	if e == nil {
		e = &Episode{ID: a.ID, Rule: a.Rule, Device: a.Device, By: a.By, Began: a.StartsAt, Open: true}
		l.open[a.ID], l.all = e, append(l.all, e)
	}
	rule := l.rules[a.Rule]
	switch a.State {
	case "pending":
		e.Level = a.Level
	case "firing":
		if !e.Fired {
			e.Fired, e.Start, e.Level = true, a.At, a.Level
		}
		if slices.Index(rule.levels, a.Level) > slices.Index(rule.levels, e.Level) {
			e.Level = a.Level
		}
	case "resolved", "ok":
		e.Open, e.End = false, a.At
		l.crown(e, rule)
		delete(l.open, a.ID)
	}
}

// crown gives an episode its peak.
func (l *Log) crown(e *Episode, rule *logRule) {
	of := e.Device
	if e.By != "" { // as the tasks of groups call them
		of = e.By + "\x00" + e.Device
	}
	key := l.peakKey(rule.index, []byte(of), e.Began)
	e.Peak, e.Kind = l.peaks[string(key)].value, l.peaks[string(key)].kind
	delete(l.peaks, string(key))
}

// Close ends the log: what is still open lasts until the end of history. It returns
// all episodes by start, rule and device.
func (l *Log) Close(end event.Time) []Episode {
	all := make([]Episode, 0, len(l.all))
	for _, e := range l.all {
		if e.Open {
			e.End = end
			l.crown(e, l.rules[e.Rule])
		}
		all = append(all, *e)
	}
	SortEpisodes(all)
	return all
}

// SortEpisodes puts episodes of several logs in the order of Close.
func SortEpisodes(all []Episode) {
	slices.SortFunc(all, func(a, b Episode) int {
		return cmp.Or(cmp.Compare(a.begins(), b.begins()), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Device, b.Device), cmp.Compare(a.ID, b.ID))
	})
}

// begins is when it fired, or began to wait where it never did.
func (e *Episode) begins() event.Time {
	if e.Fired {
		return e.Start
	}
	return e.Began
}
