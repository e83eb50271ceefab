//go:build real

package chaos

import (
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/internal/rig"
)

func stateScripts() map[string]script {
	return map[string]script{
		"state-deleted":      stateDeleted,
		"state-old-copy":     stateOldCopy,
		"state-bits-flipped": func(r *round) { r.damaged(flipBits) },
		"state-truncated":    func(r *round) { r.damaged(cutOff) },
		"state-read-only":    stateReadOnly,
		"disk-full":          diskFull,
	}
}

func stateDeleted(r *round) {
	r.prepare(setting{})
	w := r.start()
	r.feed(loadOptions{})
	for _, lost := range []string{w.BadgerDir(), w.StateDir()} {
		r.flow(2_500)
		w.Kill()
		require.NoError(r.t, os.RemoveAll(lost))
		w.Start()
	}
	r.flow(500)
	r.verified()
}

func stateOldCopy(r *round) {
	r.prepare(setting{})
	w := r.start()
	r.feed(loadOptions{})
	r.flow(2_500)
	if r.rng.IntN(2) == 0 {
		w.Kill()
	} else {
		w.Stop() // the copy is sealed
	}
	old := filepath.Join(r.t.TempDir(), "old")
	require.NoError(r.t, os.CopyFS(old, os.DirFS(w.StateDir())))
	w.Start()
	r.flow(4_000)
	w.Kill()
	require.NoError(r.t, os.RemoveAll(w.StateDir()))
	require.NoError(r.t, os.CopyFS(w.StateDir(), os.DirFS(old)))
	w.Start()
	r.flow(500)
	r.verified()
}

// damage spoils one file.
type damage func(rng *rand.Rand, file string) error

// flipBits flips a few bits anywhere in a file's first half, where Badger's preallocated files have content.
func flipBits(rng *rand.Rand, file string) error {
	text, err := os.ReadFile(file)
	if err != nil || len(text) == 0 {
		return err
	}
	for range 1 + rng.IntN(8) {
		text[rng.IntN(len(text))] ^= 1 << rng.IntN(8)
	}
	return os.WriteFile(file, text, 0o644)
}

func cutOff(rng *rand.Rand, file string) error {
	about, err := os.Stat(file)
	if err != nil || about.Size() == 0 {
		return err
	}
	return os.Truncate(file, rng.Int64N(about.Size()))
}

// damaged spoils about half of the files of the local copy, four times, after a kill and after a clean stop in turns.
func (r *round) damaged(do damage) {
	r.prepare(setting{})
	w := r.start()
	r.feed(loadOptions{})
	for i := range 4 {
		r.flow(1_500)
		if i%2 == 0 {
			w.Kill()
		} else {
			w.Stop()
		}
		err := filepath.WalkDir(w.BadgerDir(), func(path string, entry fs.DirEntry, err error) error {
			// The ballast and the lock have no content.
			if err != nil || entry.IsDir() || entry.Name() == "ballast" || entry.Name() == "LOCK" || r.rng.IntN(2) == 0 {
				return err
			}
			r.t.Logf("spoils %s", entry.Name())
			return do(r.rng, path)
		})
		require.NoError(r.t, err)
		r.persist(w)
	}
	r.flow(500)
	r.verified()
}

// persist starts a process as a service manager does: again, where it dies in the attempt. Over some damage Badger panics in a
// goroutine of its own, and weir sets a store aside that has ended two processes.
func (r *round) persist(w *rig.Process) {
	r.t.Helper()
	w.Start()
	tries := 1
	rig.Await(r.t, "live after damage", time.Minute, func() (bool, string) {
		if w.Ended() {
			require.Less(r.t, tries, 3, "it does not come up\n%s", w.LogTail())
			require.Equal(r.t, 2, w.AwaitEnd("it has", time.Second), "it may end by a panic, not otherwise\n%s", w.LogTail())
			tries++
			w.Start()
		}
		return rig.Live(w.Metrics()) == r.pipe.partitions, "it is not"
	})
	r.t.Logf("live at start %d", tries)
}

// tmpfs mounts a small file system of the round's own.
func (r *round) tmpfs(size string) string {
	r.t.Helper()
	dir := r.t.TempDir()
	out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size="+size, "weir-chaos", dir).CombinedOutput()
	if err != nil {
		r.t.Skipf("this fault needs %s, and mount says: %v %s", r.fault.Needs, err, out)
	}
	r.t.Cleanup(func() {
		out, err := exec.Command("umount", dir).CombinedOutput()
		require.NoError(r.t, err, string(out))
	})
	return dir
}

func stateReadOnly(r *round) {
	disk := r.tmpfs("600m")
	r.prepare(setting{})
	w := r.processAt(r.kafka.Addr, filepath.Join(disk, "state"))
	w.Start()
	r.live()
	r.feed(loadOptions{})
	r.flow(2_500)
	w.Kill()
	remount := func(how string) {
		out, err := exec.Command("mount", "-o", "remount,"+how, disk).CombinedOutput()
		require.NoError(r.t, err, string(out))
	}
	remount("ro")
	w.Start()
	r.refuses(w)
	remount("rw")
	w.Start()
	r.flow(500)
	r.verified()
}

// diskFull leaves less space than the store wants to have; the process has to end before Badger's memory maps fail.
func diskFull(r *round) {
	disk := r.tmpfs("600m")
	r.prepare(setting{})
	w := r.processAt(r.kafka.Addr, filepath.Join(disk, "state"))
	w.Start()
	r.live()
	r.feed(loadOptions{})
	r.flow(2_500)
	filler := filepath.Join(disk, "filler")
	r.fill(disk, filler)
	w.Signal(syscall.SIGTERM) // saves, which needs space
	require.Equal(r.t, 1, w.AwaitEnd("no space to save", 30*time.Second), "exit code\n%s", w.LogTail())
	w.Start()
	r.refuses(w)
	require.NoError(r.t, os.Remove(filler))
	w.Start()
	r.flow(500)
	r.verified()
}

// fill writes a file until hardly anything is free.
func (r *round) fill(disk, filler string) {
	r.t.Helper()
	var about syscall.Statfs_t
	require.NoError(r.t, syscall.Statfs(disk, &about))
	free := int64(about.Bavail) * about.Bsize
	file, err := os.Create(filler)
	require.NoError(r.t, err)
	defer file.Close()
	// fallocate, for a sparse file takes nothing.
	require.NoError(r.t, syscall.Fallocate(int(file.Fd()), 0, 0, free-8<<20))
}
