package configs

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/operators/roster"
)

func TestPartsOfAPipeline(t *testing.T) {
	p, ds := parseFile(t, "testdata/good/groups.yaml")
	require.NotNil(t, p, ds.String())
	require.True(t, p.Grouped())

	devices := p.DevicePart()
	assert.Equal(t, []string{"own"}, names(devices))
	assert.Empty(t, devices.Rules)
	assert.Equal(t, []string{"temperature", "humidity"}, devices.Metrics, "devices gather what the groups need")
	assert.Equal(t, "weir.fleet", devices.Group)

	groups := p.GroupPart()
	assert.Equal(t, []string{"all_5m", "all_hop"}, names(groups))
	assert.Equal(t, []string{"temperature", "humidity"}, groups.Metrics)
	require.Len(t, groups.Rules, 2)
	assert.Equal(t, When{Window: 0, Result: "mean", Metric: 0}, groups.Rules[0].When)
	assert.Equal(t, When{Window: 1, Result: "max", Metric: 1}, groups.Rules[1].When)
	assert.Equal(t, "weir.fleet.partials", groups.Source.Topic)
	assert.Equal(t, "weir.fleet.groups", groups.Group)
	assert.Equal(t, "weir.fleet.groups.journal", groups.JournalTopic)
	assert.Equal(t, "weir.fleet.groups.quarantine", groups.QuarantineTopic)
	assert.Zero(t, groups.Time.WaitForLate)
	assert.Equal(t, event.Time(330_000), groups.Time.MaxFutureSkew)
	assert.Equal(t, p.State.Memory, devices.State.Memory+groups.State.Memory)
	assert.Equal(t, event.Time(120_000), groups.Windows[1].GroupPane())

	require.Len(t, p.Windows, 3, "the pipeline itself stays as it is")
	assert.Equal(t, 1, p.Rules[0].When.Window)
}

func TestPipelineWithoutGroupsIsItsOwnDevicePart(t *testing.T) {
	p, _ := parseFile(t, "testdata/good/smallest.yaml")
	assert.Same(t, p, p.DevicePart())
	assert.Nil(t, p.GroupPart())
}

func names(p *Pipeline) []string { return (&checker{p: p}).windowNames() }

// Labels are those of the roster, which tells the check what there is.
func TestLabelsOfTheRoster(t *testing.T) {
	by := func(value string) (*Window, string) {
		d := &decoder{file: "p.yaml"}
		c := &checker{decoder: d, p: &Pipeline{Roster: &Roster{Labels: []roster.Label{{Name: "site"}, {Name: "model"}}}}}
		doc := &windowDoc{}
		doc.By.value, doc.By.raw, doc.By.set, doc.By.path = value, value, true, "windows[0].by"
		doc.Tumbling.set = true
		w := &Window{}
		c.by(doc, w)
		return w, d.diags.String()
	}
	w, said := by("labels.site")
	assert.Empty(t, said)
	assert.Equal(t, "labels.site", w.By)
	assert.Equal(t, "site", w.GroupLabel())
	assert.Equal(t, "over all devices with the same site", sayBy(w))
	_, said = by("labels.sit")
	assert.Contains(t, said, `windows[0].by=labels.sit is no label of the roster; did you mean site?`)
	_, said = by("labels.plant")
	assert.Contains(t, said, "; it has site and model")
	_, said = by("site")
	assert.Contains(t, said, "did you mean labels.site?")
}

// A rolling window over several devices is a hopping one; a device's part of a session is as
// short as it takes for all of its readings to belong together.
func TestKindsOfGroups(t *testing.T) {
	p, ds := parseFile(t, "testdata/good/groups-kinds.yaml")
	require.Empty(t, ds)
	rolling := p.Windows[1]
	assert.Equal(t, Hopping, rolling.Kind)
	assert.Equal(t, event.Time(600_000), rolling.Size)
	assert.Equal(t, event.Time(12_000), rolling.Every)
	assert.Equal(t, event.Time(12_000), rolling.GroupPane())
	assert.Equal(t, Emit{Topic: "sites", On: "close"}, rolling.Emit, "it closes")
	assert.Equal(t, event.Time(75_000), p.Windows[0].GroupPane())
	assert.Equal(t, event.Time(1), (&Window{Kind: Session, Gap: 3}).GroupPane())
	assert.Zero(t, p.Windows[2].GroupPane(), "readings go by themselves")
	assert.Equal(t, Emit{Topic: "sites", On: "change"}, p.Windows[2].Emit)
}
