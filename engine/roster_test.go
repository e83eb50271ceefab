package engine

import (
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/engine/task"
	"github.com/weirstream/weir/operators/roster"
	"github.com/weirstream/weir/statestore"
)

// rosterBench is a bench whose pipeline has a roster, in a folder of its own.
type rosterBench struct {
	*bench
	file string
}

func newRosterBench(t *testing.T, csv string) *rosterBench {
	pipeline := strings.Replace(testPipeline, "above: 80, clear_below: 70", "above: labels.limit", 1) + "devices: {roster: fleet.csv}\n"
	b := &rosterBench{file: filepath.Join(t.TempDir(), "fleet.csv")}
	require.NoError(t, os.WriteFile(b.file, []byte(csv), 0o644))
	b.bench = newBench(t, benchOptions{pipeline: pipeline, folder: filepath.Dir(b.file)})
	return b
}

func (b *rosterBench) options(store Store) Options {
	o := b.bench.options(store)
	o.RosterEvery, o.JournalSlack = 5*time.Millisecond, 0 // all facts are to be found
	return o
}

// write puts another version in the place of the file.
func (b *rosterBench) write(csv string) {
	b.t.Helper()
	require.NoError(b.t, os.WriteFile(b.file+".new", []byte(csv), 0o644))
	require.NoError(b.t, os.Rename(b.file+".new", b.file))
}

func fingerprintOf(t *testing.T, csv string) uint64 {
	r, err := roster.Parse([]byte(csv))
	require.NoError(t, err)
	return r.Fingerprint()
}

func (r *running) inForce(csv string) {
	r.t.Helper()
	want := fmt.Sprintf("%016x", fingerprintOf(r.t.(*testing.T), csv))
	eventually(r.t, "roster in force", func() bool {
		s, ok := r.engine.Roster()
		return ok && s.Fingerprint == want
	})
}

// rosters are the facts of the roster in the journal of partition 0, in order.
func (b *bench) rosters() (list []task.Fact) {
	b.t.Helper()
	var assembler statestore.Assembler
	for _, part := range b.read(b.plan.Pipeline.JournalTopic, 0) {
		record, err := assembler.Add([]byte(part))
		require.NoError(b.t, err)
		if record == nil {
			continue
		}
		note := record.Note()
		number := func() uint64 {
			n, k := binary.Uvarint(note)
			require.Positive(b.t, k)
			note = note[k:]
			return n
		}
		for len(note) > 0 {
			f := task.Fact{Position: int64(number())}
			if wall := number(); wall > 0 {
				for range number() {
					note = note[number():]
				}
				continue
			}
			f.Roster, note = binary.BigEndian.Uint64(note), note[8:]
			list = append(list, f)
		}
	}
	return list
}

// A file that changes while the pipeline runs: the new limits hold from some record
// on, the journal says from which, and nothing is restarted or lost.
func TestRosterChangesWhileRunning(t *testing.T) {
	strict, mild := "device,limit,site\npump-1,60,north\n", "device,limit,site\npump-1,90,\"south, 2\"\n"
	b := newRosterBench(t, strict)
	store := newMemoryStore()
	run := b.start(b.options(store))
	now := time.Now().UnixMilli()
	b.produce(0, reading{"pump-1", now, 80, 1}.String(), reading{"pump-1", now + 1, 50, 2}.String(), reading{"pump-2", now, 999, 1}.String())
	run.settled(0, 3)

	b.write(mild)
	run.inForce(mild)
	// Also a task that has nothing to do learns of it.
	eventually(t, "told", func() bool {
		run.engine.mu.Lock()
		defer run.engine.mu.Unlock()
		return len(run.engine.runners[0].roster) == 0
	})
	b.produce(0, reading{"pump-1", now + 2, 80, 3}.String(), reading{"pump-1", now + 3, 95, 4}.String())
	run.settled(0, 5)

	alerts := b.read("alerts", 0)
	require.Len(t, alerts, 3)
	require.Contains(t, alerts[0], `"state":"firing"`)
	require.Contains(t, alerts[0], `"threshold":60`)
	require.Contains(t, alerts[0], `"limit":"60","site":"north"}`)
	require.Contains(t, alerts[1], `"state":"resolved"`)
	require.Contains(t, alerts[2], `"value":95,"threshold":90`, "80 is below the new limit")
	require.Contains(t, alerts[2], `"site":"south, 2"}`)
	require.Zero(t, run.engine.Totals().Recoveries)
	require.Equal(t, uint64(5), run.engine.Status()[0].Counters.Processed)
	require.NoError(t, run.wait())

	run = b.start(b.options(store))
	b.produce(0, reading{"pump-1", now + 4, 50, 5}.String())
	run.settled(0, 6)
	require.NoError(t, run.wait())
	require.Equal(t, []task.Fact{
		{Position: 0, Roster: fingerprintOf(t, strict)},
		{Position: 3, Roster: fingerprintOf(t, mild)},
		{Position: 5, Roster: fingerprintOf(t, mild)}, // what the recovered task starts with
	}, b.rosters())
	require.Contains(t, b.read("alerts", 0)[3], `"state":"resolved"`)
}

// A version that cannot be used is counted once, and the one before stays.
func TestRosterThatCannotBeUsed(t *testing.T) {
	good := "device,limit,site\npump-1,60,north\n"
	b := newRosterBench(t, good)
	run := b.start(b.options(newMemoryStore()))
	run.settled(0, 0)
	faults := func() int64 {
		s, _ := run.engine.Roster()
		return s.Faults
	}
	for i, bad := range []string{"device,site\npump-1,north\n", "device,limit\npump-1,cold\n", "device,limit\npump-1,60\npump-1,61\n", ""} {
		b.write(bad)
		eventually(t, "noticed", func() bool { return faults() == int64(i+1) })
	}
	require.NoError(t, os.Remove(b.file))
	eventually(t, "missed", func() bool { return faults() == 5 })
	b.produce(0, reading{"pump-1", time.Now().UnixMilli(), 80, 1}.String())
	run.settled(0, 1)
	require.Contains(t, b.read("alerts", 0)[0], `"threshold":60`)

	b.write(good)
	better := "site,limit,device,more\nsouth,70,pump-1,1\n" // columns in another order
	b.write(better)
	run.inForce(better)
	b.produce(0, reading{"pump-1", time.Now().UnixMilli() + 1, 65, 2}.String())
	run.settled(0, 2)
	require.Contains(t, b.read("alerts", 0)[1], `"state":"resolved"`)
	require.Contains(t, b.read("alerts", 0)[1], `"limit":"70","site":"south","more":"1"}`)
	require.Equal(t, int64(5), faults())
	require.NoError(t, run.wait())
}

func TestEngineNeedsItsRoster(t *testing.T) {
	b := newRosterBench(t, "device,limit\npump-1,60\n")
	require.NoError(t, os.WriteFile(b.file, []byte("device,limit\npump-1,much\n"), 0o644))
	e, err := New(b.options(newMemoryStore()))
	require.NoError(t, err)
	require.ErrorContains(t, e.Run(context.Background()), `rule hot uses labels.limit: line 2: limit is "much", which is not a number`)
	require.NoError(t, os.Remove(b.file))
	require.ErrorIs(t, e.Run(context.Background()), os.ErrNotExist)
}

// A file is read once it has stood still from one look to the next.
func TestHalfWrittenRosterIsNotTaken(t *testing.T) {
	b := newRosterBench(t, "device,limit\npump-1,60\n")
	f := newRosterFile(b.plan, b.log)
	require.NoError(t, f.load())
	require.Nil(t, f.look())
	append := func(text string) {
		file, err := os.OpenFile(b.file, os.O_APPEND|os.O_WRONLY, 0)
		require.NoError(t, err)
		_, err = file.WriteString(text)
		require.NoError(t, err)
		require.NoError(t, file.Close())
	}
	append("pump-2,6")
	require.Nil(t, f.look())
	append("1\n")
	require.Nil(t, f.look())
	r := f.look()
	require.NotNil(t, r)
	require.Equal(t, 61.0, r.Of([]byte("pump-2")).Number(0))
	f.force.Store(r)
	require.Nil(t, f.look())
	later := time.Now().Add(time.Hour)
	require.NoError(t, os.Chtimes(b.file, later, later))
	require.Nil(t, f.look())
	require.Nil(t, f.look(), "the same bytes are no new version")
	require.Zero(t, f.faults.Load())
}
