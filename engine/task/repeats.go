package task

import (
	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/operators"
)

// series is the cells that remember the event times of one device and metric.
type series struct {
	row
	first int // its first cell in the device's row
}

// Words are the words of the series.
func (s *series) Words() []uint64 {
	at := s.first * operators.DedupeWords
	return s.row.Words()[at : at+operators.DedupeTimeCells*operators.DedupeWords]
}

// Write is the words of one of its cells, which the journal then takes.
func (s *series) Write(cell int) []uint64 { return s.row.Write(s.first + cell) }

// repeatedTime judges a reading by device, metric and time, and remembers it.
// Each metric has times of its own, those of one wide message too. A reading
// without a time has only its append time, by which a repeat is no repeat.
func (t *Task) repeatedTime(r *event.Reading, at event.Time) bool {
	if !r.HasTime {
		return false
	}
	s := &t.series
	s.row, s.first = row{table: t.table, col: t.plan.dedupeCol, slot: t.slot}, int(r.Metric)*operators.DedupeTimeCells
	verdict := t.plan.dedupeTime.Judge(s.Words(), at)
	if verdict == operators.New {
		t.plan.dedupeTime.Mark(s, at)
	}
	return verdict == operators.Duplicate
}
