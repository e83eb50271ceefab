//go:build real

package killtest

import (
	"testing"

	"github.com/weirstream/weir/internal/realbrokers"
	"github.com/weirstream/weir/internal/rig"
)

func openCluster(t *testing.T) *rig.Cluster {
	t.Helper()
	return rig.OpenCluster(t, realbrokers.Kafka(t))
}
