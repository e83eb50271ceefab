package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/internal/brokers"
)

// notifications is the socket of a service manager, and what it has heard.
type notifications struct {
	t    *testing.T
	mu   sync.Mutex
	said []string
}

func listenForNotifications(t *testing.T) *notifications {
	t.Helper()
	path := filepath.Join(t.TempDir(), "notify")
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	require.NoError(t, err)
	t.Setenv("NOTIFY_SOCKET", path)
	n := &notifications{t: t}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		buffer := make([]byte, 64<<10)
		for {
			size, err := socket.Read(buffer)
			if err != nil {
				return
			}
			n.mu.Lock()
			n.said = append(n.said, string(buffer[:size]))
			n.mu.Unlock()
		}
	}()
	t.Cleanup(func() { assert.NoError(t, socket.Close()); <-ended })
	return n
}

// since returns the lines of all datagrams from the nth on.
func (n *notifications) since(first int) (lines []string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, s := range n.said[min(first, len(n.said)):] {
		lines = append(lines, strings.Split(s, "\n")...)
	}
	return lines
}

func (n *notifications) count() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.said)
}

// heard waits for a line that begins so, in datagrams from the nth on.
func (n *notifications) heard(first int, prefix string) {
	n.t.Helper()
	waitFor(n.t, prefix, func() bool {
		for _, line := range n.since(first) {
			if strings.HasPrefix(line, prefix) {
				return true
			}
		}
		return false
	})
}

// A service manager hears that the pipeline is ready, that it lives, that it reloads at SIGHUP and what it is then, and that it stops.
func TestServiceManagerHears(t *testing.T) {
	heard := listenForNotifications(t)
	t.Setenv("WATCHDOG_USEC", "400000")
	t.Setenv("WATCHDOG_PID", fmt.Sprint(os.Getpid()))
	dir := t.TempDir()
	file := filepath.Join(dir, "plant.yaml")
	text := strings.ReplaceAll(reloadPipeline, "DIR", dir)
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- runPipelines(ctx, []string{file}, runOptions{Logger: testLog()}) }()
	heard.heard(0, "READY=1")
	heard.heard(0, "STATUS=plant: 2 of 2 tasks live, 0 records behind")
	require.NotContains(t, heard.since(0), "RELOADING=1")
	from := heard.count()
	for range 3 { // again and again
		heard.heard(from, "WATCHDOG=1")
		from = heard.count()
	}
	require.NoError(t, os.WriteFile(file, []byte(with(text, "alarm: {above: 80", "alarm: {above: 90")), 0o600))
	require.NoError(t, syscall.Kill(os.Getpid(), syscall.SIGHUP))
	heard.heard(from, "RELOADING=1")
	heard.heard(from, "MONOTONIC_USEC=")
	heard.heard(from, "READY=1")
	from = heard.count()
	cancel()
	require.NoError(t, <-ended)
	heard.heard(from, "STOPPING=1")
}

// Nothing says ready while the brokers are away, and a start that waits for them is not given more time.
func TestServiceManagerIsNotToldTooEarly(t *testing.T) {
	heard := listenForNotifications(t)
	t.Setenv("WATCHDOG_USEC", "40000")
	t.Setenv("WATCHDOG_PID", fmt.Sprint(os.Getpid()))
	file := filepath.Join(t.TempDir(), "p.yaml")
	text := strings.ReplaceAll(reloadPipeline, "embedded: {dir: DIR/kafka, partitions: 2}", "brokers: ['127.0.0.1:1']")
	require.NoError(t, os.WriteFile(file, []byte(strings.ReplaceAll(text, "DIR", filepath.Dir(file))), 0o600))
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- runPipelines(ctx, []string{file}, runOptions{Logger: testLog()}) }()
	waitFor(t, "signs of life", func() bool { return heard.count() > 10 })
	lines := heard.since(0)
	require.Contains(t, lines, "STATUS=plant: 0 of 0 tasks live, 0 records behind")
	require.NotContains(t, lines, "READY=1")
	require.NotContains(t, strings.Join(lines, "\n"), "EXTEND_TIMEOUT_USEC")
	cancel()
	require.NoError(t, <-ended)
}

// Where no service manager waits, nothing happens, and a reload is just that.
func TestNoServiceManager(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "")
	m := newServiceManager(nil, testLog())
	require.Nil(t, m)
	m.run(context.Background())
	reloaded := false
	m.reload(func() { reloaded = true })
	require.True(t, reloaded)
}

// --create-source makes a topic that is missing, and leaves one alone that is there.
func TestCreateSource(t *testing.T) {
	kafka, err := brokers.StartKafka(brokers.KafkaOptions{})
	require.NoError(t, err)
	defer kafka.Close()
	text := strings.ReplaceAll(reloadPipeline, "embedded: {dir: DIR/kafka, partitions: 2}", "brokers: ['"+kafka.Addr()+"']")
	p, found := configs.Parse("p.yaml", []byte(strings.ReplaceAll(text, "DIR", t.TempDir())), configs.Options{})
	require.False(t, found.HasErrors(), found.String())
	for _, wanted := range []int{3, 5} {
		i, err := openInstance(p, instanceOptions{Logger: testLog(), CreateSource: wanted})
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- i.Run(ctx) }()
		waitFor(t, "ready", func() bool { return i.work().ready() })
		require.Len(t, i.work().tasks(), 3)
		cancel()
		require.NoError(t, <-ended)
		i.Close()
	}
}
