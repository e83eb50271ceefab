package oracle

import "github.com/weirstream/weir/event"

// restarts reports whether a late reading makes the device's clock begin anew, and
// notes since when the device is late.
func (t *task) restarts(d *device, appended event.Time) bool {
	if !d.late {
		d.late, d.lateSince = true, appended
	}
	after := t.p.Time.ResetClockAfter
	return after > 0 && appended-d.lateSince >= after
}

// restart ends what a device has and returns it as a new one, which the reading is
// taken as the first of.
func (t *task) restart(d *device, m *messageState, r reading, at event.Time) *device {
	t.end(d, cause{offset: m.record.Offset})
	fresh := newDevice(t.p, d.name)
	fresh.resets, fresh.named, fresh.expected = d.resets+1, d.named, d.expected
	fresh.stood = d.stood // as the cause began
	t.spoken = append(t.spoken, fresh)
	t.devices[d.name] = fresh
	t.want(&want{topic: t.p.QuarantineTopic, device: d.name, restart: &restart{
		record: m.record, from: d.clock, to: at, lateSince: d.lateSince, resets: fresh.resets,
	}})
	m.judged = nil
	t.repeated(fresh, m, r, at) // nothing is known: it is new, and remembered
	m.judged = map[int]bool{r.sample: false}
	return fresh
}
