//go:build real

package chaos

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/internal/realbrokers"
	"github.com/weirstream/weir/internal/rig"
)

func journalScripts() map[string]script {
	return map[string]script{
		"journal-trimmed":             func(r *round) { w := r.stopped(); r.loseState(w); r.trimJournal(); w.Start(); r.refused(w) },
		"journal-trimmed-local-kept":  func(r *round) { w := r.sealed(); r.trimJournal(); w.Start(); r.flow(3_000); r.verified() },
		"journal-emptied":             emptyJournalOfFrozen,
		"journal-emptied-refreshed":   emptyJournalAndRefresh,
		"journal-record-lost":         func(r *round) { r.damageJournal(journalDamage{loseState: true, inside: true}) },
		"journal-end-lost":            func(r *round) { r.damageJournal(journalDamage{loseState: true}) },
		"journal-end-lost-local-kept": func(r *round) { r.damageJournal(journalDamage{}) },
		"journal-recreated":           func(r *round) { w := r.stopped(); r.deleteTopic(r.pipe.Journal()); w.Start(); r.refused(w) },
		"journal-recreated-running":   func(r *round) { w := r.flowing(); r.recreate(r.pipe.Journal()); r.refused(w) },
		"state-gone":                  loseGroupAndJournal,
	}
}

// sealed is a process that was ended with SIGTERM and had the time to save all it had committed.
func (r *round) sealed() *rig.Process {
	r.t.Helper()
	w := r.flowing()
	w.Stop()
	require.Equal(r.t, r.pipe.tasks(), w.Logged("partition handed over"), "partitions that were saved in time\n%s", w.LogTail())
	return w
}

// loseState deletes the local copy of the state; the identity stays.
func (r *round) loseState(w *rig.Process) {
	r.t.Helper()
	require.NoError(r.t, os.RemoveAll(w.BadgerDir()))
}

// trimJournal deletes all but the last record of each partition. Behind it lies only the end of its transaction.
func (r *round) trimJournal() {
	r.t.Helper()
	for p, end := range r.kafka.Ends(r.pipe.Journal()) {
		require.Greater(r.t, end, int64(4))
		r.deleteRecords(r.pipe.Journal(), p, end-2)
	}
}

// emptyJournal deletes all that the journal holds, and returns the ends of it then.
func (r *round) emptyJournal() map[int32]int64 {
	r.t.Helper()
	ends := r.kafka.Stable(r.pipe.Journal())
	for p, end := range ends {
		r.deleteRecords(r.pipe.Journal(), p, end)
	}
	return ends
}

func (r *round) restartWithoutState(w *rig.Process) {
	r.t.Helper()
	w.Kill()
	r.loseState(w)
	w.Start()
}

// emptyJournalOfFrozen lets no refresh follow the deletion.
func emptyJournalOfFrozen(r *round) {
	w := r.flowing()
	w.Signal(syscall.SIGSTOP)
	r.pass(500 * time.Millisecond) // what it had sent has arrived
	r.emptyJournal()
	r.restartWithoutState(w)
	r.refused(w)
}

// emptyJournalAndRefresh waits until each partition's journal is whole again: until the state begins behind what was deleted.
func emptyJournalAndRefresh(r *round) {
	w := r.flowing()
	ends := r.emptyJournal()
	rig.Await(r.t, "journal refreshed", time.Minute, func() (bool, string) {
		bases := r.bases()
		for p, end := range ends {
			if bases[p] < end {
				return false, fmt.Sprintf("the state begins at %v, and what is before %v is gone", bases, ends)
			}
		}
		return true, ""
	})
	r.restartWithoutState(w)
	r.flow(3_000)
	r.verified()
}

// bases are the journal offsets from which the state can be restored, as the committed offsets' metadata tells: the last number in it.
func (r *round) bases() map[int32]int64 {
	r.t.Helper()
	ctx, cancel := r.kafka.Ask()
	defer cancel()
	group, err := r.kafka.Admin.FetchOffsets(ctx, r.pipe.Group())
	require.NoError(r.t, err)
	found := map[int32]int64{}
	for p, o := range group[r.pipe.Source] {
		text, ok := strings.CutPrefix(o.Metadata, "w1.")
		require.True(r.t, ok, "metadata %q", o.Metadata)
		bytes, err := base64.RawURLEncoding.DecodeString(text)
		require.NoError(r.t, err)
		found[p] = int64(binary.BigEndian.Uint64(bytes[len(bytes)-8:]))
	}
	return found
}

// journalDamage says what is lost of the journal of partition 0, on the broker's disk.
type journalDamage struct {
	loseState bool // the local copy of the state too
	inside    bool // a record that the state needs is lost, and the last one is not; else the last three are
}

// damageJournal takes records out of the journal's file while weir and the broker are down.
func (r *round) damageJournal(d journalDamage) {
	own := realbrokers.PrivateKafka(r.t, realbrokers.PrivateKafkaOptions{})
	r.prepareOn(own.Addr, setting{})
	w := r.start()
	r.feed(loadOptions{})
	r.flow(3_000)
	rig.Await(r.t, "enough records in the journal", time.Minute, func() (bool, string) {
		end := r.kafka.Ends(r.pipe.Journal())[0]
		return end >= r.bases()[0]+20, fmt.Sprintf("it ends at %d", end)
	})
	w.Stop()
	r.load.end()
	base := r.bases()[0]
	if d.loseState {
		r.loseState(w)
	} else {
		require.Equal(r.t, r.pipe.tasks(), w.Logged("partition handed over"), "partitions that were saved in time\n%s", w.LogTail())
	}
	own.Kill(1)
	log := readPartitionLog(r.t, filepath.Join(own.Data(1), r.pipe.Journal()+"-0"))
	records := log.records()
	require.Greater(r.t, len(records), 4)
	if d.inside {
		at := records[len(records)-2]
		require.GreaterOrEqual(r.t, log.batches[at].base, base, "the state begins behind the record before the last")
		log.lose(at, at+1)
	} else {
		log.lose(records[len(records)-3], len(log.batches))
	}
	own.Up()
	w.Start()
	r.refused(w)
}

func loseGroupAndJournal(r *round) {
	w := r.stopped()
	r.deleteGroup()
	r.deleteTopic(r.pipe.Journal())
	w.Start()
	r.refused(w)
}
