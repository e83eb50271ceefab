package task

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// A device whose clock was never set begins in 1970, in a pane that began in 1969.
func TestPaneBeforeTheEpoch(t *testing.T) {
	w := newWorks(t, groupPipeline, 1)
	noon := scriptDay + 43_200_000
	w.wall = noon
	r := reading{device: "h-0", metric: "temperature", at: 5_000, appended: noon, value: "4", seq: -1}
	w.fold(0, r.record())
	w.advance(w.devices[0], noon+30_000) // it is silent
	w.deliver(-1)
	require.Zero(t, w.total(w.groups).Bad)
	found := finals(t, w.said)
	require.Equal(t, `"count":1,"sum":4,"min":4,"max":4}`, found["all all 1969-12-31T23:59:37.000Z"])
	require.Len(t, found, 1+4)
}
