package task

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weirstream/weir/event"
)

// patience is a naive model of rules on silence and of repeats: it knows each
// device's times and looks for what is due first, over and over.
type patience struct {
	clock   event.Time
	devices map[string]*patient
	said    map[string][]string // by device
}

type patient struct {
	seen, expected event.Time // 0: not heard, not expected; -1: expected since the clock is set
	hot            float64
	rules          [3]struct { // silent, missing, hot
		firing          bool
		start, from     event.Time
		since           event.Time // of the last firing that was no repeat
		repeats, number int
	}
}

const patiencePipeline = `
time: {wait_for_late: 0s, idle_after: 10s}
state: {forget_after: FORGET}
dedupe: {by: off}
devices: {roster: roster.csv}
rules:
- {name: silent, no_data: 20s, repeat_every: 60s}
- {name: missing, no_data: {after: 30s, expect: roster}, repeat_every: 90s}
- {name: hot, when: temperature, levels: {warning: {above: 50}}, repeat_every: 70s}
`

func patienceSpans() (after, every [3]event.Time) {
	return [3]event.Time{20_000, 30_000, 0}, [3]event.Time{60_000, 90_000, 70_000}
}

func (m *patience) device(name string) *patient {
	if m.devices[name] == nil {
		m.devices[name] = &patient{}
	}
	return m.devices[name]
}

func (m *patience) say(name string, rule int, state string, at event.Time, value float64, repeat int, reason string) {
	r := &m.devices[name].rules[rule]
	r.number++
	m.said[name] = append(m.said[name], fmt.Sprintf("%s %s at=%s since=%s value=%v repeat=%d #%d %s",
		[]string{"silent", "missing", "hot"}[rule], state, clock(at), clock(r.start), value, repeat, r.number, reason))
}

// from is since when a rule on silence counts for a device.
func (p *patient) from(rule int) (event.Time, bool) {
	switch {
	case rule == 0:
		return p.seen, p.seen > 0
	case rule == 1:
		return max(p.seen, p.expected), p.expected > 0
	}
	return 0, false
}

func (m *patience) raise(now event.Time) {
	if m.clock == 0 && now > 0 {
		for _, p := range m.devices {
			if p.expected < 0 {
				p.expected = now
			}
		}
	}
	m.clock = max(m.clock, now)
	after, every := patienceSpans()
	for _, name := range slices.Sorted(maps.Keys(m.devices)) {
		p := m.devices[name]
		for {
			first, due := -1, m.clock+1
			for k := range p.rules {
				r := &p.rules[k]
				from, watched := p.from(k)
				at := from + after[k]
				if r.firing {
					at, watched = r.since+event.Time(r.repeats+1)*every[k], true
				}
				if watched && at < due {
					first, due = k, at
				}
			}
			if first < 0 {
				break
			}
			r := &p.rules[first]
			if !r.firing {
				r.from, _ = p.from(first)
				r.firing, r.start, r.since, r.repeats, r.number = true, due, due, 0, 0
				m.say(name, first, "firing", due, float64(after[first])/1000, 0, "silence")
				continue
			}
			r.repeats++
			value := float64(due-r.from) / 1000
			if first == 2 {
				value = p.hot
			}
			m.say(name, first, "firing", due, value, r.repeats, "repeat")
		}
	}
}

// end ends a rule on silence.
func (m *patience) end(name string, rule int, reason string) {
	if r := &m.devices[name].rules[rule]; r.firing {
		m.say(name, rule, "resolved", m.clock, float64(m.clock-r.from)/1000, 0, reason)
		r.firing = false
	}
}

func (m *patience) reading(name string, at event.Time, value float64) {
	m.raise(at)
	p := m.device(name)
	m.end(name, 0, "")
	m.end(name, 1, "")
	p.seen, p.hot = m.clock, value
	switch r := &p.rules[2]; {
	case value > 50 && !r.firing:
		r.firing, r.start, r.since, r.repeats, r.number = true, at, m.clock, 0, 0
		m.say(name, 2, "firing", at, value, 0, "")
	case value <= 50 && r.firing:
		m.say(name, 2, "resolved", at, value, 0, "")
		r.firing = false
	}
}

func (m *patience) forget(name string, at event.Time) {
	p := m.devices[name]
	m.end(name, 0, "forgotten")
	if r := &p.rules[2]; r.firing {
		m.say(name, 2, "resolved", at, p.hot, 0, "forgotten")
	}
	if p.expected == 0 {
		delete(m.devices, name)
		return
	}
	kept := &patient{expected: max(p.seen, p.expected)}
	kept.rules[1] = p.rules[1]
	m.devices[name] = kept
}

func (m *patience) roster(names []string) {
	for _, name := range slices.Sorted(maps.Keys(m.devices)) {
		if p := m.devices[name]; p.expected != 0 && !slices.Contains(names, name) {
			m.end(name, 1, "struck")
			if p.expected = 0; p.seen == 0 {
				delete(m.devices, name)
			}
		}
	}
	for _, name := range names {
		if p := m.device(name); p.expected == 0 {
			if p.expected = m.clock; m.clock == 0 {
				p.expected = -1
			}
		}
	}
}

// Any history of readings, wall times, rosters and devices forgotten: what is said of
// each device is what the model says, in its order.
func TestSilenceAndRepeatsEqualAModel(t *testing.T) {
	fleet := []string{"a", "b", "c", "d"}
	versions := [][]string{{"a", "b"}, {"b", "c"}, {}, {"a", "b", "c"}}
	forgotten, struck := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		m := &patience{devices: map[string]*patient{}, said: map[string][]string{}}
		names := rapid.SampledFrom(versions).Draw(t, "first")
		p := newPlant(t, strings.Replace(patiencePipeline, "FORGET", rapid.SampledFrom([]string{"25s", "150s"}).Draw(t, "forget_after"), 1), plantOptions{roster: "device\n" + strings.Join(names, "\n")})
		m.roster(names)
		now := scriptDay
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			now += event.Time(rapid.SampledFrom([]int{0, 1, 5_000, 10_000, 20_000, 30_000, 61_000, 170_000}).Draw(t, "passed"))
			switch rapid.IntRange(0, 5).Draw(t, "what") {
			case 0:
				names = rapid.SampledFrom(versions).Draw(t, "version")
				p.setRoster("device\n" + strings.Join(names, "\n"))
				p.take()
				m.roster(names)
			case 1, 2:
				p.task.TakeFacts()
				p.advance(Now{Wall: now, Mono: int64(now - scriptDay), Position: p.offset})
				m.raise(now)
				for _, f := range p.task.facts.list {
					for _, name := range f.Forgotten {
						forgotten++
						m.forget(name, m.devices[name].seen)
					}
				}
			default:
				device, value := rapid.SampledFrom(fleet).Draw(t, "device"), rapid.SampledFrom([]float64{1, 60, 70}).Draw(t, "value")
				now++ // of two samples of one time a rule takes the first
				require.NoError(t, p.fold(reading{device: device, metric: "temperature", at: now, appended: now, value: fmt.Sprint(value), seq: -1}.record()))
				m.reading(device, now, value)
			}
			for _, device := range fleet {
				var got []string
				for _, o := range p.said {
					if o.key == device {
						got = append(got, patienceLine(t, o))
					}
				}
				require.Equal(t, m.said[device], got, device)
			}
		}
		for _, lines := range m.said {
			struck += strings.Count(strings.Join(lines, "\n"), "struck")
		}
	})
	require.Positive(t, forgotten)
	require.Positive(t, struck)
}

func patienceLine(t *rapid.T, o said) string {
	var a alertRecord
	decodeStrictly(t, o.value, &a)
	var value float64
	require.NoError(t, json.Unmarshal(a.Value, &value))
	return fmt.Sprintf("%s %s at=%s since=%s value=%v repeat=%d #%d %s",
		a.Rule, a.State, clockOf(a.At), clockOf(a.StartsAt), value, a.Repeat, a.Episode.Event, a.Cause.Reason)
}
