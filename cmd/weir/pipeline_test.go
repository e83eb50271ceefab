package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/statestore/badgerstore"
)

// A local store that cannot be used is set aside and begun anew, but not one that another process has open, or that a process could
// not open once.
func TestDamagedStoreIsSetAside(t *testing.T) {
	p := &configs.Pipeline{Name: "p"}
	p.State.Dir = t.TempDir()
	dir := filepath.Join(stateDir(p), "badger")
	aside, opening := dir+".damaged", dir+".opening"
	open := func() {
		t.Helper()
		s, err := openOrReplaceStore(p, "boot", testLog())
		require.NoError(t, err)
		require.NoFileExists(t, opening)
		require.NoError(t, s.Close())
	}
	open()
	require.NoDirExists(t, aside)

	require.NoError(t, os.WriteFile(filepath.Join(dir, "MANIFEST"), []byte("no manifest"), 0o644))
	open()
	require.DirExists(t, aside)
	require.NoError(t, os.RemoveAll(aside))

	require.NoError(t, os.WriteFile(opening, []byte("."), 0o644)) // a process was killed there
	open()
	require.NoDirExists(t, aside)
	require.NoError(t, os.WriteFile(opening, []byte(".."), 0o644))
	open()
	require.DirExists(t, aside)
	require.NoError(t, os.RemoveAll(aside))

	s, err := openOrReplaceStore(p, "boot", testLog())
	require.NoError(t, err)
	for range 3 {
		_, err = openOrReplaceStore(p, "boot", testLog())
		require.ErrorIs(t, err, badgerstore.ErrLocked)
	}
	require.NoDirExists(t, aside)
	require.NoError(t, s.Close())
}

// What has been opened is closed when a later step fails; there is no instance then.
func TestOpenInstanceThatFails(t *testing.T) {
	p := &configs.Pipeline{Name: "p"}
	p.State.Dir = filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(p.State.Dir, nil, 0o644))
	i, err := openInstance(p, instanceOptions{Logger: testLog()})
	require.Error(t, err)
	require.Nil(t, i)
}
