package board

import (
	"cmp"
	"maps"
	"slices"
	"strings"
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
	open    map[string]*Episode
	ended   map[string]bool
	endings []string // ids of ended, oldest first
	dropped int
}

// Episode is an alert as its newest event has it.
type Episode struct {
	Event
	First Place `json:"first"` // of its first event on the board
}

// New makes an empty board.
func New(o Options) *Board {
	o.MaxOpen, o.MaxEnded = cmp.Or(o.MaxOpen, 100_000), cmp.Or(o.MaxEnded, 10_000)
	return &Board{o: o, open: map[string]*Episode{}, ended: map[string]bool{}}
}

// Take folds the next event of its partition.
func (b *Board) Take(e Event) {
	if e.Pipeline != b.o.Pipeline {
		return
	}
	if e.Place.Seq == 1 {
		b.beginAnew(&e)
	}
	if b.o.Rules != nil && !slices.Contains(b.o.Rules, e.Rule) {
		return
	}
	known := b.open[e.ID]
	switch {
	case e.Ended():
		delete(b.open, e.ID)
		b.end(e.ID)
	case known != nil:
		known.Event = e
	default:
		delete(b.ended, e.ID) // it cannot be, but what the topic says counts
		b.open[e.ID] = &Episode{Event: e, First: e.Place}
		b.limit()
	}
}

// beginAnew takes off what a state that is no more has left open: of devices or of
// groups, whichever begins to count anew.
func (b *Board) beginAnew(e *Event) {
	maps.DeleteFunc(b.open, func(_ string, o *Episode) bool {
		return o.Place.Partition == e.Place.Partition && (o.Group == "") == (e.Group == "")
	})
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
	list := slices.SortedFunc(maps.Values(b.open), func(x, y *Episode) int {
		return cmp.Or(x.At.Compare(y.At), cmp.Compare(x.ID, y.ID))
	})
	for _, e := range list[:b.o.MaxOpen/10+1] {
		delete(b.open, e.ID)
		b.dropped++
	}
}

// Dropped is how many open episodes the board had no room for.
func (b *Board) Dropped() int { return b.dropped }

// Open returns the open episodes: those that fire first, then by rule, device or
// group, and start.
func (b *Board) Open() []Episode {
	list := make([]Episode, 0, len(b.open))
	for _, e := range b.open { // unordered: sorted below
		list = append(list, *e)
	}
	slices.SortFunc(list, func(x, y Episode) int {
		return cmp.Or(cmp.Compare(rank(x.State), rank(y.State)), cmp.Compare(x.Rule, y.Rule), cmp.Compare(x.Of(), y.Of()),
			x.StartsAt.Compare(y.StartsAt), cmp.Compare(x.ID, y.ID))
	})
	return list
}

func rank(state string) int { return slices.Index([]string{"firing", "recovering", "pending"}, state) }

// Ended reports whether the end of an episode was taken, as far as the board remembers.
func (b *Board) Ended(id string) bool { return b.ended[id] }

// Find returns the open episodes whose ids begin so.
func (b *Board) Find(prefix string) []Episode {
	return slices.DeleteFunc(b.Open(), func(e Episode) bool { return !strings.HasPrefix(e.ID, prefix) })
}
