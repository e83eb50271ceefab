package replay

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/engine/task"
	"github.com/weirstream/weir/event"
)

// found is what a test saw.
type found struct {
	alerts     []Alert
	aggregates []Aggregate
	counters   task.Counters
	undone     []Line // steps that could not be done

	began func(*Works) // told of the tasks before anything happens; nil: nobody wants to know
}

// Run plays a test of a file and judges it. Output, Alert and Watch of the options
// are not used. An error means that the test could not be played.
func Run(s *configs.Scenario, p *configs.Pipeline, o Options) (Verdict, error) {
	f := &found{}
	var failed error
	o.Alert = func(a Alert) { f.alerts = append(f.alerts, a) }
	o.Output = func(_ string, out task.Output) {
		if out.Topic < task.FirstAggregateTopic || len(s.Aggregates) == 0 {
			return
		}
		a, err := parseAggregate(out.Value)
		if err != nil {
			failed = fmt.Errorf("read aggregate %q: %w", out.Value, err)
			return
		}
		f.aggregates = append(f.aggregates, a)
	}
	if err := f.play(s, p, o); err != nil {
		return Verdict{}, err
	}
	return judge(s, p, f), failed
}

// play plays a test.
func (f *found) play(s *configs.Scenario, p *configs.Pipeline, o Options) error {
	w, err := NewWorks(p, 1, o)
	if err != nil {
		return err
	}
	if f.began != nil {
		f.began(w)
	}
	records := Records(s, p)
	until := func(at event.Time) error {
		n := 0
		for n < len(records) && records[n].Append <= s.Start+at {
			n++
		}
		if err := w.Fold(0, records[:n]); err != nil {
			return err
		}
		records = records[n:]
		return w.Advance(s.Start + at)
	}
	for i := range s.Steps {
		step := &s.Steps[i]
		if err := until(step.At); err != nil {
			return err
		}
		if err := f.step(w, s, step); err != nil {
			return fmt.Errorf("step at %s: %w", relative(step.At), err)
		}
	}
	if err := until(s.End); err != nil {
		return err
	}
	f.counters = w.Counters()
	return nil
}

// Records are the messages of a test in the order in which they arrive; of one
// moment those of the series come first.
func Records(s *configs.Scenario, p *configs.Pipeline) []task.Record {
	var all []task.Record
	add := func(arrives event.Time, m message) {
		all = append(all, task.Record{Append: s.Start + arrives, Key: []byte(m.device), Value: m.encode(&p.Source.Reading)})
	}
	wide := len(p.Source.Reading.Metrics) > 0
	for i := range longest(s.Series) {
		at := event.Time(i) * s.Every
		for _, device := range s.Devices {
			var values []metricValue
			for _, one := range s.Series {
				if i < len(one.Values) && !one.Values[i].Absent {
					values = append(values, metricValue{one.Metric, one.Values[i].Value})
				}
			}
			m := message{device: device, at: s.Start + at, seq: -1}
			if wide && len(values) > 0 {
				m.values = values
				add(at, m)
				continue
			}
			for k := range values {
				m.values = values[k : k+1]
				add(at, m)
			}
		}
	}
	for i := range s.Rows {
		row := &s.Rows[i]
		add(row.Arrives, message{device: row.Device, at: s.Start + row.At, seq: row.Seq, values: []metricValue{{row.Metric, row.Value}}})
	}
	slices.SortStableFunc(all, func(a, b task.Record) int { return cmp.Compare(a.Append, b.Append) })
	for i := range all {
		all[i].Offset = int64(i)
	}
	return all
}

func longest(all []configs.Series) (n int) {
	for _, s := range all {
		n = max(n, len(s.Values))
	}
	return n
}

// relative writes a time that counts from the start of a test.
func relative(t event.Time) string {
	if t < 0 {
		return "-" + configs.FormatSpan(-t)
	}
	return configs.FormatSpan(t)
}
