package engine

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/engine/task"
)

// firingGroups is groupsPipeline with alerts that fire from the first windows on.
var firingGroups = strings.Replace(groupsPipeline, "above: 2600", "above: 0", 1)

// vacant is the plan of groups of a file without windows over several devices.
func (w *works) vacant() *task.Plan {
	w.t.Helper()
	head, _, _ := strings.Cut(groupsPipeline, "windows:")
	text := head + "windows:\n  - {name: own, metric: temperature, tumbling: 1s, compute: [count], emit: {topic: aggregates}}\nalerts: {topic: alerts}\ncommit_interval: 10ms\nstate: {dir: ./state}\n"
	p, diagnostics := configs.Parse("test.yaml", []byte(text), configs.Options{})
	require.False(w.t, diagnostics.HasErrors(), "%s", diagnostics)
	plan, err := task.CompileGroups(p)
	require.NoError(w.t, err)
	require.True(w.t, plan.Vacant())
	return plan
}

// leave runs both engines until alerts of two groups fire, and returns the store of the groups.
func (w *works) leave() *memoryStore {
	w.t.Helper()
	all := convoy(2, 300)
	store := newMemoryStore()
	w.begin(all)
	d, g := w.start(w.deviceOptions(newMemoryStore())), w.start(w.groupOptions(store))
	for p := range all {
		w.produce(int32(p), linesOf(all[p][50:])...)
		d.settled(int32(p), int64(len(all[p])))
	}
	eventually(w.t, "both sites fire", func() bool { return len(w.said(`"state":"firing"`)) == 2 })
	require.NoError(w.t, d.wait())
	w.quiet(g)
	require.NoError(w.t, g.wait())
	return store
}

// quiet waits until an engine of groups has folded all partials.
func (w *works) quiet(g *running) {
	eventually(w.t, "all partials are folded", func() bool {
		ends := w.partialEnds()
		done := 0
		for _, s := range g.engine.Status() {
			if s.State == Live && s.Position >= ends[s.Partition] {
				done++
			}
		}
		return done == int(w.partitions)
	})
}

func (w *works) partialEnds() []int64 {
	ends, err := w.admin.ListEndOffsets(context.Background(), "weir.test.partials")
	require.NoError(w.t, err)
	list := make([]int64, w.partitions)
	ends.Each(func(o kadm.ListedOffset) { list[o.Partition] = o.Offset })
	return list
}

// said are the alerts of all partitions that have a part.
func (w *works) said(part string) (found []string) {
	for q := range w.partitions {
		found = append(found, grep(w.read("alerts", q), part)...)
	}
	return found
}

// abort leaves the end of a transaction behind all partials, which nobody folds.
func (w *works) abort() {
	w.t.Helper()
	ctx := context.Background()
	client, err := kgo.NewClient(kgo.SeedBrokers(w.cluster.ListenAddrs()...), kgo.TransactionalID("other"), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	require.NoError(w.t, err)
	defer client.Close()
	require.NoError(w.t, client.BeginTransaction())
	for q := range w.partitions {
		require.NoError(w.t, client.ProduceSync(ctx, &kgo.Record{Topic: "weir.test.partials", Partition: q, Value: []byte("x")}).FirstErr())
	}
	require.NoError(w.t, client.EndTransaction(ctx, kgo.TryAbort))
}

// forget deletes all partials, as retention does in time.
func (w *works) forget() {
	w.t.Helper()
	below := kadm.Offsets{}
	for q, end := range w.partialEnds() {
		below.AddOffset("weir.test.partials", int32(q), end, -1)
	}
	done, err := w.admin.DeleteRecords(context.Background(), below)
	require.NoError(w.t, err)
	require.NoError(w.t, done.Error())
}

// Whatever step a process freezes at that ends what the last windows over several devices have left, its successor
// ends it: once.
func TestLeftGroupsEndAtEveryStep(t *testing.T) {
	for i, point := range []string{"restoring", "replaying", "begun", "produced", "offset_sent", "ended", "confirmed"} {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			w := newWorks(t, firingGroups, 2)
			store := w.leave()
			w.groups = w.vacant()
			frozen, thaw := make(chan struct{}), make(chan struct{})
			var once sync.Once
			o := w.groupOptions(store)
			if i%2 == 0 {
				o = w.groupOptions(newMemoryStore())
			}
			o.Failpoint = func(p string, _ int32) {
				if p == point {
					once.Do(func() { close(frozen) })
					<-thaw
				}
			}
			zombie := w.start(o)
			select {
			case <-frozen:
			case <-time.After(60 * time.Second):
				require.Fail(t, "never reached "+point)
			}
			next := w.start(w.groupOptions(store.copy()))
			eventually(t, "the successor is live", func() bool { return len(next.engine.Status()) == 2 && next.engine.Ready() })
			close(thaw)
			var refused *RefusedError
			require.ErrorAs(t, zombie.ended(t), &refused)
			require.NoError(t, next.wait())
			require.Len(t, w.said(`"state":"resolved"`), 2)
			require.Len(t, w.said(`"reason":"removed"`), 2)
		})
	}
}

// Tasks of groups without windows stay where they are however often they start, also when retention has taken all
// partials, and make way for windows that come again.
func TestLeftGroupsOutliveTheirSource(t *testing.T) {
	for _, late := range []bool{false, true} {
		t.Run(map[bool]string{false: "behind the ends", true: "before them"}[late], func(t *testing.T) {
			t.Parallel()
			w := newWorks(t, firingGroups, 2)
			grouped, store := w.groups, w.leave()
			w.abort()
			if late {
				w.forget()
			}
			w.groups = w.vacant()
			for i := range 3 {
				g := w.start(w.groupOptions(store))
				w.quiet(g)
				eventually(t, "nothing is read that is not committed", func() bool {
					at, err := w.admin.FetchOffsets(context.Background(), "weir.test.groups")
					require.NoError(t, err)
					for q, end := range w.partialEnds() {
						if k, ok := at.Lookup("weir.test.partials", int32(q)); !ok || k.At != end {
							return false
						}
					}
					return true
				})
				for _, s := range g.engine.Status() {
					require.Zero(t, s.Devices)
				}
				require.NoError(t, g.wait())
				require.Len(t, w.said(`"reason":"removed"`), 2)
				if i == 0 {
					w.forget()
				}
			}
			w.groups = grouped
			g := w.start(w.groupOptions(store))
			eventually(t, "windows are back", func() bool { return len(g.engine.Status()) == 2 && g.engine.Ready() })
			require.NoError(t, g.wait())
		})
	}
}

// Whether anything is left the topics of the groups tell, and asking makes none.
func TestLeft(t *testing.T) {
	w := newWorks(t, firingGroups, 2)
	left := func() bool {
		o := w.groupOptions(newMemoryStore())
		o.Plan = w.vacant()
		e, err := New(o)
		require.NoError(t, err)
		there, err := e.Left(context.Background())
		require.NoError(t, err)
		return there
	}
	require.False(t, left())
	topics, err := w.admin.ListTopics(context.Background())
	require.NoError(t, err)
	require.NotContains(t, topics, "weir.test.groups.journal")
	require.NotContains(t, topics, "weir.test.partials")
	w.leave()
	require.True(t, left())
}
