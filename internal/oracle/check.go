package oracle

import (
	"fmt"
	"math"

	"github.com/weirstream/weir/event"
)

// Check folds the source of one partition again and compares what must have been
// written with what was. Of a pipeline with windows over several devices it checks
// what its devices write, and their partials in in.Fleet; Fleet.Check does the rest.
func Check(in Input) *Report {
	report := &Report{Partition: in.Partition}
	if !known(&in, report) || !checkSource(&in, report) {
		return report
	}
	j := readJournal(&in, report)
	if !j.filesKnown() {
		return report
	}
	t := newTask(j.first(), report)
	if !t.rostersKnown(j) || !t.commandsKnown(j) {
		return report
	}
	t.run(j)
	compare(&in, report, t.wants)
	t.compareOrders()
	if in.Fleet != nil {
		in.Fleet.match(t)
	}
	return report
}

// checkSource reports whether the source can be verified at all.
func checkSource(in *Input, report *Report) bool {
	if in.Earliest > in.Start {
		report.add(Difference{
			Kind: Source, Topic: in.Pipeline.Source.Topic, Source: in.Start, Output: -1,
			Text: fmt.Sprintf("the pipeline began at source offset %d, and the topic has nothing below %d any more: its retention is too short to verify", in.Start, in.Earliest),
		})
		return false
	}
	last := int64(-1)
	for i := range in.Source {
		r := &in.Source[i]
		if r.Offset <= last {
			panic(fmt.Sprintf("source offset %d after %d", r.Offset, last))
		}
		last = r.Offset
		if !r.Stamped && r.Offset >= in.Start {
			report.add(Difference{
				Kind: Source, Topic: in.Pipeline.Source.Topic, Source: r.Offset, Output: -1,
				Text: "the record carries its producer's time, so nothing tells when it was appended: verify needs a source topic with message.timestamp.type=LogAppendTime",
			})
			return false
		}
	}
	return true
}

// run folds the source and lets wall time in where the journal says it did.
func (t *task) run(j *journal) {
	t.whole = len(j.entries) > 0 && j.entries[0].seq == 1
	t.untold = !t.whole
	if t.whole {
		t.roster = nil // the first version comes into force by a fact, as the others do
	} else {
		t.expect(nil)
	}
	entries, covered := j.entries, j.covered()
	w := newWitness(t.in.Source)
	for _, r := range t.in.Source {
		if r.Offset < t.in.Start || r.Offset >= t.in.Committed {
			continue
		}
		entries = t.enterUpTo(entries, r.Offset, w)
		if t.untold {
			// Also before the first record that the journal covers: what was forgotten
			// just then may have been trimmed with the records before it.
			t.advance(r.Append, r.Offset)
			t.forgetOld()
			t.untold = r.Offset < covered
		}
		before := t.report.Readings
		t.fold(r)
		if t.untold {
			t.report.Unjournaled += t.report.Readings - before
		}
	}
	t.enterUpTo(entries, math.MaxInt64, w)
}

// enterUpTo lets in what entered before the record at offset was folded, and
// compares the task's clock with that of each journal record that ends there.
func (t *task) enterUpTo(entries []*entry, offset int64, w *witness) []*entry {
	for len(entries) > 0 {
		e := entries[0]
		if e.from <= offset {
			t.underFile(e)
		}
		for len(e.facts) > 0 && e.facts[0].position <= offset {
			if t.former != nil && !e.facts[0].isStart() {
				t.succeed()
			}
			t.enter(e.facts[0], w)
			e.facts = e.facts[1:]
		}
		if t.former != nil {
			t.succeed()
		}
		if len(e.facts) > 0 || e.to > offset {
			break
		}
		if t.whole && e.wall != t.clock {
			t.clockDiffers(e)
		}
		entries = entries[1:]
	}
	return entries
}

func (t *task) clockDiffers(e *entry) {
	t.report.add(Difference{
		Kind: Journal, Topic: t.p.JournalTopic, Source: e.to, Output: e.output,
		Text: fmt.Sprintf("the task's clock after record %d is %s, and source and facts make it %s", e.seq, clockText(e.wall), clockText(t.clock)),
	})
}

func clockText(c event.Time) string {
	if c <= 0 {
		return "not set"
	}
	return written(c)
}
