package badgerstore

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/statestore"
)

const damagedPages = 3_000

// A damaged store is known by the error of Open, or it says nothing and has every page; a few faults end the process, for Badger
// panics over them where nobody can catch it. So each is opened by a process of its own.
func TestDamageIsFound(t *testing.T) {
	if dir := os.Getenv("WEIR_DAMAGED_STORE"); dir != "" {
		openDamaged(t, dir)
		return
	}
	whole := t.TempDir()
	s := openStore(t, whole)
	task := s.Task(1)
	require.NoError(t, task.Begin([16]byte{1}))
	for i := range uint32(damagedPages) {
		require.NoError(t, task.Write([]statestore.Image{image(0, i, byte(i))}))
	}
	require.NoError(t, task.Flush())
	require.NoError(t, task.Mark(Marker{Lineage: [16]byte{1}, Seq: 1, Sealed: true}))
	require.NoError(t, s.Close())

	said, opened, died := 0, 0, 0
	for seed := range uint64(60) {
		dir := t.TempDir()
		require.NoError(t, os.CopyFS(dir, os.DirFS(whole)))
		what := spoil(t, rand.New(rand.NewPCG(seed, 0)), dir)
		child := exec.Command(os.Args[0], "-test.run=^TestDamageIsFound$")
		child.Env = append(os.Environ(), "WEIR_DAMAGED_STORE="+dir)
		out, err := child.CombinedOutput()
		require.NotContains(t, string(out), "--- FAIL", "seed %d: %s\n%s", seed, what, out)
		switch {
		case err != nil:
			require.Contains(t, string(out), "badger", "seed %d: %s\n%s", seed, what, out)
			died++
		case strings.Contains(string(out), "known as damaged"):
			said++
		default:
			opened++
		}
	}
	t.Logf("of 60 spoilt stores %d were refused as damaged, %d opened, and over %d Badger panicked", said, opened, died)
	require.Positive(t, said)
	require.Positive(t, opened)
	require.Less(t, died, 10)
}

// openDamaged is what the child process does.
func openDamaged(t *testing.T, dir string) {
	s, err := Open(dir, Options{BootID: "boot", BallastBytes: -1})
	if err != nil {
		require.ErrorIs(t, err, ErrDamaged)
		fmt.Println("known as damaged")
		return
	}
	task := s.Task(1)
	m, ok, err := task.Marker()
	if err != nil || !ok {
		return // nothing to go by: it is restored from the journal
	}
	require.Equal(t, uint64(1), m.Seq)
	pages := 0 // their content has checksums of its own
	if err := task.Load(func(statestore.Image) error { pages++; return nil }); err == nil {
		require.Equal(t, damagedPages, pages, "pages of a store that says nothing")
	}
}

// spoil flips bits in one file, or cuts it off.
func spoil(t *testing.T, rng *rand.Rand, dir string) string {
	var files []string
	require.NoError(t, filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() && !strings.HasSuffix(path, "LOCK") {
			files = append(files, path)
		}
		return err
	}))
	file := files[rng.IntN(len(files))]
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	what := fmt.Sprintf("%s of %d bytes", filepath.Base(file), len(text))
	if len(text) == 0 {
		return what
	}
	if rng.IntN(2) == 0 {
		cut := rng.IntN(len(text))
		require.NoError(t, os.Truncate(file, int64(cut)))
		return fmt.Sprintf("%s cut off at %d", what, cut)
	}
	for range 1 + rng.IntN(4) {
		at := rng.IntN(len(text))
		text[at] ^= 1 << rng.IntN(8)
		what += fmt.Sprintf(", bit flipped at %d", at)
	}
	require.NoError(t, os.WriteFile(file, text, 0o644))
	return what
}
