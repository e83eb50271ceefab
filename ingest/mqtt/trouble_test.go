package mqtt_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// lockedLog is what a logger writes, for several goroutines.
type lockedLog struct {
	mu  sync.Mutex
	out bytes.Buffer
}

func (l *lockedLog) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.out.Write(b)
}

// messages are the messages of the log, in order.
func (l *lockedLog) messages() (all []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, found := range regexp.MustCompile(`msg="?([^"=]*[^"= ])"? (?:mqtt|from|client_id)=`).FindAllStringSubmatch(l.out.String(), -1) {
		all = append(all, found[1])
	}
	return all
}

// A broker that was never reached, one that is lost and one that comes back are told apart, each once however often the bridge tries.
func TestTroubleIsToldOnce(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	port := l.Addr().(*net.TCPAddr).Port
	require.NoError(t, l.Close())
	log := &lockedLog{}
	o := options(fmt.Sprintf("tcp://127.0.0.1:%d", port))
	o.Logger = slog.New(slog.NewTextHandler(log, nil))
	b, _ := run(t, o, &gate{})
	says := func(want ...string) {
		t.Helper()
		require.Eventually(t, func() bool { return strings.Join(log.messages(), "\n") == strings.Join(want, "\n") }, within, poll, "%q", log.messages())
	}
	says("cannot connect to the mqtt broker, trying again")
	began := time.Now()
	require.Eventually(t, func() bool { return time.Since(began) > 50*time.Millisecond }, within, poll) // a dozen tries
	m := startMQTT(t, port)
	connected(t, b)
	says("cannot connect to the mqtt broker, trying again", "receiving from the mqtt broker")
	began = time.Now()
	require.Eventually(t, func() bool { return time.Since(began) > 2*o.ReconnectMax }, within, poll)
	require.NoError(t, m.Close())
	says("cannot connect to the mqtt broker, trying again", "receiving from the mqtt broker", "connection to the mqtt broker lost, connecting again")
	began = time.Now()
	require.Eventually(t, func() bool { return time.Since(began) > 50*time.Millisecond }, within, poll)
	startMQTT(t, port)
	says("cannot connect to the mqtt broker, trying again", "receiving from the mqtt broker",
		"connection to the mqtt broker lost, connecting again", "receiving from the mqtt broker again")
}

// A filter that fits nothing is taken by any broker, so the log asks about it where no message comes.
func TestNothingComes(t *testing.T) {
	m := startMQTT(t, 0)
	log := &lockedLog{}
	o := options(m.URL())
	o.Logger, o.NothingAfter = slog.New(slog.NewTextHandler(log, nil)), 10*time.Millisecond
	run(t, o, &gate{})
	require.Eventually(t, func() bool { return len(log.messages()) == 2 }, within, poll, "%q", log.messages())
	require.Equal(t, []string{"receiving from the mqtt broker", "no message has come so far: does a filter fit the topics that devices publish to?"}, log.messages())
}
