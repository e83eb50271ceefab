package commands

import (
	"cmp"
	"slices"
)

// Version is what the records below an offset leave in force. It is read only, its
// lists too, and may be shared by goroutines. The zero value is that of an empty topic.
type Version struct {
	offset   int64
	acks     []Ack
	silences []Silence
	inhibits []Inhibit
}

// Offset is behind the last record that had an effect; 0 where there was none. Versions
// of one topic are equal where their offsets are.
func (v *Version) Offset() int64 { return v.offset }

// Ack returns the acknowledgement of an episode. It allocates nothing.
func (v *Version) Ack(id string) (Ack, bool) {
	i, ok := slices.BinarySearchFunc(v.acks, id, func(a Ack, id string) int { return cmp.Compare(a.ID, id) })
	if !ok {
		return Ack{}, false
	}
	return v.acks[i], true
}

// Acks returns all acknowledgements in the order of their ids.
func (v *Version) Acks() []Ack { return v.acks }

// Silences returns all silences and times of maintenance, also those that are over or
// still to come, in the order of their keys.
func (v *Version) Silences() []Silence { return v.silences }

// Sources returns the alerts of a rule that fire and that inhibit others with that text
// in that label (its name without labels.), in the order of devices and groups. It allocates
// nothing. Whether a level is high enough, and whether the source is the alert in
// question itself, is for the caller to see.
func (v *Version) Sources(rule, label, text string) []Inhibit {
	from, _ := slices.BinarySearchFunc(v.inhibits, 0, func(i Inhibit, _ int) int {
		return cmp.Or(i.compareTo(rule, label, text), 1) // the first of them is behind us
	})
	to := from
	for to < len(v.inhibits) && v.inhibits[to].compareTo(rule, label, text) == 0 {
		to++
	}
	return v.inhibits[from:to]
}

// Inhibition is the question whether an alert is inhibited by a rule.
type Inhibition struct {
	Rule, Label, Text string            // of the source; the label's name without labels.
	Counts            func(string) bool // whether the source's level is high enough; nil: any is
	Target            Whose             // the alert in question, and its rule: no alert inhibits itself
	TargetRule        string
}

// Inhibits reports whether an alert other than the target answers the question. It allocates nothing.
func (v *Version) Inhibits(q Inhibition) bool {
	for _, source := range v.Sources(q.Rule, q.Label, q.Text) {
		if source.Whose == q.Target && source.Rule == q.TargetRule {
			continue
		}
		if q.Counts == nil || q.Counts(source.Level) {
			return true
		}
	}
	return false
}

// Inhibitors returns all alerts that inhibit others by a label, in the order of rule,
// label, text and source.
func (v *Version) Inhibitors() []Inhibit { return v.inhibits }
