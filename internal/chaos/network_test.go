//go:build real

package chaos

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// network is a network namespace with one wire to the machine: what runs in it reaches the machine at host, and nothing else.
type network struct {
	t          *testing.T
	name       string
	near, far  string // the wire's ends, here and in the namespace
	host, own  string // their addresses
	impairment string // what loses packets: netem, nft or "" for nothing
}

// newNetwork makes a namespace, which ends with the test. Where the machine does not let it, the test is skipped.
func newNetwork(t *testing.T) *network {
	t.Helper()
	for _, tool := range []string{"ip", "tc"} {
		if _, err := exec.LookPath(tool); err != nil {
			skipLoudly(t, tool+" not found: install it (Debian: iproute2)")
		}
	}
	if os.Geteuid() != 0 {
		skipLoudly(t, "a network namespace takes root")
	}
	removeStale()
	pid := os.Getpid()
	n := &network{
		t: t, name: fmt.Sprintf("weir-%d", pid), near: fmt.Sprintf("wn%d", pid), far: fmt.Sprintf("wf%d", pid),
		host: fmt.Sprintf("10.213.%d.1", pid%256), own: fmt.Sprintf("10.213.%d.2", pid%256),
	}
	t.Cleanup(n.remove)
	for _, line := range []string{
		"ip netns add NAME",
		"ip link add NEAR type veth peer name FAR",
		"ip link set FAR netns NAME",
		"ip addr add HOST/30 dev NEAR",
		"ip link set NEAR up",
		"ip -n NAME addr add OWN/30 dev FAR",
		"ip -n NAME link set FAR up",
		"ip -n NAME link set lo up",
	} {
		if out, err := n.run(line); err != nil {
			skipLoudly(t, fmt.Sprintf("no network namespace here: %s: %v: %s", line, err, out))
		}
	}
	return n
}

// wrap is what a command is run with in the namespace. It becomes the command: the process id stays.
func (n *network) wrap() []string { return []string{"ip", "netns", "exec", n.name} }

// run runs a command, names filled in.
func (n *network) run(line string) (string, error) {
	words := strings.Fields(strings.NewReplacer("NAME", n.name, "NEAR", n.near, "FAR", n.far, "HOST", n.host, "OWN", n.own).Replace(line))
	out, err := exec.Command(words[0], words[1:]...).CombinedOutput()
	return string(out), err
}

func (n *network) must(line string) string {
	n.t.Helper()
	out, err := n.run(line)
	require.NoError(n.t, err, "%s: %s", line, out)
	return out
}

// quality is what a wire does to packets, each way.
type quality struct {
	lossPercent int
	delay       time.Duration // netem only
}

// impair makes the wire bad and reports what delays packets: netem, or nothing where the kernel has none and nft only drops them. It
// skips the test where there is neither.
func (n *network) impair(q quality) (delays bool) {
	n.t.Helper()
	netem := fmt.Sprintf("netem loss %d%% delay %dms %dms", q.lossPercent, q.delay.Milliseconds(), q.delay.Milliseconds()/2)
	if _, err := n.run("tc qdisc add dev NEAR root " + netem); err == nil {
		n.must("tc -n NAME qdisc add dev FAR root " + netem)
		n.impairment = "netem"
		return true
	}
	if _, err := exec.LookPath("nft"); err != nil {
		skipLoudly(n.t, "this kernel has no netem, and nft is not found: install it (Debian: nftables)")
	}
	rules := "table inet weir {\n"
	for _, hook := range []string{"input", "output"} {
		rules += fmt.Sprintf("chain %s { type filter hook %s priority 0; numgen random mod 100 < %d counter drop; }\n", hook, hook, q.lossPercent)
	}
	command := exec.Command("ip", "netns", "exec", n.name, "nft", "-f", "-")
	command.Stdin = strings.NewReader(rules + "}\n")
	if out, err := command.CombinedOutput(); err != nil {
		skipLoudly(n.t, fmt.Sprintf("this kernel has neither netem nor random numbers in nft: %s", out))
	}
	n.impairment = "nft"
	return false
}

// repair makes the wire good again and returns how many packets were lost.
func (n *network) repair() int {
	n.t.Helper()
	var report, pattern string
	switch n.impairment {
	case "netem":
		report, pattern = n.must("tc -s qdisc show dev NEAR")+n.must("tc -n NAME -s qdisc show dev FAR"), `dropped (\d+)`
		n.must("tc qdisc del dev NEAR root")
		n.must("tc -n NAME qdisc del dev FAR root")
	case "nft":
		report, pattern = n.must("ip netns exec NAME nft list table inet weir"), `counter packets (\d+)`
		n.must("ip netns exec NAME nft delete table inet weir")
	}
	n.impairment = ""
	lost := 0
	for _, found := range regexp.MustCompile(pattern).FindAllStringSubmatch(report, -1) {
		count, err := strconv.Atoi(found[1])
		require.NoError(n.t, err)
		lost += count
	}
	return lost
}

// pull pulls the wire out; plug puts it back.
func (n *network) pull() { n.must("ip link set NEAR down") }
func (n *network) plug() { n.must("ip link set NEAR up") }

func (n *network) remove() {
	_, _ = n.run("ip link del NEAR") // it may not have come so far
	_, _ = n.run("ip netns del NAME")
}

// removeStale removes the namespaces of test binaries that died.
func removeStale() {
	out, err := exec.Command("ip", "netns", "list").Output()
	if err != nil {
		return
	}
	for line := range strings.Lines(string(out)) {
		name, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		text, ours := strings.CutPrefix(name, "weir-")
		pid, err := strconv.Atoi(text)
		if ours && err == nil && errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			(&network{name: name, near: "wn" + text}).remove()
		}
	}
}

// TestNetworkLosesPackets shows that the impairment is one: over a wire that loses half of the packets many are counted lost, and
// nothing passes one that is pulled.
func TestNetworkLosesPackets(t *testing.T) {
	n := newNetwork(t)
	listener, err := net.Listen("tcp", n.host+":0")
	require.NoError(t, err)
	defer listener.Close()
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Write([]byte("hello"))
			_ = conn.Close()
		}
	}()
	dial := func() error {
		_, port, _ := net.SplitHostPort(listener.Addr().String())
		out, err := exec.Command("ip", "netns", "exec", n.name, "timeout", "5", "bash", "-c", "read -r -N 5 word </dev/tcp/"+n.host+"/"+port+"; [ \"$word\" = hello ]").CombinedOutput()
		if err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
		return nil
	}
	require.NoError(t, dial())
	n.impair(quality{lossPercent: 30})
	_ = dial()
	_ = dial()
	require.Positive(t, n.repair())
	require.NoError(t, dial())
	n.pull()
	require.Error(t, dial())
	n.plug()
	require.NoError(t, dial())
}

// skipLoudly skips a fault that this machine does not allow, which no installation mends; the report of a run lists it.
func skipLoudly(t *testing.T, reason string) {
	t.Helper()
	t.Skip("NOT TRIED HERE: " + reason)
}
