package operators_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/operators"
)

// numbered is a reading as the dedupe sees it.
type numbered struct {
	seq  int64
	time event.Time
}

func TestDedupe(t *testing.T) {
	const n, d, o = operators.New, operators.Duplicate, operators.TooOld
	for _, c := range []struct {
		name     string
		remember event.Time
		in       []numbered
		want     []operators.Verdict
	}{
		{"seq 0", 0,
			[]numbered{{0, 0}, {0, 0}, {1, 1}, {0, 0}},
			[]operators.Verdict{n, d, n, d}},
		{"greatest seq", 0,
			[]numbered{{1<<63 - 1, 5}, {1<<63 - 1, 5}, {1<<63 - 2, 4}, {1<<63 - 2, 4}},
			[]operators.Verdict{n, d, n, d}},
		{"out of order", 0,
			[]numbered{{5, 50}, {7, 70}, {6, 60}, {6, 60}, {7, 70}, {3, 30}, {3, 30}},
			[]operators.Verdict{n, n, n, d, d, n, d}},
		{"heard first in the middle of a run, its start comes later", 0,
			[]numbered{{1000, 1000}, {0, 0}, {1, 1}, {0, 0}, {1000, 1000}},
			[]operators.Verdict{n, n, n, d, d}},
		{"counter starts again", 0,
			[]numbered{{8, 80}, {9, 90}, {0, 100}, {1, 110}, {0, 100}, {9, 90}, {8, 80}, {2, 120}},
			[]operators.Verdict{n, n, n, n, d, d, d, n}},
		{"backlog of the run before comes after the restart", 0,
			[]numbered{{99, 80}, {0, 300}, {100, 90}, {101, 91}, {100, 90}, {1, 310}},
			[]operators.Verdict{n, n, n, n, d, n}},
		{"first reading of a new run is overtaken", 0,
			[]numbered{{500, 80}, {1, 110}, {0, 100}, {0, 100}, {500, 80}, {2, 120}, {1, 110}},
			[]operators.Verdict{n, n, n, d, d, n, d}},
		{"counter starts again out of reach, live readings come first", 0,
			[]numbered{{1000, 1000}, {500, 3000}, {0, 2000}, {1, 2001}, {0, 2000}, {1000, 1000}, {501, 3001}, {499, 2999}, {1, 2001}},
			[]operators.Verdict{n, n, n, n, d, d, n, n, d}},
		{"backlog of the run before has numbers of this one, and comes much later", 0,
			[]numbered{{9, 80}, {0, 10_000_000}, {5, 10_000_005}, {11, 10_000_011}, {10, 10_000_010}, {10, 5_000_000}, {10, 5_000_000}, {11, 5_000_001}, {9, 80}, {12, 10_000_012}},
			[]operators.Verdict{n, n, n, n, n, n, d, n, d, n}},
		{"small gap is filled later than the mask reaches", 0,
			[]numbered{{0, 0}, {41, 41}, {81, 81}, {121, 121}, {1, 1}, {2, 2}, {1, 1}, {40, 40}},
			[]operators.Verdict{n, n, n, n, n, n, d, n}},
		{"last reading of the old run comes after the new one has begun", 0,
			[]numbered{{500, 80}, {0, 100}, {501, 90}, {1, 110}, {2, 120}, {501, 90}, {1, 110}},
			[]operators.Verdict{n, n, n, n, n, d, d}},
		{"gap whose oldest part is lost", 0,
			[]numbered{{100, 100}, {1000, 1000}, {600, 600}, {601, 601}, {999, 999}, {600, 600}, {100, 100}},
			[]operators.Verdict{n, n, n, n, n, d, d}},
		{"gap filled downwards", 0,
			[]numbered{{100, 100}, {300, 300}, {299, 299}, {298, 298}, {299, 299}},
			[]operators.Verdict{n, n, n, n, d}},
		{"older than remembered", 50,
			[]numbered{{1, 10}, {2, 100}, {1, 10}, {2, 100}, {1, 50}},
			[]operators.Verdict{n, n, o, d, d}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dedupe := operators.Dedupe{Remember: c.remember}
			var w [operators.DedupeWords]uint64
			for i, r := range c.in {
				before := w
				got := dedupe.Judge(w[:], r.seq, r.time)
				require.Equal(t, before, w, "Judge writes nothing")
				assert.Equal(t, c.want[i], got, "reading %d: %+v", i, r)
				dedupe.Mark(w[:], r.seq, r.time)
				if got != n {
					assert.Equal(t, before, w, "Mark of reading %d, which is not new, writes nothing", i)
				}
			}
		})
	}
}

// Everything within the assumptions is judged exactly: compared with a set.
func TestDedupeEqualsSet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := newDelivery(t)
		for range rapid.IntRange(1, 60).Draw(t, "moves") {
			switch rapid.SampledFrom([]string{"live", "live", "swap", "repeat", "outage", "drain", "lose", "restart"}).Draw(t, "move") {
			case "live":
				for range rapid.IntRange(1, 100).Draw(t, "readings") {
					d.deliver(d.measure())
				}
			case "swap":
				d.shuffled(rapid.IntRange(2, 60).Draw(t, "readings"))
			case "repeat":
				d.repeat()
			case "outage":
				d.outage(rapid.IntRange(1, 400).Draw(t, "readings"))
			case "drain":
				d.drain(rapid.IntRange(1, 200).Draw(t, "readings"), 3)
			case "lose":
				d.lose(rapid.IntRange(1, 400).Draw(t, "readings"))
			case "restart":
				d.cut(rapid.IntRange(0, 100).Draw(t, "readings"))
				d.restart()
			}
		}
	})
}

// delivery is a device and the network between it and us.
type delivery struct {
	t       *rapid.T
	w       [operators.DedupeWords]uint64
	next    numbered
	seen    map[numbered]bool
	run     []numbered // delivered in this run, in order of delivery
	before  []numbered // and in the run before
	backlog []numbered // measured, not yet sent, oldest first
	old     []numbered // of the run before
	down    bool       // the backlog is sent newest first
}

func newDelivery(t *rapid.T) *delivery {
	return &delivery{t: t, seen: map[numbered]bool{}, next: numbered{
		seq:  int64(rapid.SampledFrom([]int{0, 1, 70, 5000}).Draw(t, "first seq")),
		time: 1000,
	}}
}

func (d *delivery) measure() numbered {
	r := d.next
	d.next.seq++
	d.next.time += event.Time(1 + r.seq%3)
	return r
}

func (d *delivery) deliver(r numbered) {
	var dedupe operators.Dedupe
	want := operators.New
	if d.seen[r] {
		want = operators.Duplicate
	}
	if got := dedupe.Judge(d.w[:], r.seq, r.time); got != want {
		d.t.Fatalf("%+v: %d, want %d; words %v", r, got, want, d.w)
	}
	dedupe.Mark(d.w[:], r.seq, r.time)
	if want == operators.New {
		d.seen[r] = true
		d.run = append(d.run, r)
	}
}

// shuffled delivers live readings out of order. It must not open a longer gap
// than the one that is being filled.
func (d *delivery) shuffled(n int) {
	if len(d.backlog) > 0 && len(d.backlog) <= 64 {
		return
	}
	batch := make([]numbered, n)
	for i := range batch {
		batch[i] = d.measure()
	}
	for _, r := range rapid.Permutation(batch).Draw(d.t, "order") {
		d.deliver(r)
	}
}

// repeat sends something of this run or the one before again.
func (d *delivery) repeat() {
	from := d.run
	if len(d.before) > 0 && rapid.Bool().Draw(d.t, "run before") {
		from = d.before
	}
	if len(from) == 0 {
		return
	}
	at := rapid.IntRange(0, len(from)-1).Draw(d.t, "from")
	for _, r := range from[at:min(len(from), at+20)] {
		d.deliver(r)
	}
}

// outage measures without sending; the next live reading opens a gap. A short one
// may not be the gap that is kept, so its backlog follows at once.
func (d *delivery) outage(n int) {
	if len(d.backlog) > 0 {
		return
	}
	if len(d.seen) == 0 {
		d.deliver(d.measure()) // or the backlog would begin in the middle of what came before it
	}
	d.down = rapid.Bool().Draw(d.t, "down")
	for range n {
		d.backlog = append(d.backlog, d.measure())
	}
	d.deliver(d.measure())
	if n < 64 {
		d.drain(n, 0)
	}
}

// drain sends up to n of the backlog, with live readings between.
func (d *delivery) drain(n, between int) {
	for range min(n, len(d.old)) {
		d.deliver(d.old[0])
		d.run = d.run[:len(d.run)-1]
		d.before = append(d.before, d.old[0])
		d.old = d.old[1:]
	}
	for n > 0 && len(d.backlog) > 0 {
		if d.down {
			last := len(d.backlog) - 1
			d.deliver(d.backlog[last])
			d.backlog = d.backlog[:last]
			n--
		} else {
			batch := d.backlog[:rapid.IntRange(1, min(60, len(d.backlog))).Draw(d.t, "batch")]
			d.backlog = d.backlog[len(batch):]
			for _, r := range rapid.Permutation(batch).Draw(d.t, "order") {
				d.deliver(r)
			}
			n -= len(batch)
		}
		for range rapid.IntRange(0, between).Draw(d.t, "live between") {
			d.deliver(d.measure())
		}
	}
}

// lose drops the oldest of the backlog, as a device with a short memory does: all
// of it, or so little that the rest is not taken for one sent newest first.
func (d *delivery) lose(n int) {
	if d.down {
		return
	}
	if n > len(d.backlog)-130 {
		n = len(d.backlog)
	}
	d.backlog = d.backlog[n:]
}

// cut measures without sending; what follows is a restart.
func (d *delivery) cut(n int) {
	if len(d.backlog) > 0 || len(d.old) > 0 || len(d.run) == 0 {
		return
	}
	d.down = false
	for range n {
		d.backlog = append(d.backlog, d.measure())
	}
}

func (d *delivery) restart() {
	if len(d.backlog) > 0 && d.down || len(d.old) > 0 || len(d.run) == 0 {
		return
	}
	var greatest int64
	for _, r := range d.run {
		greatest = max(greatest, r.seq)
	}
	d.next.seq = rapid.Int64Range(0, greatest).Draw(d.t, "restart at")
	d.next.time += 10
	d.before, d.run = d.run, nil
	// What the device had measured before it sends in between, in order, unless
	// a part of that run is missing further back.
	for _, r := range d.backlog {
		if r.seq > greatest {
			d.old = append(d.old, r)
		}
	}
	d.backlog = nil
	if greatest > 70 && rapid.Bool().Draw(d.t, "out of reach") {
		// The first that is heard of the new run is a live reading.
		d.next.seq = 0
		d.down = rapid.Bool().Draw(d.t, "down")
		for range rapid.IntRange(64, int(min(400, greatest))).Draw(d.t, "readings") {
			d.backlog = append(d.backlog, d.measure())
		}
	}
	d.deliver(d.measure())
}

func TestDedupeAllocatesNothing(t *testing.T) {
	dedupe := operators.Dedupe{Remember: 1000}
	var w [operators.DedupeWords]uint64
	var seq int64
	assert.Zero(t, testing.AllocsPerRun(1000, func() {
		if dedupe.Judge(w[:], seq, event.Time(seq)) == operators.New {
			dedupe.Mark(w[:], seq, event.Time(seq))
		}
		seq++
	}))
}

func BenchmarkDedupe(b *testing.B) {
	var dedupe operators.Dedupe
	var w [operators.DedupeWords]uint64
	b.ReportAllocs()
	for i := range b.N {
		if dedupe.Judge(w[:], int64(i), event.Time(i)) == operators.New {
			dedupe.Mark(w[:], int64(i), event.Time(i))
		}
	}
}
