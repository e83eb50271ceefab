package task

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weirstream/weir/alerts/commands"
	"github.com/weirstream/weir/event"
)

// clockPipelines are the pipelines of the other properties, with a clock that is
// restarted and without.
func clockPipelines() []string {
	var list []string
	for _, p := range propertyPipelines() {
		p = strings.Replace(p, ", reset_clock_after: 3s", "", 1)
		list = append(list, p, strings.Replace(p, "idle_after:", "reset_clock_after: 20s, idle_after:", 1))
	}
	return list
}

// wild gives the readings of d1, those in arrays as well, other times: a day
// ahead, back to 1970, an hour back and then running on from there, or just
// anything.
func wild(t *rapid.T, records []Record) []Record {
	stamped := regexp.MustCompile(`("device":"d1","metric":"[a-z]+","ts":")([^"]*)"`)
	off := event.Time(0)
	out := slices.Clone(records)
	for i := range out {
		out[i].Value = stamped.ReplaceAllFunc(out[i].Value, func(b []byte) []byte {
			part := stamped.FindSubmatch(b)
			at, err := time.Parse(time.RFC3339, string(part[2]))
			require.NoError(t, err)
			was := event.Time(at.UnixMilli())
			switch rapid.IntRange(0, 9).Draw(t, "jump") {
			case 0:
				off = 0
			case 1:
				off = 86_400_000
			case 2:
				off = 50_000
			case 3:
				off = -3_600_000
			case 4:
				off = -was // 1970
			case 5:
				off = event.Time(rapid.IntRange(-7_200_000, 7_200_000).Draw(t, "by"))
			}
			return fmt.Appendf(nil, `%s%s"`, part[1], stamp(max(was+off, 0)))
		})
	}
	return out
}

// However wildly one device is stamped, what is said of the others is the same,
// to the byte.
func TestAWildClockTouchesNoOtherDevice(t *testing.T) {
	resets := 0
	rapid.Check(t, func(t *rapid.T) {
		pipeline, records := rapid.SampledFrom(clockPipelines()).Draw(t, "pipeline"), drawStream(t)
		want, got := uninterrupted(t, pipeline, records), uninterrupted(t, pipeline, wild(t, records))
		resets += int(got.task.Counters().Resets)
		for _, device := range []string{"", "d2", "d3", "d4", "d5"} {
			sameSaid(t, of(device, want.said), of(device, got.said))
		}
	})
	require.Positive(t, resets, "some clocks were to be restarted")
}

// A wild clock, too, survives any crash, and what wall time says on the way.
func TestRestartsOfAWildClockChangeNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pipeline, records := rapid.SampledFrom(clockPipelines()).Draw(t, "pipeline"), wild(t, drawStream(t))
		want, got := uninterrupted(t, pipeline, records), newPlant(t, pipeline, plantOptions{roster: propertyRoster})
		for i := range records {
			switch rapid.IntRange(0, 4).Draw(t, "then") {
			case 0:
				got.restart()
			case 1:
				got.advance(Now{Wall: records[i].Append})
			}
			require.NoError(t, got.fold(records[i]))
		}
		got.restart()
		got.advance(later(records, 3_600_000))
		for _, device := range []string{"", "d1", "d2", "d3", "d4", "d5"} {
			sameSaid(t, of(device, want.said), of(device, got.said))
		}
		require.Equal(t, want.task.Counters(), got.task.Counters())
	})
}

// What a device says after a reset is what a new one would, but for the number of
// resets and the ids that follow from it.
func TestAResetDeviceIsANewOne(t *testing.T) {
	pipeline := strings.Replace(propertyPipelines()[0], "idle_after:", "reset_clock_after: 10s, idle_after:", 1)
	rapid.Check(t, func(t *rapid.T) {
		before, after := ofOneDevice(drawStream(t)), ofOneDevice(drawStream(t))
		// The clock comes to stand an hour after all of them, and the next reading is of hours before.
		late := reading{device: "d1", metric: "temperature", at: after[0].Append - 7_200_000, value: "1", seq: -1}
		ahead := late
		ahead.appended = max(before[len(before)-1].Append, after[len(after)-1].Append) + 3_600_000
		ahead.at = ahead.appended
		late.appended = ahead.appended + 1_000
		cause := late
		cause.appended = late.appended + 10_000
		for i := range after {
			after[i].Append += cause.appended - cause.at
		}
		old, fresh := newPlant(t, pipeline, plantOptions{}), newPlant(t, pipeline, plantOptions{})
		require.NoError(t, old.fold(append(before, ahead.record(), late.record())...))
		resets := old.task.Counters().Resets + 1
		old.said, fresh.offset = nil, old.offset
		for _, p := range []*plant{old, fresh} {
			require.NoError(t, p.fold(append([]Record{cause.record()}, after...)...))
			p.advance(later(after, 3_600_000))
		}
		require.Equal(t, fresh.task.Counters().Resets+resets, old.task.Counters().Resets)
		reset := slices.IndexFunc(old.said, func(o said) bool { return strings.Contains(o.value, `"event":"clock_reset"`) })
		sameSaid(t, nameless(t, fresh.said, 0), nameless(t, old.said[reset+1:], resets))
	})
}

// ofOneDevice gives all readings to d1.
func ofOneDevice(records []Record) []Record {
	device := regexp.MustCompile(`"device":"d[0-9]"`)
	for i := range records {
		records[i].Value = device.ReplaceAll(records[i].Value, []byte(`"device":"d1"`))
	}
	return records
}

// nameless is what was said without what numbers and names it; resets are counted
// from that many.
func nameless(t *rapid.T, all []said, resets uint64) []said {
	var list []said
	for _, o := range all {
		var fields map[string]any
		require.NoError(t, json.Unmarshal([]byte(o.value), &fields))
		delete(fields, "id")
		if fields["schema"] != quarantineSchema {
			n, _ := fields["resets"].(float64)
			fields["resets"] = n - float64(resets)
		}
		value, err := json.Marshal(fields)
		require.NoError(t, err)
		list = append(list, said{topic: o.topic, key: o.key, value: string(value)})
	}
	return list
}

// Where records carry their producers' times, a task that was recovered does not know for
// how long weir was down before: no device counts as silent until it has caught up, and
// then from that time on.
func TestNoSilenceBeforeCaughtUp(t *testing.T) {
	p := newPlant(t, "time: {idle_after: 5m}\nrules:\n- {name: quiet, no_data: 15m}\n- {name: hot, when: temperature, levels: {warning: {above: 50}}}\n", plantOptions{wallStamped: true})
	p.commands = &commands.Set{}
	p.setCommands()
	minute := func(n event.Time) Now { return Now{Wall: scriptDay + n*60_000, Position: p.offset} }
	p.advance(minute(10))
	p.at("a", "temperature", 10, 60)
	require.Len(t, p.alerts(), 1)
	p.restart()
	p.advance(minute(100)) // it was down for long
	p.advance(minute(110))
	p.restart()
	p.at("a", "temperature", 111, 60)
	require.Empty(t, p.alerts(), "it was not silent for 15 minutes since weir came back")
	p.advance(minute(120))
	p.advance(minute(134))
	require.Empty(t, p.alerts())
	p.advance(minute(135))
	said := p.alerts()
	require.Len(t, said, 1)
	require.Contains(t, said[0].value, `"rule":"quiet"`)
	require.Contains(t, said[0].value, `"at":"2026-03-01T02:15:00.000Z"`)
}
