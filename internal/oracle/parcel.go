package oracle

import (
	"slices"

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
	window   int // of the pipeline
	shape    uint64
	start    event.Time // of the pane
	first    event.Time // of its readings, for session windows
	last     event.Time
	readings int
	device   string
	words    int

	is *partial // what it was sent as; nil: nothing explains it
}

// parcelOf reads a record of the topic. Names stand behind their length, numbers
// are unsigned varints, words are 8 bytes, big endian. The words of a session window
// begin with the times of the first and the last reading.
func parcelOf(p *configs.Pipeline, record SourceRecord) *parcel {
	one := &parcel{record: record}
	value := record.Value
	if len(value) <= len(partialMark) || string(value[:len(partialMark)]) != partialMark {
		return one
	}
	r := &noteReader{rest: value[len(partialMark)+1:]}
	switch kind := value[len(partialMark)]; kind {
	case isPartial:
		name := r.name()
		one.window = slices.IndexFunc(p.Windows, func(w configs.Window) bool { return w.Name == name && w.Grouped() })
		one.shape = r.fingerprint()
		one.upstream, one.start, one.readings, one.device = int32(r.number()), event.Time(r.number()), int(r.number()), r.name()
		if one.window >= 0 && p.Windows[one.window].Kind == configs.Session {
			one.first, one.last = event.Time(r.fingerprint()), event.Time(r.fingerprint())
		}
		one.group, one.words = string(record.Key), len(r.rest)/8
		if !r.cut && len(r.rest)%8 == 0 && one.window >= 0 && one.readings > 0 {
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
