package engine

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirstream/weir/engine/task"
	"github.com/weirstream/weir/statestore"
)

// BenchmarkRestore is a start after the disk was lost, from the opening of an
// empty store to the first commit: everything comes out of the journal. A million
// series take a minute and a half: 40 s to write the journal, and the rest for a
// second restore of them in memory that does not hold them.
func BenchmarkRestore(b *testing.B) {
	for _, c := range []struct {
		devices int
		memory  []int64
	}{{100_000, []int64{4 << 30}}, {1_000_000, []int64{4 << 30, 512 << 20}}} {
		b.Run(fmt.Sprintf("series=%d", c.devices), func(b *testing.B) {
			a := killed(b, flowOptions{pipeline: patient, devices: c.devices, every: 1_000, memory: c.memory[0]}, 0)
			journal := a.weigh()
			for _, memory := range c.memory {
				b.Run(fmt.Sprintf("memory=%dMiB", memory>>20), func(b *testing.B) {
					a.plan.Pipeline.State.Memory = memory
					a.restores(b, journal)
				})
			}
		})
	}
}

func (a *aftermath) restores(b *testing.B, journal weight) {
	var recovery time.Duration
	b.ReportAllocs()
	for b.Loop() {
		m := awaiting("confirmed")
		b.StopTimer()
		dir := b.TempDir()
		runtime.GC() // what the killed engine left is not the new one's to collect
		b.StartTimer()
		store := openDisk(b, dir)
		o := a.options(store)
		o.Failpoint = m.reach
		run := a.begin(o)
		<-m.found
		b.StopTimer()
		recovery += m.first["begun"].Sub(m.first["restoring"])
		require.Equal(b, a.devices, run.engine.Status()[0].Devices)
		run.kill()
		require.NoError(b, store.Close())
		b.StartTimer()
	}
	series := float64(a.devices * b.N)
	b.ReportMetric(series/b.Elapsed().Seconds(), "series/s")
	b.ReportMetric(series/recovery.Seconds(), "replay-series/s")
	b.ReportMetric(float64(journal.bytes)/1e6, "journal-MB")
	b.ReportMetric(float64(journal.bytes)/float64(journal.live), "journal/live")
}

// weight is what the journal of a partition takes.
type weight struct {
	bytes  int64 // records that have not been deleted
	needed int64 // those from the base on
	live   int64 // a full snapshot of the state they hold, in the same encoding
	cells  int64 // of that
}

// weigh reads the journal as recovery does and writes the state out anew. Where
// it is trimmed meanwhile it is read again.
func (b *bench) weigh() weight {
	b.t.Helper()
	for {
		if w, whole := b.tryWeigh(); whole {
			return w
		}
	}
}

func (b *bench) tryWeigh() (w weight, whole bool) {
	b.t.Helper()
	topic := b.plan.Pipeline.JournalTopic
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	starts, err := b.admin.ListStartOffsets(ctx, topic)
	require.NoError(b.t, err)
	ends, err := b.admin.ListCommittedOffsets(ctx, topic)
	require.NoError(b.t, err)
	start, _ := starts.Lookup(topic, 0)
	end, _ := ends.Lookup(topic, 0)
	client, err := kgo.NewClient(kgo.SeedBrokers(b.cluster.ListenAddrs()...), kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords(),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {0: kgo.NewOffset().At(start.Offset)}}))
	require.NoError(b.t, err)
	defer client.Close()
	meta, err := parseMetadata(b.cluster.GroupInfo("weir.test").Commits["readings"][0].Metadata)
	require.NoError(b.t, err)
	table, err := statestore.NewTable(b.plan.Layout, statestore.Options{TaskWords: task.TaskWords()})
	require.NoError(b.t, err)
	var parts statestore.Assembler
	whole = true
	for position := start.Offset; whole && position < end.Offset; {
		fetches := client.PollFetches(ctx)
		require.NoError(b.t, ctx.Err())
		fetches.EachRecord(func(rec *kgo.Record) {
			whole = whole && (position == rec.Offset || w.bytes == 0)
			position = rec.Offset + 1
			if !whole || rec.Attrs.IsControl() || rec.Offset >= end.Offset {
				return
			}
			w.bytes += int64(len(rec.Value))
			if rec.Offset >= meta.baseOffset {
				w.needed += int64(len(rec.Value))
			}
			record, err := parts.Add(rec.Value)
			require.NoError(b.t, err)
			if record != nil {
				require.NoError(b.t, table.Apply(record))
			}
		})
	}
	if !whole {
		return w, false
	}
	require.NoError(b.t, table.FinishReplay())
	w.cells = countCells(b.plan.Layout, table)
	w.live = snapshotBytes(table)
	return w, true
}

// countCells counts names and cells that are not zero.
func countCells(layout statestore.Layout, table *statestore.Table) (n int64) {
	for s := range table.Bound() {
		if !table.Live(s) {
			continue
		}
		n++
		for col, c := range layout.Columns {
			for cell := range c.Cells {
				if slices.ContainsFunc(table.Cell(col, cell, s), func(w uint64) bool { return w != 0 }) {
					n++
				}
			}
		}
	}
	return n
}

// snapshotBytes is what a full refresh of a table takes.
func snapshotBytes(table *statestore.Table) (size int64) {
	whole := false // the running cycle began with the first device
	for {
		seq := table.Seq() + 1
		out := table.Seal(statestore.Header{Seq: seq}, statestore.SealOptions{RefreshFloor: math.MaxInt32})
		table.Confirm(seq)
		if whole {
			size += int64(out.RefreshBytes)
		}
		switch {
		case out.NewBase != 0 && whole:
			return size
		case out.NewBase != 0:
			whole = true
		}
	}
}

// restless is a pipeline whose devices come and go, and whose windows close all
// the time.
var restless = strings.NewReplacer("idle_after: 5s", "idle_after: 500ms", "forget_after: 1h", "forget_after: 15s").Replace(testPipeline)

// BenchmarkJournalSize lets devices come and go and weighs the journal every
// second round, which takes 20 to 40 s. The bound is the promise of
// docs/STATE_FORMAT.md; -v shows the rounds.
func BenchmarkJournalSize(b *testing.B) {
	const devices, rounds = 100_000, 40
	for b.Loop() {
		f := newFlow(b, flowOptions{pipeline: restless, devices: devices, every: 1_000, churn: devices / 20})
		store := openDisk(b, b.TempDir())
		run := f.begin(f.options(store)) // which trims a journal of any length
		var most weight
		worst, ratio := 0.0, 0.0
		for round := range rounds {
			f.send(devices)
			run.settled(0, int64(f.next))
			if round%2 == 0 {
				continue
			}
			w := f.weigh()
			bound := 3*w.live + 64<<20
			if testing.Verbose() { // a log tears the lines that benchstat reads
				b.Logf("round %d: %d devices, %d cells, live %.1f MB, journal %.1f MB (%.1f from the base), %.2f times; %.0f %% of the bound", round+1,
					run.engine.Status()[0].Devices, w.cells, float64(w.live)/1e6, float64(w.bytes)/1e6, float64(w.needed)/1e6, float64(w.bytes)/float64(w.live), 100*float64(w.bytes)/float64(bound))
			}
			assert.LessOrEqual(b, w.bytes, bound, "round %d", round+1)
			worst = max(worst, float64(w.bytes)/float64(bound))
			ratio = max(ratio, float64(w.bytes)/float64(w.live))
			most.cells, most.bytes = max(most.cells, w.cells), max(most.bytes, w.bytes)
		}
		b.StopTimer()
		run.kill()
		require.NoError(b, store.Close())
		b.StartTimer()
		b.ReportMetric(float64(most.cells), "cells")
		b.ReportMetric(float64(most.bytes)/1e6, "journal-MB")
		b.ReportMetric(ratio, "journal/live")
		b.ReportMetric(worst, "journal/bound")
	}
}
