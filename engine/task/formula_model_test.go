package task

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weirstream/weir/event"
)

const ratioPipeline = `
source: {topic: readings, reading: {device: id, metrics: [a, b, c]}}
dedupe: {by: off}
time: {wait_for_late: 5s, idle_after: 20s}
windows:
- {name: w, metric: a, tumbling: 10s, compute: [count, max]}
- {name: n, metric: b, count: 2, compute: [max]}
rules:
- {name: r, when: (w.max - c) / n.max, levels: {warning: {above: 1, clear_below: 0.5}}}
`

// ratios is a naive model of that pipeline, all of whose devices keep all they ever said.
type ratios struct {
	clock   event.Time
	devices map[string]*ratio
	errors  uint64
}

type ratio struct {
	clock, seen event.Time
	silent      bool
	windows     map[event.Time]*ratioWindow // by end
	counted     []stamped                   // of b
	newest      map[string]stamped          // of what the rule names
	news        []named
	fires, bad  bool
	last, start event.Time // of samples taken; -1: none
	value       float64
	number      int
	said        []string
}

type (
	ratioWindow struct {
		max   float64
		spoke bool
	}
	stamped struct {
		at    event.Time
		value float64
	}
	named struct {
		stamped
		name string
	}
)

func (m *ratios) device(name string) *ratio {
	if m.devices[name] == nil {
		m.devices[name] = &ratio{windows: map[event.Time]*ratioWindow{}, newest: map[string]stamped{}, last: -1}
	}
	return m.devices[name]
}

// raise raises the task's clock.
func (m *ratios) raise(now event.Time) {
	m.clock = max(m.clock, now)
	for _, d := range m.devices {
		if due := d.seen + 20_000; !d.silent && due <= m.clock {
			d.silent = true
			d.speak(func(end event.Time) bool { return d.clock < end+5_000 })
			m.settle(d, due)
		}
	}
}

// speak lets windows speak for the first time.
func (d *ratio) speak(which func(end event.Time) bool) {
	for end, w := range d.windows {
		if which(end) && !w.spoke {
			w.spoke = true
			d.news = append(d.news, named{stamped{end, w.max}, "w"})
		}
	}
}

func (m *ratios) object(name string, at event.Time, fields map[string]float64) {
	d := m.device(name)
	for _, field := range []string{"a", "b", "c"} {
		v, there := fields[field]
		if !there {
			continue
		}
		d.seen, d.silent = m.clock, false
		end := (at/10_000 + 1) * 10_000
		if before := d.clock; field == "a" && end+5_000 <= before || field != "a" && at+5_000 < before {
			continue // late
		}
		before := d.clock
		d.clock = max(before, at)
		d.speak(func(end event.Time) bool { return before < end+5_000 && end+5_000 <= d.clock })
		switch field {
		case "a":
			if w := d.windows[end]; w != nil {
				w.max = max(w.max, v)
			} else {
				d.windows[end] = &ratioWindow{max: v}
			}
		case "b":
			d.count(at, v)
		case "c":
			if d.newest["c"].at <= at {
				d.news = append(d.news, named{stamped{at, v}, "c"})
			}
		}
	}
	m.settle(d, m.clock)
}

// count takes b into the window of the two newest.
func (d *ratio) count(at event.Time, v float64) {
	if n := len(d.counted); n >= 2 && at < d.counted[n-2].at {
		return
	}
	d.counted = append(d.counted, stamped{at, v})
	slices.SortStableFunc(d.counted, func(x, y stamped) int { return int(x.at - y.at) })
	if n := len(d.counted); n >= 2 {
		d.news = append(d.news, named{stamped{d.counted[n-1].at, max(d.counted[n-1].value, d.counted[n-2].value)}, "n"})
	}
}

// settle takes what a cause has brought.
func (m *ratios) settle(d *ratio, moment event.Time) {
	byTime := map[event.Time][]named{}
	for _, n := range d.news {
		byTime[n.at] = append(byTime[n.at], n)
	}
	d.news = nil
	for _, at := range slices.Sorted(maps.Keys(byTime)) {
		for _, n := range byTime[at] {
			if d.newest[n.name].at <= at {
				d.newest[n.name] = n.stamped
			}
		}
		if len(d.newest) == 3 {
			m.look(d, at, moment)
		}
	}
}

func (m *ratios) look(d *ratio, at, moment event.Time) {
	w, c, n := d.newest["w"].value, d.newest["c"].value, d.newest["n"].value
	if n == 0 {
		m.errors++
		if d.fires && !d.bad {
			d.bad = true
			d.say("firing", max(moment, d.last), "error")
		}
		return
	}
	if d.bad {
		d.bad = false
		d.say("firing", max(moment, d.last), "worked")
	}
	v := (w - c) / n
	if !d.fires && (!(v > 1) || at == d.start) || at < d.last {
		return
	}
	d.last, d.value = at, v
	switch {
	case !d.fires:
		d.fires, d.start, d.number = true, at, 0
		d.say("firing", at, "")
	case v < 0.5:
		d.say("resolved", at, "")
		d.fires = false
	}
}

func (d *ratio) say(state string, at event.Time, reason string) {
	d.number++
	d.said = append(d.said, fmt.Sprintf("%s at=%s since=%s value=%v #%d error=%v %s", state, clock(at), clock(d.start), d.value, d.number, d.bad, reason))
}

// Whatever devices say, and whenever a task is lost and recovered, a rule on an
// expression says what the model does.
func TestFormulasEqualTheModel(t *testing.T) {
	total := map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		m := &ratios{devices: map[string]*ratio{}}
		p := newPlant(t, ratioPipeline, plantOptions{})
		now := scriptDay
		for range rapid.IntRange(1, 300).Draw(t, "steps") {
			now += event.Time(rapid.SampledFrom([]int{0, 0, 1, 2, 3, 5, 22}).Draw(t, "passed")) * 1000
			switch rapid.IntRange(0, 14).Draw(t, "step") {
			case 0:
				p.restart()
			case 1:
				p.advance(Now{Wall: now, Mono: int64(now - scriptDay)})
				m.raise(now)
			default:
				name := rapid.SampledFrom([]string{"x", "y"}).Draw(t, "device")
				at := now - event.Time(rapid.SampledFrom([]int{0, 0, 0, 1, 2, 4, 5, 23, 26}).Draw(t, "old"))*1000
				var value strings.Builder
				fmt.Fprintf(&value, `{"id":%q,"ts":%q`, name, stamp(at))
				fields := map[string]float64{}
				for i, f := range []string{"a", "b", "c"} {
					if v := rapid.SampledFrom([]float64{-1, 0, 0, 1, 2, 3, 8}).Draw(t, f); v >= 0 {
						fields[f] = v
						if f == "b" && v > 2 {
							fields[f] = 0 // errors are to last for a while
						}
						fmt.Fprintf(&value, `,%q:%v`, f, fields[f])
					} else if i == 2 && len(fields) == 0 {
						fields[f] = 1
						value.WriteString(`,"c":1`)
					}
				}
				value.WriteString("}")
				m.raise(now)
				m.object(name, at, fields)
				require.NoError(t, p.fold(Record{Append: now, Value: []byte(value.String())}))
			}
		}
		p.restart()
		p.advance(Now{Wall: now + 60_000, Mono: int64(now + 60_000 - scriptDay)})
		m.raise(now + 60_000)
		got := map[string][]string{}
		for _, o := range p.taken() {
			if strings.Contains(o.topic, "quarantine") {
				continue
			}
			var a alertRecord
			decodeStrictly(t, o.value, &a)
			require.Equal(t, "r", a.Rule)
			got[a.Device] = append(got[a.Device], fmt.Sprintf("%s at=%s since=%s value=%s #%d error=%v %s", a.State, clockOf(a.At), clockOf(a.StartsAt), a.Value, a.Episode.Event, a.Error,
				strings.TrimSuffix(a.Cause.Reason, "silence")))
			total[a.State+" "+a.Cause.Reason]++
		}
		for name, d := range m.devices {
			require.Equal(t, strings.Join(d.said, "\n"), strings.Join(got[name], "\n"), name)
		}
		require.Equal(t, m.errors, p.task.Counters().RuleErrors)
	})
	for _, what := range []string{"firing ", "resolved ", "firing error", "firing worked", "firing silence"} {
		require.Positive(t, total[what], "%q was to happen: %v", what, total)
	}
}
