//go:build real

package secured

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirstream/weir/internal/rig"
)

// room is a small disk of the test's own.
func room(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=700m"); err != nil {
		t.Skip("a disk of the test's own takes root and the right to mount: ", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	return dir
}

// fullDisk: a full disk ends weir with words that name state.dir, before anything is lost, and so does the next start; with room again it goes on.
func (p *plant) fullDisk(t *testing.T) {
	t.Parallel()
	disk := room(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := listener.Addr().String()
	require.NoError(t, listener.Close())
	_, port, err := net.SplitHostPort(address)
	require.NoError(t, err)
	w := rig.NewProcess(t, rig.Program{Binary: p.binary, Pipeline: "disk", State: filepath.Join(disk, "state"), File: fmt.Sprintf(`
name: disk
kafka: {embedded: {dir: %q, port: %s, partitions: 1}}
source: {topic: readings}
windows:
  - {name: temp, metric: temperature, count: 1, compute: [mean], emit: {topic: aggregates}}
state: {dir: $STATE}
`, t.TempDir(), port)})
	w.Start()
	w.Ready(1)
	send(t, address, 0, 100)
	folded := func(n int64) {
		rig.Await(t, fmt.Sprintf("%d readings folded", n), 30*time.Second, func() (bool, string) {
			return rig.Outcome(w.Metrics(), "processed") >= n, w.LogTail()
		})
	}
	folded(100)
	fill := filepath.Join(disk, "fill")
	file, err := os.Create(fill)
	require.NoError(t, err)
	require.NoError(t, syscall.Fallocate(int(file.Fd()), 0, 0, 560<<20))
	require.NoError(t, file.Close())
	w.Signal(syscall.SIGTERM) // it writes down its state now
	require.Equal(t, 1, w.AwaitEnd("the disk is full", 20*time.Second))
	require.Contains(t, w.LastLine(), "local state store (state.dir): ")
	require.Contains(t, w.LastLine(), "too little free disk space")
	w.Start()
	require.Equal(t, 1, w.AwaitEnd("the disk is full", 20*time.Second))
	require.Contains(t, w.LastLine(), "(state.dir)")
	require.NoError(t, os.Remove(fill))
	w.Start()
	w.Ready(1)
	send(t, address, 100, 200)
	cluster := rig.OpenCluster(t, address)
	rig.Await(t, "200 readings folded", 30*time.Second, func() (bool, string) {
		done, missing := cluster.Consumed(rig.Pipeline{Name: "disk", Source: "readings"})
		return done, missing
	})
	require.Equal(t, 200, cluster.Count("aggregates"))
	w.Stop()
}

// unwritableState: a state directory that cannot be had is told by its setting.
func (p *plant) unwritableState(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	w := rig.NewProcess(t, rig.Program{Binary: p.binary, Pipeline: "state", State: filepath.Join(file, "state"), File: fmt.Sprintf(`
name: state
kafka: {embedded: {dir: %q}}
source: {topic: readings}
windows:
  - {name: temp, metric: temperature, count: 1, compute: [mean], emit: {topic: aggregates}}
state: {dir: $STATE}
`, t.TempDir())})
	w.Start()
	require.Equal(t, 1, w.AwaitEnd("no state", 20*time.Second))
	require.Contains(t, w.LastLine(), "(state.dir)")
}

func send(t *testing.T, address string, from, to int) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(address), kgo.DefaultProduceTopic("readings"))
	require.NoError(t, err)
	defer client.Close()
	began := time.Now().Add(-time.Hour)
	for n := from; n < to; n++ {
		text := fmt.Sprintf(`{"device":"d","metric":"temperature","ts":%q,"value":1,"seq":%d}`, began.Add(time.Duration(n)*time.Second).UTC().Format(time.RFC3339), n+1)
		client.Produce(t.Context(), &kgo.Record{Key: []byte("d"), Value: []byte(text)}, nil)
	}
	require.NoError(t, client.Flush(t.Context()))
}
