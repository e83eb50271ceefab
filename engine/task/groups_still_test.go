package task

import (
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/event"
)

// When groups whose clock stands still speak depends on the wall time that the
// journal tells, not on all the moments at which it entered: of several between two
// records it tells the last.
func TestStandingStillDoesNotDependOnTheMoments(t *testing.T) {
	play := func(moments ...event.Time) (provisional []string) {
		w := newWorks(t, groupPipeline, 2)
		noon := scriptDay + 43_200_000
		w.wall = noon
		tell := func(partition int, device string, after event.Time) {
			w.wall = noon + after
			r := reading{device: device, metric: "temperature", at: noon + after, appended: noon + after, value: strconv.Itoa(int(after / 1000)), seq: -1}
			w.fold(partition, r.record())
			w.deliver(-1)
		}
		tell(0, "h-0", 1_000)
		tell(1, "b-0", 1_000) // the clock of the groups moves
		tell(0, "h-0", 21_000)
		tell(0, "h-0", 30_000) // and stands still from here on, for the other partition does
		for _, at := range moments {
			w.advance(w.groups[0], noon+1_000+at)
			w.advance(w.groups[1], noon+1_000+at)
		}
		tell(0, "h-0", 55_000)
		w.advance(w.groups[0], noon+66_000)
		w.advance(w.groups[1], noon+66_000)
		for _, o := range w.said {
			if strings.Contains(o.value, `"final":false`) {
				provisional = append(provisional, o.value)
			}
		}
		return provisional
	}
	once := play(50_000)
	require.NotEmpty(t, once)
	require.Equal(t, once, play(43_000, 50_000))
}
