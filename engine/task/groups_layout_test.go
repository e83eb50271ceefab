package task

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/configs"
)

// State of devices and of groups is not read by a pipeline that puts devices
// together in another way, and a pipeline without groups has the state it had.
func TestLayoutOfGroups(t *testing.T) {
	layouts := func(by string) (devices, groups uint64) {
		p := parsePipeline(t, groupPipeline, "")
		p.Windows[0].By = by
		d, err := Compile(p)
		require.NoError(t, err)
		g, err := CompileGroups(p)
		require.NoError(t, err)
		require.Equal(t, d.Layout.Fingerprint(), d.own().Layout.Fingerprint())
		require.Equal(t, g.Layout.Fingerprint(), g.own().Layout.Fingerprint())
		return d.Layout.Fingerprint(), g.Layout.Fingerprint()
	}
	d1, g1 := layouts(configs.GroupAll)
	d2, g2 := layouts("labels.site")
	require.NotEqual(t, d1, d2)
	require.NotEqual(t, g1, g2)

	p := parsePipeline(t, propertyPipelines()[0], "")
	plan, err := Compile(p)
	require.NoError(t, err)
	require.Equal(t, "head with rules", plan.Layout.Columns[0].Name)
	require.Equal(t, int(FirstAggregateTopic)+len(plan.AggregateTopics)+1, plan.Topics(), "and commands")
	_, err = CompileGroups(p)
	require.EqualError(t, err, `pipeline "plant" has no windows over several devices`)
}
