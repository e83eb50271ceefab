package task

import (
	"bytes"
	"strconv"

	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/event"
)

// subject is whose results and alerts they are: the device at work, or the group.
func (t *Task) subject() []byte {
	name := t.table.Name(t.slot)
	if t.groups == nil {
		return name
	}
	return name[bytes.IndexByte(name, 0)+1:]
}

// subjectKey is the key of the subject in a result.
func (c *Plan) subjectKey() string {
	if c.grouped {
		return `,"group":`
	}
	return `,"device":`
}

// byField follows the name of a group in a result; empty for devices.
func (c *Plan) byField(w *configs.Window) []byte {
	if !c.grouped {
		return nil
	}
	return appendString([]byte(`,"by":`), w.By)
}

// appendSubject appends whose alert it is.
func (t *Task) appendSubject(b []byte, spec *configs.Rule) []byte {
	b = append(b, t.plan.subjectKey()...)
	b = appendString(b, t.subject())
	if w := t.looksAt(spec); w != nil {
		b = append(b, t.plan.byField(w)...)
	}
	return b
}

// appendSubjectLabel appends the label that tells alerts of one rule apart: the
// device, or the label by which devices are a group. A window over the whole fleet
// has none, nor has one by a label that alerts use themselves.
func (t *Task) appendSubjectLabel(b []byte, spec *configs.Rule) []byte {
	label := "device"
	if t.groups != nil {
		switch label = t.looksAt(spec).GroupLabel(); label {
		case "", "alertname", "device", "pipeline", "severity":
			return b
		}
	}
	b = appendString(append(b, ','), label)
	return appendString(append(b, ':'), t.subject())
}

// quarantineLate puts a partial aside whose windows have all closed for good. Its
// readings are not lost: they are in the source, and what they add up to is here.
func (t *Task) quarantineLate(k int, rec *Record) {
	in := &t.groups.in
	w := t.plan.inlets[k].window
	t.out.begin(QuarantineTopic, rec.Key)
	b := append(t.out.arena, `{"schema":"`+quarantineSchema+`","pipeline":`...)
	b = appendString(b, t.plan.Pipeline.Name)
	b = append(b, `,"reason":`...)
	b = appendString(b, event.Late)
	b = append(b, `,"source":`...)
	b = t.appendCause(b, "")
	b = append(b, `,"appended":`...)
	b = t.stamps.append(b, rec.Append)
	b = append(b, `,"group":`...)
	b = appendString(b, rec.Key)
	b = append(b, t.plan.byField(w)...)
	b = append(b, `,"window":`...)
	b = appendString(b, w.Name)
	b = append(b, `,"device":`...)
	b = appendString(b, in.device)
	b = append(b, `,"upstream_partition":`...)
	b = strconv.AppendInt(b, int64(in.partition), 10)
	b = append(b, `,"start":`...)
	b = t.stamps.append(b, in.partial.Start)
	b = append(b, `,"end":`...)
	b = t.stamps.append(b, in.partial.End)
	b = append(b, `,"readings":`...)
	b = strconv.AppendUint(b, in.partial.Count, 10)
	t.out.arena = append(b, '}')
	t.out.end(0, "")
}
