package task

import "github.com/weirstream/weir/event"

// Topic says which of a pipeline's output topics a record goes to.
type Topic int

// The topics every pipeline has; aggregate topics follow, in the order of
// Plan.AggregateTopics.
const (
	AlertsTopic Topic = iota
	QuarantineTopic
	FirstAggregateTopic
)

// Output is one record to be produced, in the order of production. Key, Value
// and ID are owned by the Outputs buffer and valid until its Reset.
type Output struct {
	Topic Topic
	Key   []byte // the device; nil where a bad message named none
	Value []byte // JSON; nil: what stands under the key is taken back, in the topic of commands
	ID    []byte // header weir-id; nil where the record has none
	Trace []byte // header traceparent: the trace of the reading that caused it; nil where it has none
	Seq   uint64 // header weir-seq, gapless per pipeline, topic kind and partition, from 1; 0: none
	// Partition of the topic it goes to; OwnPartition: the task's.
	Partition int32
}

// OwnPartition says that an output goes to the partition of its task's source.
const OwnPartition = int32(-1)

// Outputs collects what a batch produces. Its memory is reused from batch to
// batch: records are dear, so they are built in one arena.
type Outputs struct {
	arena []byte
	list  []span
	// AlertChanged is set when an alert changed state: such a batch commits at once.
	AlertChanged bool
	// Oldest is the least append time of a reading that caused an alert event in
	// the batch, event.Never where there is none: what alert latency is counted from.
	Oldest event.Time
}

type span struct {
	topic          Topic
	key, value, id int // where each ends in the arena; key starts where the one before ended
	start          int
	trace          int // where it begins in the value; 0: none
	seq            uint64
	partition      int32
}

// Len is the number of records.
func (o *Outputs) Len() int { return len(o.list) }

// Bytes is the size of keys and values together.
func (o *Outputs) Bytes() int { return len(o.arena) }

// Reset forgets all records and keeps the memory.
func (o *Outputs) Reset() {
	o.arena, o.list, o.AlertChanged, o.Oldest = o.arena[:0], o.list[:0], false, event.Never
}

// At returns the i-th record.
func (o *Outputs) At(i int) Output {
	s := o.list[i]
	out := Output{Topic: s.topic, Seq: s.seq, Partition: s.partition, Value: o.arena[s.key:s.value:s.value]}
	if s.value == s.key {
		out.Value = nil
	}
	if s.key > s.start {
		out.Key = o.arena[s.start:s.key:s.key]
	}
	if s.trace > 0 {
		out.Trace = o.arena[s.trace : s.trace+traceLength : s.trace+traceLength]
	}
	if s.id > s.value {
		out.ID = o.arena[s.value:s.id:s.id]
	}
	return out
}

// begin starts a record with its key; the caller appends the value to arena and
// then calls end.
func (o *Outputs) begin(t Topic, key []byte) {
	s := span{topic: t, start: len(o.arena), partition: OwnPartition}
	o.arena = append(o.arena, key...)
	s.key = len(o.arena)
	o.list = append(o.list, s)
}

// end finishes the record begun last.
func (o *Outputs) end(seq uint64, id string) {
	s := &o.list[len(o.list)-1]
	s.value, s.seq = len(o.arena), seq
	o.arena = append(o.arena, id...)
	s.id = len(o.arena)
}

// traced says where in the arena the trace context stands that the record begun last is
// of.
func (o *Outputs) traced(at int) { o.list[len(o.list)-1].trace = at }

// to sends the record begun last to another partition than the task's.
func (o *Outputs) to(partition int32) { o.list[len(o.list)-1].partition = partition }
