package kafka

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestFitting(t *testing.T) {
	key := []byte("store-1")
	require.Equal(t, Partitioners(), Fitting(key, Place{0, 1}))
	require.Empty(t, Fitting(key, Place{}))
	rapid.Check(t, func(t *rapid.T) {
		key, n := []byte(rapid.StringN(1, 9, -1).Draw(t, "key")), rapid.IntRange(1, 50).Draw(t, "partitions")
		found := 0
		for p := range n {
			for _, name := range Fitting(key, Place{p, n}) {
				found++
				partitionOf, err := Partitioner(name)
				require.NoError(t, err)
				require.Equal(t, p, partitionOf(key, n))
			}
		}
		require.Equal(t, len(Partitioners()), found, "each puts it in one place")
	})
}
