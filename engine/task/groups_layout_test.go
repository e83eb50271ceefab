package task

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/operators/window"
)

// State of devices and of groups is not read by a pipeline that puts devices
// together in another way, and a pipeline without groups has the state it had.
func TestLayoutOfGroups(t *testing.T) {
	layouts := func(by string) (devices, groups uint64) {
		p := parsePipeline(t, groupPipeline, "")
		p.Windows[0].By = by
		d, err := Compile(p)
		require.NoError(t, err)
		g, err := CompileGroups(p)
		require.NoError(t, err)
		require.Equal(t, d.Layout.Fingerprint(), d.own().Layout.Fingerprint())
		require.Equal(t, g.Layout.Fingerprint(), g.own().Layout.Fingerprint())
		return d.Layout.Fingerprint(), g.Layout.Fingerprint()
	}
	d1, g1 := layouts(configs.GroupAll)
	d2, g2 := layouts("labels.site")
	require.NotEqual(t, d1, d2)
	require.NotEqual(t, g1, g2)

	p := parsePipeline(t, propertyPipelines()[0], "")
	plan, err := Compile(p)
	require.NoError(t, err)
	require.Equal(t, "head", plan.Layout.Columns[0].Name)
	require.Equal(t, int(FirstAggregateTopic)+len(plan.AggregateTopics)+1, plan.Topics(), "and commands")
	plan, err = CompileGroups(p)
	require.NoError(t, err)
	require.True(t, plan.Vacant())
	require.Len(t, plan.Layout.Columns, 1)
}

// Partials of one kind of window are not taken for those of another of its name, and
// those of a hopping window are what they were.
func TestShapesOfGroups(t *testing.T) {
	shapes := map[uint64]string{}
	for _, kind := range []string{"tumbling: 10s", "hopping: {size: 40s, every: 10s}", "session: 40s", "session: 41s", "count: 5"} {
		p := parsePipeline(t, "windows:\n- {name: w, metric: m, "+kind+", by: all, compute: [count], emit: {topic: aggregates}}", "")
		shape := shapeOf(&p.Windows[0])
		require.NotContains(t, shapes, shape, kind)
		shapes[shape] = kind
	}
	p := parsePipeline(t, "windows:\n- {name: w, metric: m, rolling: {size: 40s, resolution: 10s}, by: all, compute: [count], emit: {topic: aggregates}}", "")
	require.Equal(t, "hopping: {size: 40s, every: 10s}", shapes[shapeOf(&p.Windows[0])])
}

// What does not fit its window is bad: a piece that leaves its pane, a count that is
// not one, a value that is none.
func TestPartialsThatDoNotFit(t *testing.T) {
	w := newWorks(t, kindsPipeline, 1)
	group := w.groups[0]
	name := func(k int) string { return group.plan.Pipeline.Windows[k].Name }
	send := func(k int, p window.Partial) {
		in := &group.task.plan.inlets[k]
		head := partialHead{window: []byte(name(k)), device: []byte("h-1"), shape: in.shape}
		for len(p.Words) < in.words {
			p.Words = append(p.Words, 0)
		}
		require.NoError(t, group.fold(Record{Append: scriptDay, Key: []byte("all"), Value: appendPartial(nil, head, &p)}))
	}
	at := uint64(scriptDay)
	visits, newest := 0, 4
	require.Equal(t, []string{"visits", "newest"}, []string{name(visits), name(newest)})
	for bad, p := range []window.Partial{
		{Start: scriptDay, Count: 1, Words: []uint64{at - 1, at}},
		{Start: scriptDay, Count: 1, Words: []uint64{at + 1, at}},
		{Start: scriptDay, Count: 1, Words: []uint64{at, at + 10_000}},
		{Start: scriptDay + 1, Count: 1, Words: []uint64{at + 1, at + 1}},
		{Start: scriptDay, Count: 1, Words: make([]uint64, 20)},
	} {
		send(visits, p)
		require.Equal(t, uint64(bad+1), group.task.Counters().Bad)
	}
	send(newest, window.Partial{Start: scriptDay, Count: 2})
	send(newest, window.Partial{Start: scriptDay, Count: 1, Words: []uint64{math.Float64bits(math.NaN())}})
	send(newest, window.Partial{Start: scriptDay, Count: 1, Words: []uint64{math.Float64bits(math.Inf(1))}})
	require.Equal(t, Counters{In: 8, Bad: 8, Records: 8}, group.task.Counters())
	send(visits, window.Partial{Start: scriptDay, Count: 1, Words: []uint64{at, at}})
	send(newest, window.Partial{Start: scriptDay, Count: 1})
	require.Equal(t, uint64(2), group.task.Counters().Processed)
}
