package statestore

import (
	"maps"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The model: what a table holds, in the dumbest form.
type model struct {
	devices map[string][]uint64 // all words of all columns; replaced, never written
	task    uint64
}

func (m model) clone() model { return model{maps.Clone(m.devices), m.task} }

// mutation is one rule of the protocol that a world breaks.
type mutation int

const (
	sound               mutation = iota
	refreshOfLiveState           // refresh shows what the batch after did
	setsBeforeDrops              // replay in the wrong order
	markerBeforePages            // the marker reaches the disk before the pages
	trimPastMarker               // the journal ends after the marker
	cursorBeforeConfirm          // the cursor of a lost record is kept
	imagesBeforeConfirm          // pages reach the disk before their record is confirmed
	dropBeforeFlush              // memory drops pages that may not be on disk
	noCopyOnWrite                // images show writes after the record
	trimToCycleStart             // the journal is trimmed to a cycle that has not ended
	partsCount                   // what is told in part of a cell counts as all of it
	mutations
)

func (m mutation) String() string {
	return [...]string{"sound", "refresh of live state", "sets before drops", "marker before pages", "trim past marker",
		"cursor before confirm", "images before confirm", "drop before flush", "no copy on write", "trim to cycle start", "parts count"}[m]
}

// logged is a record that Kafka has.
type logged struct {
	seq   uint64
	parts [][]byte
}

// disk is what a process leaves behind. Pages written and not flushed survive
// a crash or not, one by one.
type disk struct {
	pages   map[PageID][]byte
	waiting []Image
	marker  []byte
}

func (d *disk) clone() *disk {
	return &disk{pages: maps.Clone(d.pages), marker: d.marker}
}

func (d *disk) ReadPage(id PageID, dst []byte) ([]byte, bool, error) {
	im, ok := d.pages[id]
	return append(dst, im...), ok, nil
}

func (d *disk) flush() {
	for _, im := range d.waiting {
		d.pages[im.ID] = im.Data
	}
	d.waiting = nil
}

// TestModel runs WEIR_SEEDS seeds (300), from WEIR_SEED (1) on.
func TestModel(t *testing.T) {
	number := func(name string, otherwise int) int {
		if n, err := strconv.Atoi(os.Getenv(name)); err == nil {
			return n
		}
		return otherwise
	}
	first, seeds := number("WEIR_SEED", 1), number("WEIR_SEEDS", 300)
	var stats [8]int
	for seed := first; seed < first+seeds; seed++ {
		w := newWorld(uint64(seed), sound)
		err := w.run(400)
		require.NoError(t, err, "rerun: WEIR_SEED=%d WEIR_SEEDS=1 go test ./statestore -run TestModel$", seed)
		for i, n := range w.stats {
			stats[i] += n
		}
	}
	t.Logf("%d seeds: drops %d, cycles %d, trimmed %d, checkpoints %d, crashes %d, recovered from disk %d, from the journal %d, spills %d",
		seeds, stats[0], stats[1], stats[2], stats[3], stats[4], stats[5], stats[6], stats[7])
}

// TestEachRuleIsNeeded takes one rule after the other out and wants the model
// to notice.
func TestEachRuleIsNeeded(t *testing.T) {
	for m := sound + 1; m < mutations; m++ {
		t.Run(strings.ReplaceAll(m.String(), " ", "_"), func(t *testing.T) {
			failed := 0
			const seeds = 40
			var last error
			for seed := uint64(1); seed <= seeds; seed++ {
				if err := newWorld(seed, m).run(400); err != nil {
					failed++
					last = err
				}
			}
			require.Positive(t, failed, "no seed notices")
			t.Logf("%d of %d seeds notice, such as: %.200v", failed, seeds, last)
		})
	}
}
