package oracle

import (
	"fmt"
	"slices"
	"strings"

	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/event"
)

// goesOn reports whether a window is the same in both files, and those that share panes with it.
func (c *change) goesOn(w, now *configs.Window) bool {
	if w.Name != now.Name || w.Metric != now.Metric || mannerOf(w) != mannerOf(now) || w.Size != now.Size || w.Every != now.Every || w.Offset != now.Offset || w.Gap != now.Gap ||
		w.Count != now.Count || w.By != now.By || fmt.Sprint(w.Location) != fmt.Sprint(now.Location) || !sameResults(w, now) {
		return false
	}
	switch {
	case w.Kind == configs.Count || w.Kind == configs.Rolling && !w.Grouped():
		return true // readings, one by one
	case w.Grouped() && c.to.groups == nil:
		return c.partsGoOn(w, now)
	case !w.Grouped() && c.from.p.Time.WaitForLate != c.to.p.Time.WaitForLate:
		return false // which of them have closed nobody has written down
	case w.Kind == configs.Session:
		return c.asLong("sessions " + w.Metric + " " + w.Name + "/")
	case w.Grouped(): // its panes are its own
		return c.asLong("panes " + w.Metric + " " + w.Name + "/")
	}
	var others [2][]string
	for i, p := range []*configs.Pipeline{c.from.p, c.to.p} {
		for k := range p.Windows {
			if o := &p.Windows[k]; o.Metric == w.Metric && !o.Grouped() && (o.Kind == configs.Tumbling || o.Kind == configs.Hopping) {
				others[i] = append(others[i], fmt.Sprint(o.Name, o.Size, o.Every, o.Offset, o.Location, o.Compute))
			}
		}
	}
	if slices.Equal(others[0], others[1]) && !c.timesDiffer() {
		return true // nothing has changed that it could share panes with
	}
	return c.columnGoesOn(func(column string) bool {
		return strings.HasPrefix(column, "panes "+w.Metric+" ") && strings.Contains(column, fmt.Sprintf(" %s/%d/%d", w.Name, w.Size, w.Every))
	})
}

// mannerOf is the kind of a window. Those of panes are all hopping, by as much as they say.
func mannerOf(w *configs.Window) configs.Kind {
	if w.Kind == configs.Tumbling || w.Kind == configs.Rolling && w.Grouped() {
		return configs.Hopping
	}
	return w.Kind
}

// sameResults reports whether what two windows keep serves the results of both. A count window keeps readings.
func sameResults(w, now *configs.Window) bool {
	return w.Kind == configs.Count || slices.Equal(w.Compute, now.Compute)
}

// timesDiffer reports whether the files differ in what says how many panes or sessions are kept.
func (c *change) timesDiffer() bool {
	a, b := c.from.p.Time, c.to.p.Time
	return a.WaitForLate != b.WaitForLate || a.MaxFutureSkew != b.MaxFutureSkew || a.AllowBackfill != b.AllowBackfill
}

// asLong reports whether as many panes or sessions are kept as before in the column that begins so.
func (c *change) asLong(begins string) bool {
	return !c.timesDiffer() || c.columnGoesOn(func(column string) bool { return strings.HasPrefix(column, begins) })
}

// columnGoesOn reports whether the column that is meant is in the layouts of both files.
func (c *change) columnGoesOn(is func(string) bool) bool {
	for column := range c.columns { // unordered: there is one
		if is(column) {
			return c.from.columns[column]
		}
	}
	return false
}

// partsGoOn reports whether what each device has gathered for a window over several goes on: its panes are the same.
func (c *change) partsGoOn(w, now *configs.Window) bool {
	of := func(w *configs.Window) string {
		return fmt.Sprint(w.Name, " ", w.Metric, " ", w.By, " ", w.Kind == configs.Session, " ", paneLength(w), " ", max(w.Size, w.Gap), " ", offsetOfPanes(w), " ", w.Location, " ", w.Compute)
	}
	return of(w) == of(now) && w.Kind != configs.Count && now.Kind != configs.Count && c.asLong("partials "+w.Metric+" "+w.Name+" by ")
}

// offsetOfPanes is where panes begin, within one.
func offsetOfPanes(c *configs.Window) event.Time {
	if c.Location != nil {
		return c.Offset
	}
	return c.Offset % paneLength(c)
}

// carryPanes carries over what a device has gathered for windows over several, or what a group has of panes that are too far ahead.
func (c *change) carryPanes(d *device) {
	kept := d.panes[:0:0]
	for _, p := range d.panes {
		k := slices.IndexFunc(c.to.p.Windows, func(now configs.Window) bool {
			return now.Grouped() && c.from.p.Windows[p.window].Name == now.Name && c.partsGoOn(&c.from.p.Windows[p.window], &now)
		})
		if k == none {
			c.to.parts.await(p.end, -1)
			c.to.parts.tally.Unsent -= len(p.samples)
			c.to.parts.tally.Dropped += len(p.samples)
			continue
		}
		p.window = k
		kept = append(kept, p)
	}
	d.panes, d.relook = kept, true
	far := d.far[:0:0]
	for _, p := range d.far {
		if k := slices.IndexFunc(c.to.p.Windows, func(now configs.Window) bool { return c.farGoesOn(&c.from.p.Windows[p.window], &now) }); k != none {
			p.window = k
			far = append(far, p)
		}
	}
	d.far = far
}

// farGoesOn reports whether panes that are too far ahead are still there. Those of sessions wait by themselves.
func (c *change) farGoesOn(w, now *configs.Window) bool {
	if w.Kind != configs.Session {
		return c.goesOn(w, now)
	}
	return now.Kind == configs.Session && w.Name == now.Name && w.Metric == now.Metric && w.By == now.By && paneLength(w) == paneLength(now) && slices.Equal(w.Compute, now.Compute)
}
