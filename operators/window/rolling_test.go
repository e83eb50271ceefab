package window_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/operators/window"
)

// rollingModel is a rolling window that keeps every reading there ever was.
type rollingModel struct {
	spec  window.RollingSpec
	all   []sample
	start event.Time
	end   event.Time
}

func (m *rollingModel) insert(s sample) (changed bool) {
	if len(m.all) > 0 && s.time < m.start {
		return false
	}
	m.all = append(m.all, s)
	m.end = max(m.end, s.time+1)
	edge := m.end - 1
	for edge%m.spec.Resolution != 0 {
		edge--
	}
	m.start = edge + m.spec.Resolution - m.spec.Size
	return true
}

func (m *rollingModel) held() []sample {
	return slices.DeleteFunc(slices.Clone(m.all), func(s sample) bool { return s.time < m.start })
}

func newRolling(tb testing.TB, s window.RollingSpec) *window.Rolling {
	r, err := window.NewRolling(s)
	require.NoError(tb, err)
	return r
}

// A rolling window says what a list of all readings says, in whatever order they
// come: early and late ones, long pauses, and ones from before the epoch.
func TestRollingEqualsList(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		resolution := event.Time(rapid.SampledFrom([]int{1, 2, 7, 10}).Draw(t, "resolution"))
		spec := window.RollingSpec{
			Name: "r", Resolution: resolution, Size: resolution * event.Time(rapid.SampledFrom([]int{1, 2, 3, 10}).Draw(t, "panes")),
			Compute: rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"count", "sum", "min", "max", "mean", "last"}), 1, 6, rapid.ID[string]).Draw(t, "compute"),
		}
		r, err := window.NewRolling(spec)
		require.NoError(t, err)
		row, m := newMovingRow(r.Cells(), r.Words()), &rollingModel{spec: spec, end: -1 << 40}
		now := event.Time(rapid.SampledFrom([]int{-50, 0, 1000}).Draw(t, "begin"))
		for range rapid.IntRange(1, 60).Draw(t, "readings") {
			now += event.Time(rapid.SampledFrom([]int{0, 1, 3, 9, 25, 200}).Draw(t, "pass"))
			s := sample{now + event.Time(rapid.IntRange(-30, 5).Draw(t, "ahead")), float64(rapid.IntRange(-9, 9).Draw(t, "value"))}
			require.Equal(t, m.insert(s), r.Insert(row, s.time, s.value))
			got, ok := r.Result(row.words)
			require.True(t, ok)
			held := m.held()
			require.Equal(t, window.Result{Start: m.start, End: m.end, Count: uint64(len(held)), Revision: 1, Values: got.Values}, got)
			for k, name := range spec.Compute {
				require.Equal(t, naive(name, held), got.Values[k], name)
			}
			requireMergeFollows(t, spec, row)
		}
	})
}

// requireMergeFollows works the merge out again in a copy of the row, from the panes alone and by somebody who knows no other row.
func requireMergeFollows(t *rapid.T, spec window.RollingSpec, row *movingRow) {
	r, err := window.NewRolling(spec)
	require.NoError(t, err)
	again := newMovingRow(r.Cells(), r.Words())
	copy(again.words, row.words)
	clear(again.words[1:r.Words()])
	r.Remerge(again)
	require.Equal(t, row.words, again.words)
}

// Whatever the order in which readings arrive, as long as all are within the
// window at the end, it ends up saying the same.
func TestRollingOrderDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		spec := window.RollingSpec{Name: "r", Resolution: 5, Size: 50, Compute: []string{"count", "min", "max", "mean"}}
		times := rapid.SliceOfN(rapid.IntRange(1000, 1045), 1, 40).Draw(t, "times")
		say := func(times []int) string {
			r, err := window.NewRolling(spec)
			require.NoError(t, err)
			row := newMovingRow(r.Cells(), r.Words())
			for _, at := range times {
				require.True(t, r.Insert(row, event.Time(at), float64(at*7%13)))
			}
			res, _ := r.Result(row.words)
			return describe("r", spec.Compute, &res)
		}
		require.Equal(t, say(times), say(rapid.Permutation(times).Draw(t, "arrival")))
	})
}

// A reading in the newest pane changes its cell alone, one that begins a pane or
// goes into an older one also the merge, and one that is too old nothing.
func TestRollingWritesFewCells(t *testing.T) {
	r := newRolling(t, window.RollingSpec{Name: "r", Resolution: 10, Size: 100, Compute: []string{"mean"}})
	row := newMovingRow(r.Cells(), r.Words())
	for _, c := range []struct {
		at     event.Time
		writes int
	}{{1000, 2}, {1009, 1}, {1000, 1}, {1010, 2}, {1019, 1}, {1001, 2}, {920, 2}, {919, 0}, {1030, 2}, {930, 0}, {5000, 2}} {
		row.writes = 0
		r.Insert(row, c.at, 1)
		assert.Equal(t, c.writes, row.writes, "at %d", c.at)
	}
}

func TestRollingRefuses(t *testing.T) {
	mean := []string{"mean"}
	for _, c := range []struct {
		spec window.RollingSpec
		want string
	}{
		{window.RollingSpec{Name: "r", Resolution: 1, Compute: mean}, `window "r": size=0ms must be between 1ms and 4398046511104ms`},
		{window.RollingSpec{Name: "r", Size: 100, Compute: mean}, `window "r": resolution=0ms must divide size=100ms`},
		{window.RollingSpec{Name: "r", Size: 100, Resolution: 7, Compute: mean}, `window "r": resolution=7ms must divide size=100ms`},
		{window.RollingSpec{Name: "r", Size: 100, Resolution: 200, Compute: mean}, `window "r": resolution=200ms must divide size=100ms`},
		{window.RollingSpec{Name: "r", Size: 1001, Resolution: 1, Compute: mean},
			`window "r": resolution=1ms divides size=1001ms into 1001 panes, at most 1000 are allowed: use a longer one`},
		{window.RollingSpec{Name: "r", Size: 100, Resolution: 10}, `window "r": compute is empty: name at least one aggregate`},
	} {
		_, err := window.NewRolling(c.spec)
		assert.EqualError(t, err, c.want)
	}
}
