//go:build real

package killtest

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/alerts"
	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/internal/rig"
)

// outputs are a topic's records by device, in the order of the topic, without what must differ between two pipelines.
type outputs map[string][]string

// blank takes out the names of pipeline and source, offsets, the id that is made of the name, and the clock of the task, which follows wall
// time, as does the time at which something is only said again.
type blank struct{ names, places, times *regexp.Regexp }

func newBlank(of rig.Pipeline) blank {
	return blank{
		names:  regexp.MustCompile(`"(pipeline|topic)":"(` + regexp.QuoteMeta(of.Name) + `|` + regexp.QuoteMeta(of.Source) + `)"`),
		places: regexp.MustCompile(`"id":"[0-9a-f]{32}"|"offset":\d+|"task":"[^"]*"`),
		times:  regexp.MustCompile(`"at":"[^"]*"`),
	}
}

func (b blank) of(value string) string {
	if strings.Contains(value, `"reason":"`) {
		value = b.times.ReplaceAllString(value, `"at":"*"`)
	}
	return b.places.ReplaceAllString(b.names.ReplaceAllString(value, `"$1":"*"`), "*")
}

func (b blank) byDevice(records []rig.Record) outputs {
	found := outputs{}
	for _, r := range records {
		found[r.Device] = append(found[r.Device], b.of(r.Value))
	}
	return found
}

// twoRuns are the same outputs of a run without kills and of one with them.
type twoRuns struct{ whole, killed outputs }

// requireSame compares two runs record for record and shows the first record that differs, with its neighbours.
func requireSame(t *testing.T, what string, runs twoRuns) {
	t.Helper()
	differ := 0
	for device, wanted := range runs.whole {
		have := runs.killed[device]
		for i := range max(len(wanted), len(have)) {
			if i < len(wanted) && i < len(have) && wanted[i] == have[i] {
				continue
			}
			if differ++; differ <= 3 {
				t.Errorf("%s of %s differ from record %d on:\nwithout kills (%d):\n%s\nwith kills (%d):\n%s",
					what, device, i, len(wanted), around(wanted, i), len(have), around(have, i))
			}
			break
		}
	}
	for device := range runs.killed {
		if _, ok := runs.whole[device]; !ok {
			differ++
		}
	}
	require.Zero(t, differ, "devices whose %s differ", what)
}

func around(list []string, i int) string {
	var b strings.Builder
	for k := max(0, i-2); k < min(len(list), i+3); k++ {
		fmt.Fprintf(&b, "  %d %s\n", k, list[k])
	}
	return b.String()
}

// total is the number of records.
func (o outputs) total() int {
	n := 0
	for _, list := range o {
		n += len(list)
	}
	return n
}

// requireGapless checks the weir-seq of a pipeline's alerts: 1, 2, 3 and so on in each partition.
func requireGapless(t *testing.T, records []rig.Record) {
	t.Helper()
	last := map[int]int64{}
	for _, r := range records {
		seq, err := strconv.ParseInt(r.Header("weir-seq"), 10, 64)
		require.NoError(t, err, r.Headers)
		require.Equal(t, last[r.Partition]+1, seq, "weir-seq in partition %d at offset %d", r.Partition, r.Offset)
		last[r.Partition] = seq
	}
}

// requireIDs checks that the id of each alert is that of its episode, and that no event of an episode is there twice.
func requireIDs(t *testing.T, pipeline string, records []rig.Record) {
	t.Helper()
	seen := map[string]bool{}
	for _, r := range records {
		var a alert
		require.NoError(t, json.Unmarshal([]byte(r.Value), &a), r.Value)
		at := event.Time(a.Episode.Start.UnixMilli())
		require.Equal(t, alerts.EpisodeID(pipeline, a.Rule, r.Device, at, a.Resets), a.ID, r.Value)
		id := r.Header("weir-id")
		require.Equal(t, a.ID+"-"+strconv.Itoa(a.Episode.Event), id)
		require.False(t, seen[id], "%s is there twice: %s", id, r.Value)
		seen[id] = true
	}
}

// requireWindowsOnce checks that a device's windows of one name come in the order of their ends and none comes twice.
func requireWindowsOnce(t *testing.T, records []rig.Record, window string) {
	t.Helper()
	prefix := `"window":"` + window + `"`
	last := map[string]string{}
	for _, r := range records {
		if !strings.Contains(r.Value, prefix) {
			continue
		}
		var w struct{ End string }
		require.NoError(t, json.Unmarshal([]byte(r.Value), &w), r.Value)
		require.Less(t, last[r.Device], w.End, "ends of %s of %s", window, r.Device)
		last[r.Device] = w.End
	}
	require.NotEmpty(t, last, window)
}
