package mutants

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// root is where the module begins, seen from here.
const root = "../.."

// mutant is one rule, what takes it out of the code, and the test that has to
// notice.
type mutant struct {
	name  string
	rule  string
	edits []edit
	in    string // package of the test
	test  string // its name
}

// edit replaces a text that occurs exactly once in a file.
type edit struct{ file, old, new string }

// mutants are all of them.
func mutants() []mutant {
	return slices.Concat(protocol(), meanings(), waitings(), tellings(), learnings())
}

// protocol are mutants of the exactly-once protocol: rules of docs/EXACTLY_ONCE.md.
func protocol() []mutant {
	return []mutant{
		{"one-part", "1: a journal record travels in parts below the size limit", []edit{
			{"engine/pace.go", "maxPartBytes = 700 << 10", "maxPartBytes = 700 << 20"},
		}, "engine", "TestLargeRecordsTravelInParts"},
		{"reset-to-earliest", "2: the journal is read without an offset reset, and every record is the last plus one", []edit{
			{"engine/journal.go", "kgo.ConsumeResetOffset(kgo.NoResetOffset())", "kgo.ConsumeResetOffset(kgo.NewOffset().AtStart())"},
			{"statestore/replay.go", "case !fresh && r.Seq != c.header.Seq+1:", "case false:"},
			{"statestore/replay.go", "if !c.restored && c.first > c.position.Base {", "if false {"},
		}, "engine", "TestPartOfJournalIsNotTaken"},
		{"gap-unseen", "2: a full restore sees the journal from its base on", []edit{
			{"statestore/replay.go", "if !c.restored && c.first > c.position.Base {", "if false {"},
			{"engine/recover.go", "if from < begin {", "if from = max(from, begin); false {"},
		}, "engine", "TestPartOfJournalIsNotTaken"},
		{"drop-prefix", "2: an old incarnation is deleted in small batches, never by DropPrefix", []edit{
			{"statestore/badgerstore/task.go", `return len(keys) < limit, t.wrap("delete old pages", batch.Flush())`,
				`return len(keys) < limit, t.wrap("delete old pages", t.store.db.DropPrefix(keys...))`},
		}, "statestore/badgerstore", "TestDeletingOldPagesDisturbsNobody"},
		{"local-ahead", "2: local state ahead of K is refused", []edit{
			{"engine/recover.go", "if c.found && m.Seq > c.meta.seq {", "if false {"},
			{"engine/recover.go", "if usable && from >= end {", "if false {"},
		}, "engine", "TestRefusals"},
		{"generation-at-assignment", "3: the offset carries the newest generation through which the partition was retained", []edit{
			{"engine/membership.go", "m.seats[p] = now // retained through this generation", "_ = p"},
		}, "engine", "TestScaleUpAndDown"},
		{"unclear-is-committed", "3: an unclear end of the transaction drops the task; only K decides", []edit{
			{"engine/commit.go", `return fmt.Errorf("%w: %w", ErrUnclear, err)`, "_ = ErrUnclear"},
		}, "engine", "TestEndTxnReplyCut"},
		{"promise-ignored", "3: every promise of the transaction counts", []edit{
			{"engine/commit.go", "if failed != nil {\n\t\treturn failed\n\t}", ""},
		}, "engine", "TestBrokerErrorsInTransaction"},
		{"early-image", "4: images leave only when their record is confirmed", []edit{
			{"engine/runner.go", "r.saver.begin(r.table.BeginCheckpoint())\n\t}\n\tr.sealed", "r.saver.begin(r.table.BeginCheckpoint())\n\t\tr.saver.confirm(r)\n\t}\n\tr.sealed"},
		}, "engine", "TestImagesWaitForConfirmation"},
		{"marker-before-flush", "4: the marker comes after the flush", []edit{
			{"engine/saver.go", "if err := s.r.local.Flush(); err != nil {\n\t\t\treturn err\n\t\t}", ""},
		}, "engine", "TestCheckpointsWhileReadingsFlow"},
		{"no-copy-on-write", "4: a page that is being saved is copied at its first write", []edit{
			{"statestore/table.go", "if p.state&pending != 0 && !t.broken.noCopy {", "if false {"},
		}, "statestore", "TestModel"},
		{"sets-before-drops", "2: replay is refresh, drops, sets", []edit{
			{"statestore/replay.go", "order := []byte{sectionRefresh, sectionDrops, sectionSets}", "order := []byte{sectionRefresh, sectionSets, sectionDrops}"},
		}, "statestore", "TestModel"},
		{"lane-lost", "2: replay in lanes leaves out no slot", []edit{
			{"statestore/replay.go", "return p.view.stripeOf(s)%p.count == p.index }", "return p.count == 1 || p.index == 0 && p.view.stripeOf(s) == 0 }"},
		}, "statestore", "TestModel"},
		{"cursor-unconfirmed", "4: the cursor moves only with its record", []edit{
			{"statestore/seal.go", "out.Position = next\n", "out.Position = next\n\tnext.CycleStart, next.Base = h.Seq+1, h.Seq\n"},
		}, "statestore", "TestModel"},
		{"evict-unsaved", "4: a page may be dropped from memory only once it is flushed", []edit{
			{"statestore/evict.go", "case p == nil || p.words == nil || p.state&(dirty|held) != 0:", "case p == nil || p.words == nil || p.state&dirty != 0:"},
		}, "statestore", "TestTrimSparesPagesUnderWay"},
		{"not-caught-up", "5: wall time enters only once everything appended by then is folded", []edit{
			{"engine/runner.go", "if r.ends.w == 0 || r.slab != nil || r.ends.end > r.position {", "if r.ends.w == 0 || r.slab != nil {"},
		}, "engine", "TestAdvanceWaitsUntilCaughtUp"},
		{"control-records-skipped", "5: control records count for the position", []edit{
			{"engine/feed.go", "kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords(),", "kgo.FetchIsolationLevel(kgo.ReadCommitted()),"},
		}, "engine", "TestAbortedUpstreamTransactions"},
		{"committed-ends", "5: the end is asked read_uncommitted", []edit{
			{"engine/clock.go", "e.admin.ListEndOffsets(asked, topic)", "e.admin.ListCommittedOffsets(asked, topic)"},
		}, "engine", "TestOpenUpstreamTransactionIsNotSilence"},
		{"watermark-overtakes", "6: a watermark waits for the panes of devices that speak", []edit{
			{"engine/task/partials.go", "max(h.least().due-1, foremost-t.plan.patience)", "max(t.Clock(), foremost-t.plan.patience)"},
		}, "engine/task", "TestGroupsAreTheNaiveWindows"},
		{"foremost-partition", "6: groups close by the least of all watermarks", []edit{
			{"engine/task/groups.go", "if to := slices.Min(g.upstream); to > t.watermark() {", "if to := slices.Max(g.upstream); to > t.watermark() {"},
		}, "engine/task", "TestGroupsAreTheNaiveWindows"},
		{"silence-unsent", "6: a device that falls silent sends what it has", []edit{
			{"engine/task/silence.go", "\tt.sendAllPanes()\n\tt.settle()\n\tt.endCause(cause)\n", "\tt.settle()\n\tt.endCause(cause)\n"},
		}, "engine/task", "TestGroupsAreTheNaiveWindows"},
	}
}

// A mutant whose text is gone from the code would show nothing.
func TestMutantsStillApply(t *testing.T) {
	for _, m := range mutants() {
		_, err := m.apply()
		require.NoError(t, err, m.name)
	}
}

// apply returns the changed files by their paths in the module.
func (m mutant) apply() (map[string]string, error) {
	texts := map[string]string{}
	for _, e := range m.edits {
		if _, ok := texts[e.file]; !ok {
			b, err := os.ReadFile(filepath.Join(root, e.file))
			if err != nil {
				return nil, err
			}
			texts[e.file] = string(b)
		}
		if n := strings.Count(texts[e.file], e.old); n != 1 {
			return nil, &staleError{edit: e, times: n}
		}
		texts[e.file] = strings.Replace(texts[e.file], e.old, e.new, 1)
	}
	return texts, nil
}
