package oracle

import (
	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/event"
)

// Input is one partition of a pipeline as read from the brokers. Check reads it
// only.
type Input struct {
	Pipeline  *configs.Pipeline
	Partition int32
	// Before are former files of the pipeline, in any order. Where the journal says that the
	// state is of one of them, that one is what readings are folded by.
	Before     []*configs.Pipeline
	Partitions int32 // of the source topic; 0: unknown, and then the partition of a device is not checked
	Earliest   int64 // the first offset the source partition still has
	Start      int64 // first source offset the pipeline was to fold: From of journal record 1, or the earliest source offset known
	Committed  int64 // the group's offset: source records below it are folded
	// Source are the committed records of the source partition (read_committed,
	// no control records) in offset order.
	Source []SourceRecord
	// Outputs are the committed records of each output topic in offset order.
	// Those of other pipelines are skipped by their field "pipeline".
	Outputs map[string][]OutputRecord
	// Journal are the committed messages of the journal in offset order, each one
	// part of a journal record.
	Journal []JournalRecord
	// Rosters are the versions of the roster at hand, as the bytes of the files. The
	// first is in force where the journal was trimmed and does not tell.
	Rosters [][]byte
	// Commands are the records of the topic of commands, whoever wrote them, in offset
	// order.
	Commands []CommandRecord
	// Fleet is what the devices of all partitions sent for windows over several. It is
	// set where the pipeline has such windows, and only then.
	Fleet *Fleet

	groups *Fleet // set by Fleet.Check: this is a partition of groups
}

// SourceRecord is one message that readings came in.
type SourceRecord struct {
	Offset     int64
	Append     event.Time
	Stamped    bool // the append time is the broker's (LogAppendTime)
	Key, Value []byte
	Device     []byte // the header weir-device; nil: none
}

// OutputRecord is one message of an output topic.
type OutputRecord struct {
	Offset     int64
	Key, Value []byte
	ID, Seq    string // the headers weir-id and weir-seq; empty: none
}

// JournalRecord is one message of the journal topic.
type JournalRecord struct {
	Offset int64
	Value  []byte
	File   uint64 // the header weir-file, the fingerprint of the pipeline's file; 0: none
	Layout []byte // the header weir-layout, what the state is made of; nil: none
}
