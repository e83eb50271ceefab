package commands

import (
	"cmp"
	"maps"
	"slices"
)

// Set is what the records of the topic leave in force. The zero value is that of an
// empty topic. It is not for several goroutines; the versions it gives are.
//
// Invariants: (1) what is in force depends only on the last record of each key; (2) a
// list that is not nil is the sorted content of its map, and is not written to again.
type Set struct {
	offset   int64
	acks     kept[Ack]
	silences kept[Silence]
	inhibits kept[Inhibit]
	version  *Version // of what is in force; nil: to be made
}

// kept is what is in force of one kind, by key.
type kept[T any] struct {
	byKey map[string]T
	list  []T // sorted; nil: to be made
}

// Apply takes the next record of the topic; nil for value takes the command of the
// key back. A record that is no command is reported, and then nothing is in force under
// its key: what stood there before is lost to compaction sooner or later.
func (s *Set) Apply(offset int64, key, value []byte) error {
	name := string(key)
	if value == nil {
		s.takeBack(offset, name)
		return nil
	}
	c, err := Parse(name, value)
	if err != nil {
		s.takeBack(offset, name)
		return err
	}
	switch c.Kind {
	case KindAck:
		s.acks.put(name, c.Ack)
	case KindInhibit:
		s.inhibits.put(name, c.Inhibit)
	default:
		s.silences.put(name, c.Silence)
	}
	s.changed(offset)
	return nil
}

func (s *Set) takeBack(offset int64, key string) {
	if s.acks.drop(key) || s.silences.drop(key) || s.inhibits.drop(key) {
		s.changed(offset)
	}
}

func (s *Set) changed(offset int64) { s.offset, s.version = offset+1, nil }

// Offset is behind the last record that changed what is in force; 0 where none did.
func (s *Set) Offset() int64 { return s.offset }

// Version returns what is in force. It is the same one as before where nothing has
// changed since. It costs what sorting the kinds of commands does that have changed.
func (s *Set) Version() *Version {
	if s.version == nil {
		s.version = &Version{
			offset:   s.offset,
			acks:     s.acks.sorted(func(a, b Ack) int { return cmp.Compare(a.ID, b.ID) }),
			silences: s.silences.sorted(func(a, b Silence) int { return cmp.Compare(a.key, b.key) }),
			inhibits: s.inhibits.sorted(func(a, b Inhibit) int { return a.compare(&b) }),
		}
		s.version.silences = s.version.silences[:min(len(s.version.silences), MaxSilences)]
	}
	return s.version
}

func (k *kept[T]) put(key string, item T) {
	if k.byKey == nil {
		k.byKey = map[string]T{}
	}
	k.byKey[key], k.list = item, nil
}

// drop reports whether there was something.
func (k *kept[T]) drop(key string) bool {
	if _, ok := k.byKey[key]; !ok {
		return false
	}
	delete(k.byKey, key)
	k.list = nil
	return true
}

func (k *kept[T]) sorted(compare func(a, b T) int) []T {
	if k.list == nil {
		k.list = slices.SortedFunc(maps.Values(k.byKey), compare)
	}
	return k.list
}
