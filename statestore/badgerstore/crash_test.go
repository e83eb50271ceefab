package badgerstore

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/statestore"
)

const (
	crashDir   = "WEIR_CRASH_DIR"
	crashPages = 200
)

// TestMarkerHasItsPagesAfterKill kills a process amid its checkpoints, many
// times over, and looks at what the disk has.
func TestMarkerHasItsPagesAfterKill(t *testing.T) {
	if dir := os.Getenv(crashDir); dir != "" {
		checkpointForever(dir)
	}
	dir := t.TempDir()
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 0))
	t.Logf("seed %d", seed)
	var last uint64
	for round := range 6 {
		killChild(t, dir, random.IntN(40)+1)
		s := openStore(t, dir)
		task := s.Task(3)
		m, ok, err := task.Marker()
		require.NoError(t, err)
		if ok {
			require.GreaterOrEqual(t, m.Seq, last, "round %d", round)
			last = m.Seq
			n := 0
			require.NoError(t, task.Load(func(im statestore.Image) error {
				n++
				seq := binary.LittleEndian.Uint64(im.Data)
				if seq < m.Seq || seq > m.Seq+1 {
					return fmt.Errorf("page %v is of record %d, the marker of %d", im.ID, seq, m.Seq)
				}
				return nil
			}))
			require.Equal(t, crashPages, n, "round %d, marker %d", round, m.Seq)
		}
		require.NoError(t, s.Close())
	}
	require.Positive(t, last)
}

// killChild runs checkpointForever and kills it after some lines of its output:
// one comes before each step, so the kill falls anywhere.
func killChild(t *testing.T, dir string, lines int) {
	t.Helper()
	child := exec.Command(os.Args[0], "-test.run=^TestMarkerHasItsPagesAfterKill$")
	child.Env = append(os.Environ(), crashDir+"="+dir)
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, child.Start())
	scan := bufio.NewScanner(out)
	for range lines {
		require.True(t, scan.Scan(), "the child ended by itself")
	}
	require.NoError(t, child.Process.Kill())
	_ = child.Wait()
}

func checkpointForever(dir string) {
	must := func(err error) {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	s, err := Open(dir, Options{BootID: "boot", BallastBytes: -1})
	must(err)
	task := s.Task(3)
	m, ok, err := task.Marker()
	must(err)
	if !ok {
		must(task.Begin([16]byte{9}))
	}
	for seq := m.Seq + 1; ; seq++ {
		for i := range uint32(crashPages) {
			data := make([]byte, 4000)
			binary.LittleEndian.PutUint64(data, seq)
			must(task.Write([]statestore.Image{{ID: statestore.PageID{Column: int32(i % 3), Index: i}, Data: data}}))
			if i%64 == 0 {
				fmt.Println("wrote", seq, i)
			}
		}
		must(task.Flush())
		fmt.Println("flushed", seq)
		must(task.Mark(Marker{Lineage: [16]byte{9}, Seq: seq}))
		fmt.Println("marked", seq)
	}
}
