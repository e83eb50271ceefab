//go:build real

package chaos

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/internal/rig"
)

// foldRest lets a process that was stopped run once more where that left partials which no group has folded. Tasks of devices say every
// second how far they are, so there is always more to fold, unless the clock stands still.
func (r *round) foldRest(w *rig.Process) {
	r.t.Helper()
	clock := filepath.Join(r.t.TempDir(), "clock")
	require.NoError(r.t, os.WriteFile(clock, []byte("frozen"), 0o644))
	for range 5 {
		if done, _ := r.allFolded(); done || w == nil {
			return
		}
		w.Env = []string{"WEIR_CLOCK=" + clock}
		w.Start()
		r.live()
		r.pass(2 * time.Second) // each task has looked at the clock
		rig.Await(r.t, "all partials folded", time.Minute, r.allFolded)
		w.Stop()
	}
	_, missing := r.allFolded()
	require.Fail(r.t, "partials are left that no group has folded", missing)
}

// allFolded reports whether groups have folded all partials but for the marker behind the last one, which ends its transaction.
func (r *round) allFolded() (bool, string) {
	done, ends := r.kafka.Committed(r.pipe.Groups()), r.kafka.Ends(r.pipe.Groups().Source)
	for p, end := range ends {
		if at, known := done[p]; end > 0 && (!known || end > at+1) {
			return false, fmt.Sprintf("committed %v of %v", done, ends)
		}
	}
	return true, ""
}
