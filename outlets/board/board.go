package board

import (
	"cmp"
	"maps"
	"slices"
)

// Options say whose alerts are of interest.
type Options struct {
	Pipeline string
	Rules    []string // that the pipeline has; nil: whatever comes
	// MaxOpen is how many episodes the board holds, and MaxEnded how many ids of ended
	// ones; of more, the oldest records go. 0: 100,000 and 10,000.
	MaxOpen, MaxEnded int
}

// Board holds the open episodes of a pipeline. It is made by New and not for several
// goroutines.
//
// Invariants: (1) an episode is open exactly if its newest event that was taken does not
// end it; (2) there are at most MaxOpen of them.
type Board struct {
	o       Options
	open    map[string]*kept
	taken   int // events of the pipeline
	ended   map[string]bool
	endings []string // ids of ended, oldest first
	dropped int
}

// kept is an open episode. Its newest event is read when somebody looks.
type kept struct {
	head
	first, place Place
	number       int // of the event among those taken
	record       []byte
	event        *Event // nil: not read yet
}

// Episode is an alert as its newest event has it.
type Episode struct {
	Event
	First Place `json:"first"` // of its first event on the board
}

// New makes an empty board.
func New(o Options) *Board {
	o.MaxOpen, o.MaxEnded = cmp.Or(o.MaxOpen, 100_000), cmp.Or(o.MaxEnded, 10_000)
	return &Board{o: o, open: map[string]*kept{}, ended: map[string]bool{}}
}

// Take folds the next record of its partition, and keeps nothing of it but a copy. A
// record that is no alert, or of another pipeline, changes nothing.
func (b *Board) Take(at Place, record []byte) {
	h, ok := headOf(record)
	if !ok {
		e, err := Parse(at, record)
		if err != nil {
			return
		}
		h = headFrom(&e)
	}
	if h.pipeline != b.o.Pipeline {
		return
	}
	if at.Seq == 1 {
		b.beginAnew(at, h.group)
	}
	if b.o.Rules != nil && !slices.Contains(b.o.Rules, h.rule) {
		return
	}
	b.taken++
	if h.ended() {
		delete(b.open, h.id)
		b.end(h.id)
		return
	}
	k := b.open[h.id]
	if k == nil {
		k = &kept{first: at}
		b.open[h.id] = k
		delete(b.ended, h.id) // it cannot be, but what the topic says counts
	}
	k.head, k.place, k.number, k.event = h, at, b.taken, nil
	k.record = append(k.record[:0], record...)
	b.limit()
}

// beginAnew takes off what a state that is no more has left open: of devices or of
// groups, whichever begins to count anew.
func (b *Board) beginAnew(at Place, group bool) {
	maps.DeleteFunc(b.open, func(_ string, k *kept) bool { return k.place.Partition == at.Partition && k.group == group })
}

func (b *Board) end(id string) {
	if b.ended[id] {
		return
	}
	b.ended[id] = true
	b.endings = append(b.endings, id)
	if len(b.endings) > b.o.MaxEnded {
		delete(b.ended, b.endings[0])
		b.endings = b.endings[1:]
	}
}

// limit drops the episodes that have been quiet for longest, a tenth at a time.
func (b *Board) limit() {
	if len(b.open) <= b.o.MaxOpen {
		return
	}
	list := slices.SortedFunc(maps.Values(b.open), func(x, y *kept) int { return cmp.Compare(x.number, y.number) })
	for _, k := range list[:b.o.MaxOpen/10+1] {
		delete(b.open, k.id)
		b.dropped++
	}
}

// Dropped is how many open episodes the board had no room for.
func (b *Board) Dropped() int { return b.dropped }

// Open returns the open episodes: those that fire first, then by rule, device or
// group, and start.
func (b *Board) Open() []Episode {
	list := make([]Episode, 0, len(b.open))
	for _, k := range b.open { // unordered: sorted below
		if e := k.read(); e != nil {
			list = append(list, Episode{Event: *e, First: k.first})
		}
	}
	slices.SortFunc(list, func(x, y Episode) int {
		return cmp.Or(cmp.Compare(rank(x.State), rank(y.State)), cmp.Compare(x.Rule, y.Rule), cmp.Compare(x.Of(), y.Of()),
			x.StartsAt.Compare(y.StartsAt), cmp.Compare(x.ID, y.ID))
	})
	return list
}

// read reads the event; nil where only its beginning is that of an alert.
func (k *kept) read() *Event {
	if k.event == nil {
		if e, err := Parse(k.place, k.record); err == nil {
			k.event = &e
		}
	}
	return k.event
}

func rank(state string) int { return slices.Index([]string{"firing", "recovering", "pending"}, state) }

// Ended reports whether the end of an episode was taken, as far as the board remembers.
func (b *Board) Ended(id string) bool { return b.ended[id] }
