//go:build real

package chaos

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/weirstream/weir/internal/chaos/kafkaproxy"
	"github.com/weirstream/weir/internal/rig"
)

func replyScripts() map[string]script {
	endTxn := func(reply bool) func(kafkaproxy.Message) bool {
		return func(m kafkaproxy.Message) bool { return m.Key == kmsg.EndTxn.Int16() && m.Reply == reply }
	}
	all := func(kafkaproxy.Message) bool { return true }
	return map[string]script{
		"endtxn-reply-cut":   func(r *round) { r.loseMessages(losing{which: endTxn(true), oneIn: 5, verdict: kafkaproxy.Cut}) },
		"endtxn-request-cut": func(r *round) { r.loseMessages(losing{which: endTxn(false), oneIn: 5, verdict: kafkaproxy.Cut}) },
		"endtxn-reply-silent": func(r *round) {
			r.loseMessages(losing{which: endTxn(true), oneIn: 20, most: 3, verdict: kafkaproxy.Swallow})
		},
		"any-message-cut": func(r *round) { r.loseMessages(losing{which: all, oneIn: 100, verdict: kafkaproxy.Cut}) },
		"connections-cut": cutConnections,
	}
}

// behindProxy makes topics, and starts weir behind a proxy, where it listens at an address of this machine; empty: loopback.
func (r *round) behindProxy(host string) (*kafkaproxy.Proxy, *rig.Process) {
	r.t.Helper()
	r.prepare(setting{})
	proxy, err := kafkaproxy.Listen(kafkaproxy.Options{Brokers: r.kafka.Brokers(), Host: host})
	require.NoError(r.t, err)
	r.t.Cleanup(func() {
		proxy.Close()
		require.NoError(r.t, proxy.Err())
	})
	return proxy, r.processAt(proxy.Addr(), "")
}

// losing says which messages get lost.
type losing struct {
	which   func(kafkaproxy.Message) bool
	oneIn   int
	most    int64 // 0: no limit
	verdict kafkaproxy.Verdict
}

// loseMessages loses some for five seconds, or longer where too few are lost by then.
func (r *round) loseMessages(l losing) {
	r.t.Helper()
	proxy, w := r.behindProxy("")
	w.Start()
	w.Ready(r.pipe.partitions)
	r.feed(loadOptions{})
	r.flow(1_500)
	var mu sync.Mutex
	rng := rand.New(rand.NewPCG(r.seed, 2))
	var lost atomic.Int64
	proxy.SetRule(func(m kafkaproxy.Message) kafkaproxy.Verdict {
		mu.Lock()
		defer mu.Unlock()
		if !l.which(m) || rng.IntN(l.oneIn) != 0 || l.most > 0 && lost.Load() >= l.most {
			return kafkaproxy.Pass
		}
		lost.Add(1)
		return l.verdict
	})
	r.pass(5 * time.Second)
	rig.Await(r.t, "messages lost", time.Minute, func() (bool, string) {
		return lost.Load() >= max(l.most, 3), fmt.Sprintf("%d are", lost.Load())
	})
	proxy.SetRule(nil)
	r.flow(1_500)
	r.t.Logf("%d messages lost; %d times a task was dropped and recovered", lost.Load(), w.Logged("task dropped, recovering it"))
	r.verified()
}

func cutConnections(r *round) {
	proxy, w := r.behindProxy("")
	w.Start()
	w.Ready(r.pipe.partitions)
	r.feed(loadOptions{})
	r.flow(1_500)
	for range 10 {
		proxy.Sever()
		r.pass(r.between(10*time.Millisecond, time.Second))
	}
	r.flow(1_500)
	r.verified()
}
