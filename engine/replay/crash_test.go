package replay

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/engine/task"
	"github.com/weirstream/weir/operators/roster"
	"github.com/weirstream/weir/statestore"
	"github.com/weirstream/weir/statestore/badgerstore"
)

const examplesDir = "../../configs/examples"

// usersTest is a test of a file, with what it takes to play it.
type usersTest struct {
	*configs.Scenario
	pipeline *configs.Pipeline
	options  Options
}

// usersTests are the tests of all examples and of this package.
func usersTests(t *testing.T) (all []usersTest) {
	files, err := filepath.Glob(filepath.Join(examplesDir, "*.test.yaml"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, path := range append(files, "testdata/machine.test.yaml") {
		dir := filepath.Dir(path)
		read := func(name string) ([]byte, error) { return os.ReadFile(filepath.Join(dir, name)) }
		src, err := os.ReadFile(path)
		require.NoError(t, err)
		file, ds := configs.ParseScenarios(path, src, configs.ScenarioOptions{Load: func(name string) (*configs.Pipeline, error) {
			text, err := read(name)
			require.NoError(t, err)
			p, ds := configs.Parse(name, text, configs.Options{ReadFile: read})
			require.False(t, ds.HasErrors(), "%v", ds)
			return p, nil
		}})
		require.Empty(t, ds)
		o := options(file.Pipeline)
		if file.Pipeline.Roster != nil {
			text, err := read(file.Pipeline.Roster.File)
			require.NoError(t, err)
			o.Roster, err = roster.Parse(text)
			require.NoError(t, err)
		}
		for i := range file.Tests {
			all = append(all, usersTest{&file.Tests[i], file.Pipeline, o})
		}
	}
	return all
}

// story is all that a pipeline has said to the outside in a test, byte for byte.
type story struct {
	found
	said   []string
	causes int         // how many things have happened
	after  map[int]int // what was said by then
}

// tell plays a test. What crash does happens after each cause: a record, something due,
// a command; nil: nothing does.
func tell(t *testing.T, test usersTest, crash func(w *Works, cause int) error) *story {
	st := &story{after: map[int]int{}}
	o := test.options
	o.Alert = func(a Alert) { st.alerts = append(st.alerts, a) }
	o.Output = func(topic string, out task.Output) {
		st.said = append(st.said, fmt.Sprintf("%s %s %s %d %s", topic, out.Key, out.ID, out.Seq, out.Value))
	}
	st.began = func(w *Works) {
		w.after = func() error {
			st.causes++
			st.after[st.causes] = len(st.said)
			if crash == nil {
				return nil
			}
			return crash(w, st.causes)
		}
	}
	require.NoError(t, st.play(test.Scenario, test.pipeline, o))
	require.Empty(t, st.undone)
	return st
}

// A crash at every transition of every test, and at every other moment: a task that is
// recovered from its journal, or from an image of it in Badger and the journal behind it,
// says what it would have said, neither less nor more, byte for byte. What a task has done
// since its last commit is not there, so that a crash amid something is one before it.
func TestACrashAtEveryTransition(t *testing.T) {
	store, err := badgerstore.Open(t.TempDir(), badgerstore.Options{BootID: "boot", BallastBytes: -1})
	require.NoError(t, err)
	defer func() { require.NoError(t, store.Close()) }()
	copies := &copies{t: t, store: store}
	crashes, transitions := 0, 0
	for _, test := range usersTests(t) {
		t.Run(test.pipeline.Name+"/"+test.Name, func(t *testing.T) {
			want := tell(t, test, nil)
			again := func(name string, crash func(w *Works, cause int) error) {
				got := tell(t, test, func(w *Works, cause int) error {
					before := crashes
					err := crash(w, cause)
					if err == nil && crashes > before {
						requireWhole(t, w)
					}
					return err
				})
				require.Equal(t, strings.Join(want.said, "\n"), strings.Join(got.said, "\n"), name)
				require.Equal(t, want.counters, got.counters, name)
			}
			again("from the journal, after all", func(w *Works, _ int) error {
				crashes++
				return w.Restart()
			})
			copies.kept = nil
			again("from images and the journal", func(w *Works, cause int) error {
				if cause%3 == 0 {
					copies.save(w)
				}
				crashes++
				return w.restart(copies.restore)
			})
			for cause := 1; cause <= want.causes; cause++ {
				if want.after[cause] == want.after[cause-1] {
					continue
				}
				transitions++
				again(fmt.Sprintf("once, at cause %d", cause), func(w *Works, now int) error {
					if now != cause {
						return nil
					}
					crashes++
					return w.Restart()
				})
			}
		})
	}
	t.Logf("%d crashes, %d transitions", crashes, transitions)
	require.Greater(t, transitions, 100)
}

// requireWhole checks that recovery left nothing on its way.
func requireWhole(t *testing.T, w *Works) {
	require.Empty(t, w.sent)
	require.Empty(t, w.written)
}

// copies are the local copies of tasks, each in a partition of the store of its own.
type copies struct {
	t     *testing.T
	store *badgerstore.Store
	next  int32
	kept  map[*Replay]*localCopy
}

// localCopy is an image of a task's state in the store.
type localCopy struct {
	task *badgerstore.Task
	seq  uint64 // the record of the journal that the image holds
}

// save takes a checkpoint of every task, as the engine does: images, flush, marker.
func (c *copies) save(w *Works) {
	if c.kept == nil {
		c.kept = map[*Replay]*localCopy{}
	}
	for _, r := range w.all {
		k := c.kept[r]
		if k == nil {
			c.next++
			k = &localCopy{task: c.store.Task(c.next)}
			require.NoError(c.t, k.task.Begin([16]byte{1}))
			c.kept[r] = k
		}
		r.commit()
		k.seq, r.floor = r.table.Seq(), r.table.Seq()
		cp := r.table.BeginCheckpoint()
		for images := cp.Next(32); len(images) > 0; images = cp.Next(32) {
			require.NoError(c.t, k.task.Write(images))
		}
		require.NoError(c.t, k.task.Flush())
		snapshot, err := cp.Snapshot().AppendBinary(nil)
		require.NoError(c.t, err)
		require.NoError(c.t, k.task.Mark(badgerstore.Marker{Lineage: [16]byte{1}, Seq: cp.Seq(), BootID: "boot", Snapshot: snapshot}))
		r.table.EndCheckpoint(cp, statestore.Saved)
	}
}

// restore commits, loses the task and rebuilds it from its copy and the journal behind
// that, or the journal alone where there is none yet.
func (c *copies) restore(r *Replay) error {
	k := c.kept[r]
	if k == nil {
		return r.Restart()
	}
	r.commit()
	table, err := statestore.NewTable(r.plan.Layout, statestore.Options{TaskWords: task.TaskWords(), Pager: k.task})
	if err != nil {
		return err
	}
	m, ok, err := k.task.Marker()
	require.NoError(c.t, err)
	require.True(c.t, ok)
	snapshot, err := statestore.ParseSnapshot(m.Snapshot)
	require.NoError(c.t, err)
	require.NoError(c.t, table.Restore(snapshot))
	var names, pages []statestore.Image
	require.NoError(c.t, k.task.Load(func(im statestore.Image) error {
		im.Data = slices.Clone(im.Data)
		if im.ID.Column == statestore.NamesColumn {
			names = append(names, im)
		} else {
			pages = append(pages, im)
		}
		return nil
	}))
	for _, im := range append(names, pages...) {
		require.NoError(c.t, table.LoadPage(im))
	}
	from, _ := slices.BinarySearch(r.seqs, k.seq+1)
	return r.recover(table, r.parts[from:])
}
