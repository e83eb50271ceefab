package configs

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"

	"github.com/weirstream/weir/operators/roster"
)

// roster reads the file that names the devices: the labels in it are part of what
// the pipeline file may say.
func (c *checker) roster() {
	d := c.doc.Devices
	if d == nil {
		return
	}
	t := &d.Roster
	if !t.ok() || d.bad {
		return
	}
	r := Roster{Path: t.value, File: t.value}
	if !filepath.IsAbs(r.File) {
		r.File = filepath.Join(filepath.Dir(c.file), r.File)
	}
	if c.o.ReadFile == nil {
		c.errorf(t.at, "%s: files cannot be read here", t)
		return
	}
	content, err := c.o.ReadFile(r.File)
	if err != nil {
		c.errorf(t.at, "%s: %v", t, err)
		return
	}
	c.fleet, err = roster.Parse(content)
	var wrong *roster.Error
	switch {
	case errors.As(err, &wrong) && wrong.Line > 0:
		c.errorf(t.at, "%s, line %d: %s", t, wrong.Line, wrong.Reason)
		return
	case err != nil:
		c.errorf(t.at, "%s: %v", t, err)
		return
	}
	r.Labels = c.fleet.Labels()
	c.p.Roster = &r
	if c.fleet.Len() == 0 {
		c.warnf(t.at, "%s names no device", t)
	}
	for _, l := range r.Labels {
		if isOwnLabel(l.Name) {
			c.warnf(t.at, "%s: alerts have a label %s of their own, so the column of that name is not in them", t, l.Name)
		}
	}
}

// labelNames are the names of the labels; none where there is no usable roster.
func (c *checker) labelNames() []string {
	if c.p.Roster == nil {
		return nil
	}
	var names []string
	for _, l := range c.p.Roster.Labels {
		names = append(names, l.Name)
	}
	return names
}

// label returns what is wrong with a reference to a label, in words that follow
// what was written, or nothing. A roster that could not be read has been complained
// about.
func (c *checker) label(name string, want roster.Kind) string {
	switch names := c.labelNames(); {
	case c.doc.Devices == nil:
		return "needs a roster that gives the label; write devices: {roster: FILE}, a CSV file with the columns device and " + orWord(shorten(name), "the label")
	case c.p.Roster == nil:
		return ""
	case name == "" || !slices.Contains(names, name):
		if len(names) == 0 {
			return "is no label: the roster " + c.p.Roster.Path + " has no column but device"
		}
		return "is no label of the roster " + c.p.Roster.Path + ", which has " + andList(names) + suggest(name, names)
	}
	if err := c.fleet.Serves(roster.Label{Name: name, Kind: want}); err != nil {
		return "is no number for every device: " + c.p.Roster.Path + ", " + err.Error()
	}
	return ""
}

// ownThreshold checks a threshold that is a label.
func (c *checker) ownThreshold(t *threshold) {
	if !t.set || t.bad || !t.own {
		return
	}
	if problem := c.label(t.label, roster.Number); problem != "" {
		c.errorf(t.at, "%s %s", t, problem)
		t.bad = true
	}
}

// ownThresholds are the thresholds of a level that the device's labels give, by
// key; nil where none does.
func (l *levelDoc) ownThresholds() map[string]string {
	var labels map[string]string
	for _, t := range []*threshold{&l.Above, &l.Below, &l.ClearBelow, &l.ClearAbove} {
		if t.set && !t.bad && t.own {
			if labels == nil {
				labels = make(map[string]string)
			}
			labels[strings.TrimPrefix(lastKey(t.path), ".")] = t.label
		}
	}
	return labels
}
