package task

import (
	"encoding/binary"
	"errors"
	"math"

	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/operators/window"
)

// A record of the topic of partials begins with partialVersion and its kind.
//
//	partial    kind 'p', the window's name, its shape (8 bytes), upstream partition,
//	           start of the pane, readings, device, the aggregates' words (8 bytes each)
//	watermark  kind 'w', upstream partition, partitions of the source, the watermark
//
// Names are behind their length, numbers are unsigned varints (the start of a pane
// modulo 2^64, for it may be before 1970), whole words are big-endian.
const (
	partialVersion = "wpt1"
	kindPartial    = 'p'
	kindWatermark  = 'w'
)

// maxPartialTime bounds the times that a record can tell (year 2248), so that no
// sum of them overflows.
const maxPartialTime = event.Time(1) << 43

// partialRecord is a record of the topic of partials. Its names are
// borrowed, the memory of its words goes on to the next record.
type partialRecord struct {
	kind       byte
	window     []byte
	shape      uint64
	partition  int32 // of the source
	device     []byte
	partial    window.Partial // End is not told
	partitions int32          // of a watermark: how many the source has
	watermark  event.Time
}

type partialHead struct {
	window, device []byte
	shape          uint64
	partition      int32
}

func appendPartial(b []byte, h partialHead, p *window.Partial) []byte {
	b = append(b, partialVersion...)
	b = append(b, kindPartial)
	b = binary.AppendUvarint(b, uint64(len(h.window)))
	b = append(b, h.window...)
	b = binary.BigEndian.AppendUint64(b, h.shape)
	b = binary.AppendUvarint(b, uint64(h.partition))
	b = binary.AppendUvarint(b, uint64(p.Start))
	b = binary.AppendUvarint(b, p.Count)
	b = binary.AppendUvarint(b, uint64(len(h.device)))
	b = append(b, h.device...)
	for _, w := range p.Words {
		b = binary.BigEndian.AppendUint64(b, w)
	}
	return b
}

// upstream is a partition of the source and how many there are.
type upstream struct{ partition, partitions int32 }

func appendWatermark(b []byte, u upstream, w event.Time) []byte {
	b = append(b, partialVersion...)
	b = append(b, kindWatermark)
	b = binary.AppendUvarint(b, uint64(u.partition))
	b = binary.AppendUvarint(b, uint64(u.partitions))
	return binary.AppendUvarint(b, uint64(w))
}

// errPartial says that a record is not one of partials.
var errPartial = errors.New("not a record of partials")

// parse reads a record of the topic of partials.
func (r *partialRecord) parse(b []byte) error {
	if len(b) <= len(partialVersion) || string(b[:len(partialVersion)]) != partialVersion {
		return errPartial
	}
	c := cutter{b: b[len(partialVersion)+1:]}
	r.kind = b[len(partialVersion)]
	switch r.kind {
	case kindWatermark:
		r.partition, r.partitions = int32(c.number(1<<30)), int32(c.number(1<<30))
		r.watermark = event.Time(c.number(uint64(maxPartialTime)))
		if c.failed || len(c.b) > 0 {
			return errPartial
		}
		return nil
	case kindPartial:
	default:
		return errPartial
	}
	r.window = c.bytes(c.number(1 << 20))
	r.shape = c.word()
	r.partition = int32(c.number(1 << 30))
	r.partial.Start = c.time()
	r.partial.Count = c.number(1 << 62)
	r.device = c.bytes(c.number(1 << 20))
	if c.failed || r.partial.Count == 0 || len(c.b)%8 != 0 {
		return errPartial
	}
	r.partial.Words = r.partial.Words[:0]
	for ; len(c.b) > 0; c.b = c.b[8:] {
		r.partial.Words = append(r.partial.Words, binary.BigEndian.Uint64(c.b))
	}
	return nil
}

// cutter cuts a record up; what is missing makes it fail.
type cutter struct {
	b      []byte
	failed bool
}

func (c *cutter) number(most uint64) uint64 {
	n, size := binary.Uvarint(c.b)
	if size <= 0 || n > most {
		c.failed, c.b = true, nil
		return 0
	}
	c.b = c.b[size:]
	return n
}

// time is a time that may be before 1970, which is written modulo 2^64.
func (c *cutter) time() event.Time {
	t := event.Time(c.number(math.MaxUint64))
	if t < -maxPartialTime || t > maxPartialTime {
		c.failed, c.b = true, nil
		return 0
	}
	return t
}

func (c *cutter) word() uint64 {
	b := c.bytes(8)
	if b == nil {
		return 0
	}
	return binary.BigEndian.Uint64(b)
}

func (c *cutter) bytes(n uint64) []byte {
	if n > uint64(len(c.b)) {
		c.failed, c.b = true, nil
		return nil
	}
	cut := c.b[:n:n]
	c.b = c.b[n:]
	return cut
}
