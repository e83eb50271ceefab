package task

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weirstream/weir/alerts/anomaly"
	"github.com/weirstream/weir/event"
)

// The pipelines that rules on anomalies are tried on: their windows are emitted, so
// that the samples of a rule can be read off the results.
func oddPipelines() []string {
	const manners = `, repeat_every: 7m, flapping: {changes: 2, within: 2h}`
	return []string{`
time: {wait_for_late: 5s, idle_after: 2m}
dedupe: {by: off}
rules:
- {name: odd, anomaly: {of: temperature, sensitivity: one false alarm per hour}` + manners + `}
- {name: hot, when: temperature, levels: {warning: {above: 13}}}
`, `
time: {wait_for_late: 5s, idle_after: 2m, late: update, allow_backfill: 1m}
dedupe: {by: off}
windows:
- {name: w, metric: temperature, tumbling: 20s, compute: [max, mean], emit: {topic: aggregates}}
- {name: n, metric: temperature, count: 3, compute: [mean], emit: {topic: counted}}
rules:
- {name: odd, anomaly: {of: w.mean, sensitivity: one false alarm per hour}` + manners + `}
- {name: hot, when: w.max, levels: {warning: {above: 13}, alarm: {above: 20}}}
- {name: three, anomaly: {of: n.mean, sensitivity: 2h, severity: note}}
`}
}

// oddStream is readings of two devices in which a few things are wrong, some of them
// late, early or at the same time as others.
func oddStream(t *rapid.T) []Record {
	r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
	var records []Record
	appended, shift := scriptDay+43_200_000, 0.0
	for range rapid.IntRange(700, 1300).Draw(t, "readings") {
		appended += event.Time(5_000 + r.IntN(2_000))
		if r.IntN(500) == 0 {
			appended += event.Time(r.IntN(3_600_000)) // silence
		}
		value := 10 + r.NormFloat64() + shift
		switch r.IntN(60) {
		case 0:
			value += 30
		case 1:
			shift = 6 - shift
		}
		at := appended - event.Time([]int{0, 0, 0, 0, 0, 4_000, 9_000, -1_000}[r.IntN(8)])
		records = append(records, reading{
			device: fmt.Sprintf("d%d", 1+r.IntN(5)/4), metric: "temperature", at: at, appended: appended,
			value: fmt.Sprintf("%.3f", value), seq: -1,
		}.record())
	}
	return records
}

// oddSample is a sample that a rule is to take.
type oddSample struct {
	at    event.Time
	value float64
}

// oddModel is one rule on one device, as docs/SEMANTICS.md has it.
type oddModel struct {
	detector *anomaly.Detector
	words    []uint64
	last     event.Time
	kind     anomaly.Kind
	firing   bool
	events   []string
}

func newOddModel(t require.TestingT, per event.Time) *oddModel {
	d, err := anomaly.Compile(anomaly.Options{FalseAlarmsPer: per})
	require.NoError(t, err)
	return &oddModel{detector: d, words: make([]uint64, d.Words()), last: -1 << 62}
}

func (m *oddModel) take(s oddSample) {
	if s.at <= m.last {
		return
	}
	m.last = s.at
	v := m.detector.Step(m.words, s.at, s.value)
	say := func(state string) {
		m.events = append(m.events, fmt.Sprintf("%s %s at %s value %v expected %v band %v score %v", state, m.kind, stamp(s.at), s.value, v.Expected, v.Band, v.Score))
	}
	if m.firing && (v.Alarm || v.Kind == anomaly.None) {
		m.firing = false
		say("resolved")
	}
	if v.Alarm {
		m.firing, m.kind = true, v.Kind
		say("firing")
	}
	if m.firing {
		m.kind = v.Kind
	}
}

// oddEvents are the events of a rule on a device that are not said again.
func oddEvents(t require.TestingT, all []said, rule, device string) []string {
	var events []string
	for _, o := range all {
		if o.topic != "weir.plant.alerts" || o.key != device {
			continue
		}
		var a alertRecord
		require.NoError(t, json.Unmarshal([]byte(o.value), &a))
		if a.Rule != rule || a.Repeat > 0 {
			continue
		}
		require.NotNil(t, a.Anomaly)
		require.Equal(t, "null", string(a.Threshold))
		events = append(events, fmt.Sprintf("%s %s at %s value %s expected %v band %v score %v",
			a.State, a.Anomaly.Kind, stamp(event.Time(a.At.UnixMilli())), a.Value, a.Anomaly.Expected, a.Anomaly.Band, a.Anomaly.Score))
	}
	return events
}

// firstEmissions are the samples that a result of a window has for rules.
func firstEmissions(t require.TestingT, all []said, window, key, result string, early event.Time) []oddSample {
	var samples []oddSample
	for _, o := range all {
		if o.topic != "aggregates" && o.topic != "counted" {
			continue
		}
		var r struct {
			Window   string
			End      time.Time
			Revision int
		}
		require.NoError(t, json.Unmarshal([]byte(o.value), &r))
		if r.Window != window || o.key != key || r.Revision != 1 {
			continue
		}
		for _, f := range fieldsOf(t, o.value) {
			if f.name == result {
				var v float64
				require.NoError(t, json.Unmarshal(f.value, &v))
				samples = append(samples, oddSample{event.Time(r.End.UnixMilli()) - early, v})
			}
		}
	}
	return samples
}

// A rule on anomalies says what the detector says of its samples, one by one.
func TestAnomalyModel(t *testing.T) {
	told := 0
	rapid.Check(t, func(t *rapid.T) {
		records := oddStream(t)
		metric, windows := newPlant(t, oddPipelines()[0], plantOptions{}), newPlant(t, oddPipelines()[1], plantOptions{})
		var took [2][]oddSample // by device, what was processed and was not older than the newest
		for i := range records {
			before := metric.task.Counters().Processed
			require.NoError(t, metric.fold(records[i]))
			if metric.task.Counters().Processed == before {
				continue
			}
			var r struct {
				Device string
				TS     time.Time
				Value  float64
			}
			require.NoError(t, json.Unmarshal(records[i].Value, &r))
			d := r.Device[1] - '1'
			took[d] = append(took[d], oddSample{event.Time(r.TS.UnixMilli()), r.Value})
		}
		require.NoError(t, windows.fold(records...))
		for d, device := range []string{"d1", "d2"} {
			for _, c := range []struct {
				plant   *plant
				rule    string
				per     event.Time
				samples []oddSample
			}{
				{metric, "odd", anomaly.Hour, took[d]},
				{windows, "odd", anomaly.Hour, firstEmissions(t, windows.said, "w", device, "mean", 0)},
				{windows, "three", 2 * anomaly.Hour, firstEmissions(t, windows.said, "n", device, "mean", 1)},
			} {
				m := newOddModel(t, c.per)
				for _, s := range c.samples {
					m.take(s)
				}
				require.Equal(t, m.events, oddEvents(t, c.plant.said, c.rule, device), "%s of %s", c.rule, device)
				told += len(m.events)
			}
		}
	})
	require.Greater(t, told, 20)
}

// A task that is lost and recovered again and again goes on as one that was not.
func TestAnomaliesAcrossRestarts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pipeline, records := rapid.SampledFrom(oddPipelines()).Draw(t, "pipeline"), oddStream(t)
		want, got := newPlant(t, pipeline, plantOptions{}), newPlant(t, pipeline, plantOptions{})
		require.NoError(t, want.fold(slices.Clone(records)...))
		often := rapid.IntRange(20, 300).Draw(t, "often")
		for rest := slices.Clone(records); len(rest) > 0; {
			n := rapid.IntRange(1, min(often, len(rest))).Draw(t, "chunk")
			require.NoError(t, got.fold(rest[:n]...))
			if rest = rest[n:]; rapid.Bool().Draw(t, "restart") {
				got.restart()
			} else {
				got.seal()
			}
		}
		got.restart()
		for _, p := range []*plant{want, got} {
			p.advance(later(records, 86_400_000))
			p.advance(later(records, 40*86_400_000))
			p.advance(later(records, 41*86_400_000)) // forgotten
		}
		for _, device := range []string{"d1", "d2"} {
			sameSaid(t, of(device, want.said), of(device, got.said))
		}
		require.Equal(t, want.task.Counters(), got.task.Counters())
		require.Zero(t, got.task.Counters().Firing)
	})
}

// Rules on windows over several devices learn each group.
func TestAnomaliesOfGroups(t *testing.T) {
	w := newWorks(t, `
dedupe: {by: off}
time: {wait_for_late: 5s, idle_after: 1m}
windows:
- {name: site, metric: temperature, tumbling: 30s, by: all, compute: [mean], emit: {topic: aggregates}}
rules:
- {name: odd, anomaly: {of: site.mean, sensitivity: one false alarm per hour}}
`, 2)
	r := rand.New(rand.NewPCG(1, 2))
	at := scriptDay
	for i := range 3000 {
		at += 5_000
		for partition, device := range []string{"h-0", "b-1"} {
			value := 20 + r.NormFloat64()
			if i > 2000 && i%500 < 10 && partition == 0 {
				value += 40
			}
			w.fold(partition, reading{device: device, metric: "temperature", at: at, appended: at, value: fmt.Sprintf("%.2f", value), seq: -1}.record())
		}
		if i%100 == 99 {
			w.deliver(-1)
		}
		if i%700 == 699 {
			for _, p := range append(slices.Clone(w.devices), w.groups...) {
				p.restart()
			}
		}
	}
	w.deliver(-1)
	for group, least := range map[string]int{"Hamburg": 4, "Bremen": 0} {
		m := newOddModel(t, anomaly.Hour)
		for _, s := range firstEmissions(t, w.said, "site", group, "mean", 0) {
			m.take(s)
		}
		require.Equal(t, m.events, oddEvents(t, w.said, "odd", group), group)
		require.GreaterOrEqual(t, len(m.events), least)
		for _, o := range w.said {
			if o.topic == "weir.plant.alerts" {
				require.Contains(t, o.value, `"by":"labels.site"`)
				require.Contains(t, o.value, `"summary":"`+o.key+`: odd is warning, site.mean = `)
			}
		}
	}
}
