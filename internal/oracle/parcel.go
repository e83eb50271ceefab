package oracle

import (
	"encoding/binary"

	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/event"
)

// The kinds of records of the topic of partials; any other is of none.
const (
	isPartial   = 'p'
	isWatermark = 'w'
	partialMark = "wpt1"
)

// parcel is one record of the topic of partials, taken apart.
type parcel struct {
	record SourceRecord
	lies   int32 // the partition of the topic it lies in
	kind   byte  // p, w, or 0: it is neither

	upstream   int32 // the partition of the source
	partitions int32 // of the source, in a watermark
	mark       event.Time

	group    string
	window   string
	shape    uint64
	start    event.Time // of the pane
	first    event.Time // of its readings, for session windows
	last     event.Time
	readings int
	device   string
	words    []byte // of what was computed

	is *partial // what it was sent as; nil: nothing explains it
}

// parcelOf reads a record of the topic; named reports whether a window over several
// devices is called so. Names stand behind their length, numbers
// are unsigned varints, words are 8 bytes, big endian. The words of a session window
// begin with the times of the first and the last reading.
func parcelOf(record SourceRecord, named func(string) bool) *parcel {
	one := &parcel{record: record}
	value := record.Value
	if len(value) <= len(partialMark) || string(value[:len(partialMark)]) != partialMark {
		return one
	}
	r := &noteReader{rest: value[len(partialMark)+1:]}
	switch kind := value[len(partialMark)]; kind {
	case isPartial:
		one.window, one.shape = r.name(), r.fingerprint()
		one.upstream, one.start, one.readings, one.device = int32(r.number()), event.Time(r.number()), int(r.number()), r.name()
		one.group, one.words = string(record.Key), r.rest
		if !r.cut && len(r.rest)%8 == 0 && named(one.window) && one.readings > 0 {
			one.kind = kind
		}
	case isWatermark:
		one.upstream, one.partitions, one.mark = int32(r.number()), int32(r.number()), event.Time(r.number())
		if !r.cut && len(r.rest) == 0 && len(record.Key) == 0 {
			one.kind = kind
		}
	}
	return one
}

// timed reads the times that are told to a session window alone.
func (one *parcel) timed(c *configs.Window) {
	if c.Kind == configs.Session && len(one.words) >= 16 {
		one.first, one.last = event.Time(binary.BigEndian.Uint64(one.words)), event.Time(binary.BigEndian.Uint64(one.words[8:]))
	}
}
