//go:build real

package chaos

import (
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/internal/chaos/kafkaproxy"
	"github.com/weirstream/weir/internal/rig"
)

func wireScripts() map[string]script {
	return map[string]script{
		"packet-loss": losePackets,
		"network-cut": pullTheWire,
	}
}

// inNetwork starts weir in a namespace, from where it reaches the brokers by a proxy at this end of the wire. Its metrics are out of
// reach.
func (r *round) inNetwork() (*network, *kafkaproxy.Proxy, *rig.Process) {
	r.t.Helper()
	n := newNetwork(r.t)
	proxy, w := r.behindProxy(n.host)
	w.Wrap = n.wrap()
	w.Start()
	r.feed(loadOptions{})
	r.flow(1_500)
	return n, proxy, w
}

// losePackets loses packets for ten seconds. A kernel without netem cannot delay them; the proxy delays replies then.
func losePackets(r *round) {
	n, proxy, _ := r.inNetwork()
	const late = 20 * time.Millisecond
	if delays := n.impair(quality{lossPercent: 5, delay: late}); !delays {
		proxy.SetDelay(late)
	}
	how := n.impairment
	r.pass(10 * time.Second)
	lost := n.repair()
	require.Positive(r.t, lost, "no packet was lost")
	proxy.SetDelay(0)
	r.t.Logf("%d packets lost by %s", lost, how)
	r.flow(1_500)
	r.verified()
}

// pullTheWire lets nothing pass for longer than a session timeout of 10 s: the group gives the partitions up.
func pullTheWire(r *round) {
	n, _, _ := r.inNetwork()
	n.pull()
	r.pass(r.between(11*time.Second, 18*time.Second))
	n.plug()
	r.flow(1_500)
	r.verified()
}
