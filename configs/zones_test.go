package configs

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// Every zone that is offered can be loaded, and nothing else.
func TestZones(t *testing.T) {
	require.True(t, slices.IsSorted(zoneNames()))
	for _, name := range zoneNames() {
		z, ok := zone(name)
		require.True(t, ok, name)
		require.Equal(t, name, z.String())
	}
	for _, name := range []string{"", "Local", "localtime", "../UTC", "right/UTC", "europe/berlin", "CEST"} {
		_, ok := zone(name)
		require.False(t, ok, name)
	}
}

func BenchmarkUnknownZone(b *testing.B) {
	for b.Loop() {
		suggest("Europe/Berln", zoneNames())
	}
}
