package task

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weirstream/weir/alerts"
	"github.com/weirstream/weir/alerts/commands"
	"github.com/weirstream/weir/event"
)

const suppressedPipeline = `
source: {topic: readings, reading: {metrics: [power, temperature]}}
time: {wait_for_late: 0s, idle_after: 3m}
devices: {roster: roster.csv}
dedupe: {by: off}
rules:
- name: power
  when: power
  levels: {low: {below: 20}, none: {below: 10}}
  escalate: [{after: 20m, severity: page}, {after: 50m, unless: never, severity: chief}]
- name: hot
  when: temperature
  levels: {warm: {above: 50, hold: 2m}, hot: {above: 60}}
  keep_firing: 5m
  repeat_every: 17m
  schedule: {days: "sun,mon", from: "12:30", to: "14:00", timezone: Europe/Berlin}
  escalate: [{after: 30m, severity: page}]
- {name: silent, no_data: 25m, repeat_every: 40m}
inhibit:
- {source: {rule: power, level: none}, target: {rule: hot, level: warm}, equal: device}
- {source: {rule: silent}, target: {rule: power}, equal: device}
- {source: {rule: power}, target: {rule: silent}, equal: labels.site}
- {source: {rule: hot, level: hot}, target: {rule: hot}, equal: labels.site}
`

// suppressedStart is 11:00 in Berlin, on a Sunday.
const suppressedStart = scriptDay + 10*hour

// suppressedStep is something that happens to tasks.
type suppressedStep struct {
	wait   event.Time // of the task's clock, before it
	reads  string     // a message; empty: time passes
	device string
	key    string // a command, or what is taken back
	value  string
	ack    []string // rule and device whose alert is acknowledged, if it is open
	unack  bool
	roster string
	crash  bool
}

func drawSuppressed(t *rapid.T) []suppressedStep {
	var all []suppressedStep
	now := event.Time(0)
	device := func() string { return rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "device") }
	for range rapid.IntRange(1, 40).Draw(t, "steps") {
		s := suppressedStep{wait: event.Time(rapid.SampledFrom([]int{0, 1, 30, 60, 200, 1000, 1800, 5000}).Draw(t, "wait")) * 1000}
		now += s.wait
		switch rapid.IntRange(0, 9).Draw(t, "kind") {
		case 0, 1, 2, 3:
			s.device = device()
			s.reads = fmt.Sprintf(`"power":%d,"temperature":%d`, rapid.SampledFrom([]int{5, 15, 50}).Draw(t, "power"), rapid.SampledFrom([]int{1, 55, 65}).Draw(t, "temperature"))
		case 4:
			s.ack, s.unack = []string{rapid.SampledFrom([]string{"power", "hot", "silent"}).Draw(t, "rule"), device()}, rapid.Bool().Draw(t, "unack")
		case 5, 6:
			one := commands.Silence{Kind: commands.KindSilence, Name: rapid.SampledFrom([]string{"x", "y"}).Draw(t, "name")}
			one.Start = suppressedStart + now + event.Time(rapid.IntRange(-1000, 1000).Draw(t, "start"))*1000
			one.End = one.Start + event.Time(rapid.IntRange(1, 3000).Draw(t, "for"))*1000
			word := rapid.SampledFrom([]string{"rule=hot", "device=~[ab]", "level!=none", "labels.site=north", "rule!~hot|power"}).Draw(t, "matcher")
			one.Matchers = []commands.Matcher{matcherOf(t, word)}
			s.key = one.Key()
			if rapid.IntRange(0, 3).Draw(t, "back") > 0 {
				s.value = string(one.AppendValue(nil))
			}
		case 7:
			s.roster = "device,site\n"
			for _, d := range []string{"a", "b", "c"} {
				s.roster += d + "," + rapid.SampledFrom([]string{"north", "south", ""}).Draw(t, "site") + "\n"
			}
		case 8:
			s.crash = true
		}
		all = append(all, s)
	}
	return all
}

// suppressedRun is a task to which steps happen in a manner of its own.
type suppressedRun struct {
	*plant
	now     event.Time
	crashes bool       // it is recovered where others are not
	pace    event.Time // wall time enters this often; 0: where something happens
}

func newSuppressedRun(t *rapid.T, crashes bool, pace event.Time) *suppressedRun {
	p := newPlant(t, suppressedPipeline, plantOptions{roster: "device,site\na,north\nb,north\nc,south\n"})
	p.commands = &commands.Set{}
	p.advance(Now{Wall: suppressedStart})
	p.setCommands()
	return &suppressedRun{plant: p, now: suppressedStart, crashes: crashes, pace: pace}
}

func (r *suppressedRun) happen(s suppressedStep) {
	for to := r.now + s.wait; r.now < to; {
		if r.now = to; r.pace > 0 {
			r.now = min(r.now, event.Time(r.task.Clock()/r.pace+1)*r.pace)
		}
		r.advance(Now{Wall: r.now, Mono: int64(r.now - suppressedStart), Position: r.offset})
	}
	switch {
	case s.reads != "":
		value := fmt.Sprintf(`{"device":%q,"ts":%q,%s}`, s.device, stamp(r.now), s.reads)
		require.NoError(r.t, r.fold(Record{Append: r.now, Key: []byte(s.device), Value: []byte(value)}))
	case s.ack != nil:
		if id, a, open := r.openAck(s.ack); open && s.unack {
			r.command(commands.AckKey(id), "")
		} else if open {
			r.command(a.Key(), string(a.AppendValue(nil)))
		}
		r.setCommands()
	case s.key != "":
		r.command(s.key, s.value)
		r.setCommands()
	case s.roster != "":
		r.setRoster(s.roster)
		r.take()
	case s.crash:
		r.setCommands()
		if r.crashes {
			r.restart()
		}
	}
}

func (r *suppressedRun) openAck(whose []string) (string, commands.Ack, bool) {
	slot, ok := r.table.Lookup([]byte(whose[1]))
	k := slices.IndexFunc(r.plan.rules, func(o rule) bool { return o.spec.Name == whose[0] })
	if !ok || alerts.StateOf(r.table.Cell(r.plan.rules[k].col, 0, slot)) == alerts.OK {
		return "", commands.Ack{}, false
	}
	id := r.episode(whose[0], whose[1])
	return id, commands.Ack{ID: id, Rule: whose[0], Whose: commands.Whose{Device: whose[1]}, Author: "kim", At: suppressedStart}, true
}

// perKey are outputs by topic and key, numbers that count over all devices left out.
func perKey(all []said) map[string][]string {
	by := map[string][]string{}
	for _, o := range all {
		by[o.topic+" "+o.key] = append(by[o.topic+" "+o.key], o.value)
	}
	return by
}

// A task says the same, device by device, whether it is recovered now and then or not,
// and whether its clock moves at once or in steps; and what it has said agrees with what
// suppresses alerts.
func TestSuppressionSurvivesRecoveryAndDoesNotDependOnSteps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		runs := []*suppressedRun{newSuppressedRun(t, false, 0), newSuppressedRun(t, true, 0), newSuppressedRun(t, false, 7_000), newSuppressedRun(t, true, 300_000)}
		for _, s := range drawSuppressed(t) {
			for i, r := range runs {
				r.happen(s)
				r.checkSuppression()
				if i > 0 {
					require.Equal(t, perKey(runs[0].said), perKey(r.said), "run %d differs", i)
				}
			}
		}
	})
}

// checkSuppression compares what was said last of every alert with a naive look at
// schedules, silences and sources.
func (r *suppressedRun) checkSuppression() {
	last := map[string]alertRecord{}
	for _, o := range r.said {
		if strings.HasSuffix(o.topic, ".alerts") {
			var a alertRecord
			require.NoError(r.t, json.Unmarshal([]byte(o.value), &a))
			last[a.Rule+" "+a.Device] = a
			for _, by := range []string{"schedule", "silence/x", "silence/y"} {
				// Silences are of the version that was in force then; schedules are for ever.
				if by == "schedule" {
					require.Equal(r.t, !r.onSchedule(&a, event.Time(a.Clock.Task.UnixMilli())), slices.Contains(a.SuppressedBy, by), "%s", o.value)
				}
			}
		}
	}
	for _, a := range last {
		if a.State == "resolved" || a.State == "ok" || a.State == "pending" {
			continue
		}
		require.Equal(r.t, r.suppressedNow(&a, last), len(a.SuppressedBy) > 0, "%+v at %s", a, clock(r.task.Clock()))
		_, acked := r.commands.Version().Ack(a.ID)
		require.Equal(r.t, acked, a.Acked != nil, "%+v", a)
	}
}

func (r *suppressedRun) onSchedule(a *alertRecord, now event.Time) bool {
	if a.Rule != "hot" {
		return true
	}
	berlin, err := time.LoadLocation("Europe/Berlin")
	require.NoError(r.t, err)
	l := time.UnixMilli(int64(now)).In(berlin)
	minutes := l.Hour()*60 + l.Minute()
	return (l.Weekday() == time.Sunday || l.Weekday() == time.Monday) && minutes >= 12*60+30 && minutes < 14*60
}

func (r *suppressedRun) suppressedNow(a *alertRecord, last map[string]alertRecord) bool {
	now, v := r.task.Clock(), r.commands.Version()
	site := func(name string) string {
		for _, line := range strings.Split(r.roster, "\n") {
			if device, site, _ := strings.Cut(line, ","); name == "site" && device == a.Device {
				return site
			}
		}
		return ""
	}
	fires := func(rule string) bool {
		s := last[rule+" "+a.Device]
		return s.State == "firing" || s.State == "recovering"
	}
	if !r.onSchedule(a, now) {
		return true
	}
	for _, s := range v.Silences() {
		if s.Start <= now && now < s.End && s.Fits(commands.Subject{Rule: a.Rule, Device: a.Device, Level: *a.Level, Label: site}) {
			return true
		}
	}
	for _, in := range v.Inhibitors() {
		same := in.Text == site("site")
		switch {
		case a.Rule == "silent" && in.Rule == "power" && same:
			return true
		case a.Rule == "hot" && in.Rule == "hot" && in.Level == "hot" && same && in.Device != a.Device:
			return true
		}
	}
	switch a.Rule {
	case "hot":
		return *a.Level == "warm" && fires("power") && *last["power "+a.Device].Level == "none"
	case "power":
		return fires("silent")
	}
	return false
}
