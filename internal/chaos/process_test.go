//go:build real

package chaos

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/internal/rig"
)

// sessionTimeout is the engine's, and what the group needs beyond it to give the seat away.
const sessionTimeout = 10*time.Second + 2*time.Second

func processScripts() map[string]script {
	return map[string]script{
		"kill-random":         killRandom,
		"kill-at-begun":       func(r *round) { r.killInCommit("begun", "kill") },
		"kill-at-produced":    func(r *round) { r.killInCommit("produced", "kill") },
		"kill-at-offset-sent": func(r *round) { r.killInCommit("offset_sent", "kill") },
		"kill-at-end-sent": func(r *round) {
			r.killInCommit("offset_sent", "kill+"+r.between(100*time.Microsecond, 3*time.Millisecond).String())
		},
		"kill-at-ended":     func(r *round) { r.killInCommit("ended", "kill") },
		"kill-at-confirmed": func(r *round) { r.killInCommit("confirmed", "kill") },
		"kill-at-flushed":   func(r *round) { r.killInSeal("flushed") },
		"kill-at-marked":    func(r *round) { r.killInSeal("marked") },
		"kill-at-sealed":    func(r *round) { r.killInSeal("sealed") },
		"kill-at-restoring": func(r *round) { r.killInRecovery("restoring", keepLocal) },
		"kill-at-replaying": func(r *round) { r.killInRecovery("replaying", loseLocal) },
		"frozen":            frozen,
		"frozen-in-commit":  frozenInCommit,
		"zombie-with-timer": zombieWithTimer,
		"one-identity":      oneIdentity,
		"one-directory":     oneDirectory,
		"rolling":           rolling,
		"revoke-in-commit":  revokeInCommit,
		"epoch-wrap":        epochWrap,
	}
}

// killRandom kills at any moment, also while the process is still starting.
func killRandom(r *round) {
	r.prepare(setting{})
	w := r.start()
	r.feed(loadOptions{})
	for range number(r.t, "KILLS", 8) {
		r.pass(r.between(100*time.Millisecond, 2900*time.Millisecond))
		w.Kill()
		w.Start()
	}
	r.verified()
}

// dies waits until a process has killed itself at its failpoint, and takes the failpoint out.
func (r *round) dies(w *rig.Process) {
	r.t.Helper()
	require.Equal(r.t, -1, w.AwaitEnd("it has a failpoint: "+w.Env[0], time.Minute), "it has to die of a signal\n%s", w.LogTail())
	w.Env = nil
}

// killInCommit lets four lives end at a step of a commit, early or late in each.
func (r *round) killInCommit(point, what string) {
	r.prepare(setting{})
	w := r.process()
	for i := range 4 {
		w.Env = []string{fmt.Sprintf("WEIR_FAILPOINT=%s:*:%d=%s", point, 5+r.rng.IntN(120), what)}
		w.Start()
		if i == 0 {
			r.feed(loadOptions{})
		}
		r.dies(w)
	}
	w.Start()
	r.flow(500)
	r.verified()
}

// killInSeal lets two lives end while they save their state at SIGTERM, or before. Each task has saved once, when it went live.
func (r *round) killInSeal(point string) {
	r.prepare(setting{})
	w := r.process()
	for i := range 2 {
		n := 1 + r.rng.IntN(r.pipe.tasks())
		if i == 0 && point != "sealed" {
			n += r.pipe.tasks()
		}
		w.Env = []string{fmt.Sprintf("WEIR_FAILPOINT=%s:*:%d=kill", point, n)}
		w.Start()
		if i == 0 {
			r.live()
			r.feed(loadOptions{})
		} // the second may save, and die, before all of its tasks are live
		before := r.committed()
		rig.Await(r.t, "3000 more records", time.Minute, func() (bool, string) {
			done := r.committed()
			return done >= before+3_000 || w.Ended(), fmt.Sprintf("%d are", done-before)
		})
		r.newRoster()
		if !w.Ended() {
			w.Signal(syscall.SIGTERM)
		}
		r.dies(w)
	}
	w.Start()
	r.flow(5_000) // both lives may have been short
	r.verified()
}

// localCopy says what becomes of the local copy before a recovery.
type localCopy int

const (
	keepLocal localCopy = iota
	loseLocal
)

// killInRecovery lets three recoveries in a row end at a step of theirs.
func (r *round) killInRecovery(point string, local localCopy) {
	r.prepare(setting{})
	w := r.start()
	r.feed(loadOptions{})
	r.flow(4_000)
	w.Kill()
	for range 3 {
		if local == loseLocal {
			require.NoError(r.t, os.RemoveAll(w.BadgerDir()))
		}
		n := 1 + r.rng.IntN(r.pipe.tasks())
		if point == "replaying" {
			n += r.rng.IntN(10)
		}
		w.Env = []string{fmt.Sprintf("WEIR_FAILPOINT=%s:*:%d=kill", point, n)}
		w.Start()
		r.dies(w)
	}
	w.Start()
	r.flow(500)
	r.verified()
}

// frozen stops a process for longer than its seat is kept.
func frozen(r *round) {
	r.prepare(setting{})
	w := r.start()
	r.feed(loadOptions{rate: 800})
	other := r.process()
	other.Start()
	r.live()
	r.flow(1_000)
	w.Signal(syscall.SIGSTOP)
	r.pass(sessionTimeout + r.between(0, 2*time.Second))
	r.flow(2_000) // the other has taken over
	w.Signal(syscall.SIGCONT)
	r.pass(3 * time.Second)
	r.flow(1_000)
	r.live()
	r.verified()
}

// frozenInCommit stops a process between TxnOffsetCommit and EndTxn.
func frozenInCommit(r *round) {
	r.prepare(setting{})
	w := r.process()
	w.Env = []string{fmt.Sprintf("WEIR_FAILPOINT=offset_sent:*:%d=stop", 40+r.rng.IntN(80))}
	w.Start()
	r.live()
	r.feed(loadOptions{rate: 800})
	rig.Await(r.t, "the process has stopped itself", time.Minute, func() (bool, string) { return w.Frozen(), "it runs" })
	other := r.process()
	other.Start()
	r.pass(sessionTimeout)
	r.flow(3_000)
	r.pass(r.between(4*time.Second, 6*time.Second)) // beyond the transaction timeout, 15 s
	w.Signal(syscall.SIGCONT)
	r.pass(2 * time.Second)
	r.flow(1_000)
	r.live()
	require.Positive(r.t, w.Logged("lost=true"), "it has to hear that it lost its partitions\n%s", w.LogTail())
	r.verified()
}

// zombieWithTimer lets a frozen process wake up when all it has to do is to say what another has said meanwhile.
func zombieWithTimer(r *round) {
	r.prepare(setting{})
	w := r.start()
	r.feed(loadOptions{})
	r.flow(5_000)
	r.load.end()
	r.pass(r.between(0, idleMillis*time.Millisecond*9/10))
	w.Signal(syscall.SIGSTOP)
	other := r.process()
	other.Start()
	r.pass(sessionTimeout)
	r.live()
	r.pass(idleMillis*time.Millisecond + 500*time.Millisecond)
	w.Signal(syscall.SIGCONT)
	r.pass(3 * time.Second)
	r.live()
	r.verified()
}

// oneIdentity starts a second process with the name of the first.
func oneIdentity(r *round) {
	r.prepare(setting{})
	elder := r.start()
	r.feed(loadOptions{})
	r.flow(2_000)
	younger := r.process()
	name, err := os.ReadFile(elder.IdentityFile())
	require.NoError(r.t, err)
	require.NoError(r.t, os.MkdirAll(filepath.Dir(younger.IdentityFile()), 0o755))
	require.NoError(r.t, os.WriteFile(younger.IdentityFile(), name, 0o644))
	younger.Start()
	r.refuses(elder)
	r.flow(2_000)
	r.live()
	r.verified()
}

// oneDirectory starts a second process where the first has its state.
func oneDirectory(r *round) {
	r.prepare(setting{})
	elder := r.start()
	r.feed(loadOptions{})
	r.flow(2_000)
	younger := r.processAt(r.kafka.Addr, elder.StateDir())
	younger.Start()
	r.refuses(younger)
	r.flow(2_000)
	r.verified()
}

// rolling grows to four processes and shrinks to the last of them.
func rolling(r *round) {
	r.prepare(setting{})
	r.start()
	r.feed(loadOptions{})
	for range 3 {
		r.process().Start()
		r.pass(r.between(200*time.Millisecond, 1500*time.Millisecond))
	}
	r.live()
	r.flow(1_500)
	for _, w := range r.processes[:3] {
		w.Stop()
		r.pass(r.between(0, 1500*time.Millisecond))
	}
	r.live()
	r.flow(1_500)
	for _, w := range r.processes {
		require.Zero(r.t, w.Logged("task dropped, recovering it"), "a rolling restart is no reason to drop a task\n%s", w.LogTail())
	}
	r.verified()
}

// revokeInCommit lets processes come and go while each commit takes 150 ms.
func revokeInCommit(r *round) {
	r.prepare(setting{})
	slow := "WEIR_FAILPOINT=offset_sent=hold+150ms"
	w := r.process()
	w.Env = []string{slow}
	w.Start()
	r.live()
	r.feed(loadOptions{})
	for i := range 4 {
		other := r.process()
		other.Env = []string{slow}
		other.Start()
		r.pass(r.between(1500*time.Millisecond, 3*time.Second))
		if i%2 == 0 {
			other.Stop()
		} else {
			w.Stop()
			w = other
		}
	}
	r.flow(1_000)
	aborted := 0
	for _, w := range r.processes {
		aborted += w.Logged("commit again") + w.Logged("task ended") + w.Logged("task dropped")
	}
	r.t.Logf("%d commits met a rebalance", aborted)
	r.verified()
}

// epochWrap commits as often as it can, without an end of the process.
func epochWrap(r *round) {
	const transactions = 40_000
	r.prepare(setting{partitions: 1, commit: "1ms", untold: true})
	w := r.start()
	r.feed(loadOptions{devices: 100, rate: 1_000})
	rig.Await(r.t, "transactions", 20*time.Minute, func() (bool, string) {
		m := w.Metrics()
		require.Zero(r.t, m["weir_tasks_dropped_total"], "the producer was made anew")
		return m["weir_commits_total"] > transactions, fmt.Sprintf("%.0f of %d", m["weir_commits_total"], transactions)
	})
	r.verified()
}
