package oracle

import (
	"maps"
	"slices"

	"github.com/weirstream/weir/event"
)

// A rule on silence watches a device that was heard, or one that the roster names. Of
// those that it names, t.devices has one each, heard or not.

// byRoster reports whether a rule on silence watches whom the roster names.
func (t *task) byRoster(rule int) bool { return t.p.Rules[rule].NoData.Expect == "roster" }

// watches reports whether a rule on silence watches a device.
func (t *task) watches(d *device, rule int) bool {
	if t.byRoster(rule) {
		return d.named
	}
	return d.heard
}

// from is when the silence began that a rule counts.
func (t *task) from(d *device, rule int) event.Time {
	if t.byRoster(rule) {
		return max(d.seen, d.expected)
	}
	return d.seen
}

// silence is for how long a device has been silent at a time, in seconds.
func (t *task) silence(d *device, rule int, at event.Time) measure {
	return measure{value: seconds(at - t.from(d, rule))}
}

// missedAt is when a rule on silence fires.
func (t *task) missedAt(d *device, rule int) (at event.Time, ok bool) {
	silence := t.p.Rules[rule].NoData
	if silence == nil {
		return 0, false
	}
	return t.from(d, rule) + silence.After, t.watches(d, rule) && !d.rules[rule].firing
}

// miss fires a rule on silence.
func (t *task) miss(d *device, rule int) {
	m := &d.rules[rule]
	m.begin(t.moment)
	m.firing, m.level = true, 0
	o := observation{time: t.moment, value: t.silence(d, rule, t.moment), cause: cause{reason: "silence"}}
	t.say(d, rule, alert{state: "firing", level: 0, previous: none, threshold: t.threshold(d, rule, 0)}, o)
}

// breakSilence resolves what rules on silence have open on a device that is heard.
func (t *task) breakSilence(d *device, by cause) {
	for _, rule := range t.rules.silent {
		t.hear(d, rule, by)
	}
}

// hear resolves a rule on silence, if it fires.
func (t *task) hear(d *device, rule int, by cause) {
	m := &d.rules[rule]
	if !m.firing {
		return
	}
	m.firing = false
	o := observation{time: t.clock, value: t.silence(d, rule, t.clock), cause: by}
	t.say(d, rule, alert{state: "resolved", level: 0, previous: 0, threshold: t.threshold(d, rule, 0)}, o)
}

// goOnMissing goes on with the rules on the silence of whom the roster names, when all
// else of a device is forgotten.
func (t *task) goOnMissing(d *device) {
	if !d.named {
		return
	}
	next := newDevice(t.p, d.name)
	next.named, next.expected, next.seen, next.resets = true, d.expected, d.seen, d.resets
	t.devices[d.name] = next
	for _, rule := range t.rules.silent {
		if t.byRoster(rule) {
			next.rules[rule] = d.rules[rule]
			t.await(next, deed{rule: rule})
			t.await(next, deed{rule: rule, kind: repeats})
			t.await(next, deed{rule: rule, kind: escalates})
		}
	}
	t.await(next, beforeRules())
	t.spoken = append(t.spoken, next)
}

// expect compares the version of the roster in force with the one before: whom it
// does not name any more is struck, whom it names anew is expected from now on.
func (t *task) expect(before *roster) {
	if !slices.ContainsFunc(t.rules.silent, t.byRoster) {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(before.all())) {
		if d := t.devices[name]; !t.roster.names(name) && d != nil && d.named {
			t.strike(d)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(t.roster.all())) {
		if before.names(name) || !t.isHere(name) {
			continue
		}
		d := t.devices[name]
		if d == nil {
			d = newDevice(t.p, name)
			t.devices[name] = d
		}
		d.named, d.expected = true, t.clock
		t.awaitMissing(d)
	}
}

// awaitMissing waits for the time at which a device that the roster names is missed.
func (t *task) awaitMissing(d *device) {
	for _, rule := range t.rules.silent {
		t.await(d, deed{rule: rule})
	}
}

// expectFrom says since when those are expected whom the roster named before the
// task's clock was set.
func (t *task) expectFrom(at event.Time) {
	for _, d := range t.devices { // unordered: the agenda has an order of its own
		if d.named {
			d.expected = at
			t.awaitMissing(d)
		}
	}
}

// strike ends what rules have open on a device because the roster does not name it
// any more.
func (t *task) strike(d *device) {
	for _, rule := range t.rules.silent {
		if t.byRoster(rule) {
			t.hear(d, rule, cause{reason: "struck"})
			d.rules[rule] = machine{}
		}
	}
	d.named = false
	if !d.heard {
		d.forgotten = true
		delete(t.devices, d.name)
	}
}

// isHere reports whether a device belongs into this partition.
func (t *task) isHere(device string) bool {
	return t.in.Partitions < 1 || partitionOf(t.p.Source.Partitioner, device, t.in.Partitions) == t.in.Partition
}

// all are the devices that a roster names.
func (r *roster) all() map[string]labels {
	if r == nil {
		return nil
	}
	return r.devices
}

// names reports whether a roster names a device.
func (r *roster) names(device string) bool {
	_, ok := r.all()[device]
	return ok
}
