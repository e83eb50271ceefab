package oracle

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/configs"
)

// fleetFiles are what fleetKinds becomes, and goes back to.
func fleetFiles(t *testing.T) (all []*configs.Pipeline) {
	for _, change := range []*strings.Replacer{
		strings.NewReplacer(),
		strings.NewReplacer( // other windows, in other places; and other rules on those that are kept
			"windows:\n", "windows:\n  - {name: first, metric: hum, tumbling: 5s, by: all, compute: [min], emit: {topic: out}}\n",
			"compute: [mean, delta, p95]", "compute: [max, mean, delta, p95]", "count: 5,", "count: 4,", "{name: fleet, when", "{name: whole, when",
			"rules:\n", "rules:\n  - {name: more, when: fleet.sum, levels: {some: {above: 20}}}\n  - {name: seen, when: visit.count, levels: {some: {above: 2}}}\n",
		),
		strings.NewReplacer( // fewer; others of the same name; one is said on close
			"  - {name: unsaid, metric: hum, tumbling: 4s, by: all, compute: [max]}\n", "", "  - {name: unsaid, when: unsaid.max, levels: {low: {below: 10}}}\n", "",
			"session: {gap: 3s}", "session: {gap: 4s}", "+ window told by all", "+ window told by labels.site", "topic: out, on: change", "topic: out",
			"{warm: {above: 12}}", "{warm: {above: 13}}",
		),
	} {
		all = append(all, extended(t, change.Replace(fleetKinds)))
	}
	return all
}

// Where tasks of devices and of groups go over to other files, each by itself, all is as it must be; and what breaks is found.
func TestFilesOfFleets(t *testing.T) {
	files := fleetFiles(t)
	happened := map[string]int{}
	for seed := range uint64(10) {
		h := newFleetHistory(files[0], seed, 120, files[1:]...)
		for i, r := range h.check() {
			require.Empty(t, r.Differences, "seed %d, report %d", seed, i)
			happened["changes"] += r.Files
			happened["dropped"] += r.Sent.Dropped
		}
		for _, b := range breaks() {
			c := h.copied(seed)
			if !b.do(c) {
				continue
			}
			happened[b.what]++
			wrong := 0
			for _, r := range c.check() {
				wrong += len(r.Differences)
			}
			require.NotZero(t, wrong, "seed %d: %s", seed, b.what)
		}
	}
	for _, what := range []string{"changes", "dropped", "an alert does not end with its rule", "a partial of a former shape is not put aside", "a correction is not said", "a correction is made up", "a file is not told"} {
		require.NotZero(t, happened[what], what)
	}
}

// breaking breaks a history, where it can.
type breaking struct {
	what string
	do   func(*fleetHistory) bool
}

func breaks() []breaking {
	return []breaking{
		{"an alert does not end with its rule", missed(`"reason":"removed"`)},
		{"a partial of a former shape is not put aside", missed(`"reason":"malformed"`)},
		{"a correction is not said", reworded(`"corrects_alert":true,`, "")},
		{"a correction is made up", reworded(`"final":true`, `"corrects_alert":true,"final":true`)},
		{"a file is not told", func(h *fleetHistory) bool {
			for _, f := range h.all() {
				for i := range f.in.Journal {
					f.in.Journal[i].File = h.p.Fingerprint ^ 1
				}
			}
			return true
		}},
	}
}

// missed loses one of the outputs that hold a text.
func missed(text string) func(*fleetHistory) bool {
	return func(h *fleetHistory) bool {
		return h.output(text, func(records []OutputRecord, at int) []OutputRecord { return slices.Delete(records, at, at+1) })
	}
}

// reworded changes a text in one of the outputs of groups that hold it.
func reworded(from, to string) func(*fleetHistory) bool {
	return func(h *fleetHistory) bool {
		return h.output(from, func(records []OutputRecord, at int) []OutputRecord {
			value := string(records[at].Value)
			if strings.Contains(value, `"corrects_alert":true`) != (to == "") || strings.Contains(value, `"merged_into"`) {
				return nil
			}
			records[at].Value = []byte(strings.Replace(value, from, to, 1))
			return records
		})
	}
}

// output does something to the first output that holds a text and is let.
func (h *fleetHistory) output(text string, do func([]OutputRecord, int) []OutputRecord) bool {
	for _, d := range h.tasks {
		var topics []string
		for topic := range d.in.Outputs {
			topics = append(topics, topic)
		}
		slices.Sort(topics)
		for _, topic := range topics {
			for i, r := range d.in.Outputs[topic] {
				if !strings.Contains(string(r.Value), text) {
					continue
				}
				if changed := do(slices.Clone(d.in.Outputs[topic]), i); changed != nil {
					d.in.Outputs[topic] = changed
					return true
				}
			}
		}
	}
	return false
}

// A partial whose shape is that of another window of its name is found.
func TestShapesOfFormerWindows(t *testing.T) {
	files := fleetFiles(t)
	f := NewFleet(files[0], partitionsOfFleet, files[1:]...)
	now, former := &files[0].Windows[2], &files[1].Windows[3]
	require.Equal(t, now.Name, former.Name)
	require.NotEqual(t, makeup(now), makeup(former))
	require.Empty(t, f.shaped(&parcel{shape: 1}, now))
	require.Empty(t, f.shaped(&parcel{shape: 1}, now))
	require.Contains(t, f.shaped(&parcel{shape: 2}, now), fmt.Sprintf("shape %016x", 2))
	require.Contains(t, f.shaped(&parcel{shape: 1}, former), "those of another window of its name")
	require.Empty(t, f.shaped(&parcel{shape: 2}, former))
	require.True(t, f.fits(&parcel{shape: 2}, former))
	require.False(t, f.fits(&parcel{shape: 1}, former))
}
