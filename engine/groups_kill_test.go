package engine

import (
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Both engines die again and again, each time at another step, some with their
// disks; the dead wake up in the end and change nothing.
func TestGroupsKilledAgainAndAgain(t *testing.T) {
	t.Parallel()
	const rounds = 8
	w := newWorks(t, groupsPipeline, 2)
	all := convoy(2, rounds*110)
	w.begin(all)
	r := rand.New(rand.NewPCG(11, 4))
	points := []string{"begun", "produced", "offset_sent", "ended", "confirmed", "restoring", "replaying"}
	thaw := make(chan struct{})
	var zombies []*running
	stores := [2]*memoryStore{newMemoryStore(), newMemoryStore()}
	options := func(whose int) Options {
		if whose == 0 {
			return w.deviceOptions(stores[0])
		}
		return w.groupOptions(stores[1])
	}
	alive := [2]*running{w.start(options(0)), w.start(options(1))}
	for round := range rounds {
		whose := round % 2
		point, at := points[r.IntN(len(points))], int32(1+r.IntN(4))
		frozen := make(chan struct{})
		var hits atomic.Int32
		stores[whose] = stores[whose].copy()
		if r.IntN(3) == 0 {
			stores[whose] = newMemoryStore()
		}
		o := options(whose)
		o.Failpoint = func(p string, _ int32) {
			if p != point {
				return
			}
			switch n := hits.Add(1); {
			case n == at:
				close(frozen)
				fallthrough
			case n > at:
				<-thaw
			}
		}
		zombies = append(zombies, alive[whose])
		alive[whose] = w.start(o)
		for p := range all {
			w.produce(int32(p), linesOf(all[p][50+round*100:50+(round+1)*100])...)
		}
		select {
		case <-frozen:
		case <-time.After(2 * time.Second): // not every step is reached in every life
		}
	}
	for whose := range alive {
		zombies = append(zombies, alive[whose])
		stores[whose] = stores[whose].copy()
		alive[whose] = w.start(options(whose))
	}
	for p := range all {
		w.produce(int32(p), linesOf(all[p][50+rounds*100:])...)
		alive[0].settled(int32(p), int64(len(all[p])))
	}
	close(thaw)
	for _, z := range zombies {
		require.Error(t, z.ended(t), "a process whose seat was taken says so")
	}
	w.complete(all, alive[0], alive[1])
}
