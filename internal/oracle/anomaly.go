package oracle

import (
	"fmt"
	"math"

	"github.com/weirstream/weir/alerts/anomaly"
	"github.com/weirstream/weir/configs"
)

// series is what a rule on anomalies has seen of a device.
type series struct {
	words   []uint64
	verdict anomaly.Verdict // on the last sample taken
	kind    anomaly.Kind    // of the last verdict that had one
}

// finding is what an alert says of an anomaly.
type finding struct {
	kind                  string
	expected, band, score float64
}

func (s *series) finding() *finding {
	return &finding{s.kind.String(), s.verdict.Expected, s.verdict.Band, s.verdict.Score}
}

func detectorOf(r *configs.Rule) *anomaly.Detector {
	d, err := anomaly.Compile(anomaly.Options{FalseAlarmsPer: r.Anomaly.FalseAlarmsPer})
	if err != nil {
		panic(fmt.Sprintf("rule %q: %v", r.Name, err))
	}
	return d
}

// judge shows a rule on anomalies a sample.
func (t *task) judge(d *device, rule int, o observation) {
	m, detector := &d.rules[rule], t.detectors[rule]
	if m.series == nil {
		m.series = &series{words: make([]uint64, detector.Words())}
	}
	s := m.series
	v := o.value.value
	if math.IsNaN(v) || m.sampled && o.time <= m.newest {
		return
	}
	before := s.kind
	s.verdict = detector.Step(s.words, o.time, v)
	m.sampled, m.newest, m.value = true, o.time, o.value
	if s.verdict.Kind != anomaly.None {
		s.kind = s.verdict.Kind
	}
	if m.firing && (s.verdict.Alarm || s.verdict.Kind == anomaly.None) {
		now := s.kind
		s.kind = before
		m.firing = false
		t.say(d, rule, alert{state: "resolved", level: 0, previous: 0, threshold: math.NaN()}, o)
		s.kind = now
	}
	if s.verdict.Alarm {
		m.begin(o.time)
		m.firing, m.level = true, 0
		t.say(d, rule, alert{state: "firing", level: 0, previous: none, threshold: math.NaN()}, o)
	}
}

// agree compares what an alert says of an anomaly. What a detector was fed with may
// have been rounded elsewhere.
func (f *finding) agree(a *agreement, n *node) {
	if f == nil {
		a.absent(n, "anomaly")
		return
	}
	about := sub(n, "anomaly")
	a.within = "anomaly."
	defer func() { a.within = "" }()
	a.text(about, "kind", f.kind)
	for _, part := range []struct {
		name  string
		value float64
	}{{"expected", f.expected}, {"band", f.band}, {"score", f.score}} {
		a.measure(about, part.name, measure{value: part.value, tolerance: math.Abs(part.value)*1e-6 + 1e-9}.bounded())
	}
}
