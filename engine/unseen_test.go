package engine

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"
)

// What a task made known lies behind somebody's open transaction when it starts anew, and
// the roster has changed: it is taken back once it can be seen.
func TestReconcileWithWhatWasNotSeen(t *testing.T) {
	dir := t.TempDir()
	site := func(name string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, "fleet.csv"), []byte("device,site\nfuse,"+name+"\n"), 0o644))
	}
	site("Hamburg")
	b := newBench(t, benchOptions{partitions: 1, pipeline: inhibiting, folder: dir})
	run := b.start(b.options(newMemoryStore()))
	run.commanded(0)
	ctx := context.Background()
	held, err := kgo.NewClient(kgo.SeedBrokers(b.cluster.ListenAddrs()...), kgo.TransactionalID("desk"))
	require.NoError(t, err)
	defer held.Close()
	require.NoError(t, held.BeginTransaction())
	require.NoError(t, held.ProduceSync(ctx, &kgo.Record{Topic: commandsTopic, Key: []byte("silence/x"), Value: []byte("{}")}).FirstErr())

	b.produce(0, fmt.Sprintf(`{"device":"fuse","metric":"voltage","ts":%d,"value":50,"seq":1}`, time.Now().UnixMilli()))
	eventually(t, "the alert", func() bool { return len(grep(b.read("alerts", 0), `"device":"fuse"`)) > 0 })
	require.NoError(t, run.wait())

	site("Kiel")
	run = b.start(b.options(newMemoryStore()))
	run.settled(0, 1)
	require.NoError(t, held.EndTransaction(ctx, kgo.TryAbort))
	eventually(t, "only what is so", func() bool {
		known := run.engine.commands.newest().Inhibitors()
		return len(known) == 1 && known[0].Text == "Kiel"
	})
	require.NoError(t, run.wait())
}
