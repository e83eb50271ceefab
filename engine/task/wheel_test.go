package task

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/statestore"
)

// A wheel fires what a sorted list fires, in its order, whatever the steps are;
// next never promises too much.
func TestWheelEqualsASortedList(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWheel(event.Time(rapid.SampledFrom([]int{1, 100, 1280, 100_000}).Draw(t, "span")))
		var list []timer
		now := event.Time(rapid.IntRange(0, 1_000_000).Draw(t, "start"))
		w.enter(now / w.granule)
		slot := statestore.Slot(0)
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			for range rapid.IntRange(0, 4).Draw(t, "timers") {
				e := timer{slot: slot, due: max(now+event.Time(rapid.IntRange(-50, 500_000).Draw(t, "due")), 1)}
				slot++
				w.add(e)
				list = append(list, e)
			}
			now += event.Time(rapid.SampledFrom([]int{0, 1, 99, 1000, 26_000, 600_000}).Draw(t, "passed"))
			quiet := now < w.next()
			var got []timer
			w.expire(now, func(e timer) (timer, bool) {
				got = append(got, e)
				return timer{slot: e.slot, due: e.due + 700}, e.due%5 == 0
			})
			var want []timer
			for {
				slices.SortFunc(list, func(a, b timer) int {
					if a.before(b) {
						return -1
					}
					return 1
				})
				if len(list) == 0 || list[0].due > now {
					break
				}
				e := list[0]
				want = append(want, e)
				list = list[1:]
				if e.due%5 == 0 {
					list = append(list, timer{slot: e.slot, due: e.due + 700})
				}
			}
			require.Equal(t, want, got)
			require.False(t, quiet && len(got) > 0, "next promised quiet")
		}
	})
}

func TestWheelRefusesASecondTimerOfASlot(t *testing.T) {
	w := newWheel(1000)
	w.add(timer{slot: 3, due: 500})
	require.Panics(t, func() { w.add(timer{slot: 3, due: 600}) })
}
