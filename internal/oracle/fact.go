package oracle

import (
	"fmt"
	"slices"

	"github.com/weirstream/weir/event"
)

// tolerance is how far the clock of the machine that runs weir may be from the
// brokers', in milliseconds.
const tolerance = event.Time(60_000)

// witness tells what the source had when: whether wall time may enter at a place.
type witness struct {
	source []SourceRecord
	least  []event.Time // append times: least[i] is the least of source[i] and all after it
}

func newWitness(source []SourceRecord) *witness {
	w := &witness{source: source, least: make([]event.Time, len(source)+1)}
	w.least[len(source)] = event.Never
	for i := len(source) - 1; i >= 0; i-- {
		w.least[i] = min(source[i].Append, w.least[i+1])
	}
	return w
}

// ahead is how far a wall time that entered at position is ahead of what was
// appended from there on; 0 or less: not at all.
func (w *witness) ahead(position int64, wall event.Time) event.Time {
	i, _ := slices.BinarySearchFunc(w.source, position, func(r SourceRecord, at int64) int { return int(min(1, max(-1, r.Offset-at))) })
	if w.least[i] == event.Never {
		return 0
	}
	return wall - w.least[i]
}

// enter lets wall time into the model where the journal says it did, and says
// where it should not have.
func (t *task) enter(f fact, w *witness) {
	t.report.Facts++
	if f.position < f.entry.from || f.position > f.entry.to {
		what := "wall time " + written(f.wall)
		if f.isRoster {
			what = fmt.Sprintf("roster version %016x", f.roster)
		} else if f.isCommands {
			what = fmt.Sprintf("version %d of the commands", f.version)
		}
		t.illegal(f, "", fmt.Sprintf("%s entered at source offset %d, and its journal record %d covers %d to %d",
			what, f.position, f.entry.seq, f.entry.from, f.entry.to))
	}
	if f.isRoster {
		t.enterRoster(f)
		t.over()
		return
	}
	if f.isCommands {
		t.enterCommands(f)
		t.guessed = f.guessed
		if t.unobeyed = f.starts && t.p.Roster != nil; !t.unobeyed {
			t.obey()
		}
		return
	}
	ahead := w.ahead(f.position, f.wall)
	t.report.Skew = max(t.report.Skew, ahead)
	if ahead > tolerance {
		t.illegal(f, "", fmt.Sprintf("wall time %s entered before source offset %d was folded, but a record from there on was appended %d ms earlier",
			written(f.wall), f.position, ahead))
	}
	t.advance(f.wall, f.position)
	for _, name := range f.forgotten {
		d := t.devices[name]
		if d == nil || !d.heard {
			t.illegal(f, name, "it was forgotten, and it was not known")
			continue
		}
		if due := d.seen + t.p.State.ForgetAfter; !d.silent || f.wall < due {
			t.illegal(f, name, fmt.Sprintf("it was forgotten at %s, which is before %s", written(f.wall), written(max(due, d.seen+t.p.Time.IdleAfter))))
		}
		t.forget(d)
		t.over()
	}
	t.mark()
}

// isStart reports whether a fact may be of the versions that a task starts with: before all else of its record.
func (f *fact) isStart() bool { return (f.isCommands || f.isRoster) && f.position == f.entry.from }

func (t *task) illegal(f fact, device, text string) {
	t.report.add(Difference{
		Kind: Fact, Device: device, Text: text, Source: f.position,
		Topic: t.p.JournalTopic, Output: f.entry.output,
	})
}

// forgetOld forgets devices that have been silent for long by append times: all
// there is to go by where the journal does not tell any more.
func (t *task) forgetOld() {
	for len(t.quiet) > 0 && t.quiet[0].seen+t.p.State.ForgetAfter <= t.clock {
		w := t.quiet[0]
		t.quiet = t.quiet[1:]
		if d := w.device; d.silent && d.seen == w.seen && !d.forgotten {
			t.forget(d)
		}
	}
}
