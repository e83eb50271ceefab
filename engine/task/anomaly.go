package task

import (
	"fmt"
	"math"

	"github.com/weirstream/weir/alerts"
	"github.com/weirstream/weir/alerts/anomaly"
	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/statestore"
)

// learned is what a rule on anomalies has beside its machine: the detector, and the
// column of the series that it learns from. A cell of that column is what a reading
// changes as a whole or hardly ever, and the journal carries it by changed words.
type learned struct {
	detector  *anomaly.Detector // nil: it is another rule
	seriesCol int
}

// Words of the cell of a rule on anomalies behind those of its machine: the newest
// verdict of the episode. All are zero outside of one, so that nothing is written
// while nothing is wrong.
const (
	verdictKind = iota
	verdictExpected
	verdictBand
	verdictScore
	verdictWords
)

// planAnomaly gives a rule on anomalies its columns. Their names say what it looks
// at: what was learned from one series is worth nothing for another.
func (c *Plan) planAnomaly(spec *configs.Rule) error {
	detector, err := anomaly.Compile(anomaly.Options{FalseAlarmsPer: spec.Anomaly.FalseAlarmsPer})
	if err != nil {
		return fmt.Errorf("compile rule %q: %w", spec.Name, err)
	}
	machine, name := alerts.CompileSignal(), c.ruleName(spec)
	col := c.column(name, 1, machine.Words()+verdictWords)
	c.rules = append(c.rules, rule{Rule: machine, col: col, spec: spec, fittedTo: unfitted, learned: learned{
		detector:  detector,
		seriesCol: c.column(seriesPrefix+name, detector.Cells(), detector.CellWords()),
	}})
	c.planManner(&c.rules[len(c.rules)-1])
	return nil
}

// judge lets a rule on anomalies take a sample.
func (t *Task) judge(k int, s alerts.Sample, ref *windowRef) {
	r := &t.plan.rules[k]
	t.learning = row{table: t.table, col: r.seriesCol, slot: t.slot}
	v, taken := r.detector.Fold(&t.learning, s.Time, s.Value)
	if !taken {
		return
	}
	what := alerts.Calm
	switch {
	case v.Alarm:
		what = alerts.Begins
	case v.Kind != anomaly.None:
		what = alerts.Lasts
	}
	cell := t.table.Cell(r.col, 0, t.slot)
	if what == alerts.Calm && r.Quiet(cell, s.Value) {
		return
	}
	scratch := t.scratch[:r.Words()]
	copy(scratch, cell)
	changed, events := r.Signal(scratch, s, what)
	if !changed {
		return
	}
	cell = t.table.Write(r.col, 0, t.slot)
	copy(cell, scratch)
	verdict := cell[r.Words():]
	if view := r.View(scratch); t.o.Watch != nil && view.State != alerts.OK {
		t.o.Watch(Watched{Rule: k, Device: t.table.Name(t.slot), Episode: view.EpisodeStart, At: s.Time, Value: s.Value, Score: v.Score, Kind: v.Kind.String()})
	}
	for i := range events.N {
		e := &events.List[i]
		if e.State == alerts.EventResolved { // what it came to is what it was
			setVerdict(verdict, v, anomaly.Kind(verdict[verdictKind]))
			t.alert(r, e, ref, "")
			clear(verdict)
			continue
		}
		setVerdict(verdict, v, v.Kind)
		t.alert(r, e, ref, "")
	}
	if what == alerts.Lasts {
		setVerdict(verdict, v, v.Kind)
	}
}

func setVerdict(w []uint64, v anomaly.Verdict, kind anomaly.Kind) {
	w[verdictKind] = uint64(kind)
	w[verdictExpected] = math.Float64bits(v.Expected)
	w[verdictBand] = math.Float64bits(v.Band)
	w[verdictScore] = math.Float64bits(v.Score)
}

// verdictOf is what the last sample of the open episode of a rule on the device at
// hand was taken for; nothing where the rule is none on anomalies.
func (t *Task) verdictOf(r *rule) (v anomaly.Verdict) {
	if r.detector == nil {
		return v
	}
	w := t.table.Cell(r.col, 0, t.slot)[r.Words():]
	v.Kind = anomaly.Kind(w[verdictKind])
	v.Expected, v.Band, v.Score = math.Float64frombits(w[verdictExpected]), math.Float64frombits(w[verdictBand]), math.Float64frombits(w[verdictScore])
	return v
}

// appendAnomaly appends what an alert of a rule on anomalies is about.
func (t *Task) appendAnomaly(b []byte, r *rule) []byte {
	if r.detector == nil {
		return b
	}
	v := t.verdictOf(r)
	b = append(b, `,"anomaly":{"kind":"`...)
	b = append(b, v.Kind.String()...)
	b = append(b, `","expected":`...)
	b = appendNumber(b, v.Expected)
	b = append(b, `,"band":`...)
	b = appendNumber(b, v.Band)
	b = append(b, `,"score":`...)
	b = appendNumber(b, v.Score)
	return append(b, '}')
}

// touchSeries touches what a sample changes of the series of a rule.
func (t *Task) touchSeries(r *rule, slot statestore.Slot) uint64 {
	if r.detector == nil {
		return 0
	}
	return t.table.TouchCell(r.seriesCol, 0, slot)
}

// LearnedState is what a rule on anomalies knows of a series.
type LearnedState struct {
	Readings uint64 `json:"readings"`       // taken so far
	Warm     bool   `json:"warm"`           // single values are judged
	Kind     string `json:"kind,omitempty"` // of the anomaly that lasts
}

// learnedState reads what a rule has learned; nil where it is none on anomalies.
func (c *Plan) learnedState(table *statestore.Table, slot statestore.Slot, r *rule) *LearnedState {
	if r.detector == nil {
		return nil
	}
	view := r.detector.View(table.Row(r.seriesCol, slot))
	s := &LearnedState{Readings: view.Samples, Warm: view.Warm}
	if view.Kind != anomaly.None {
		s.Kind = view.Kind.String()
	}
	return s
}
