package topics

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/internal/oracle"
)

// The headers of records that the check looks at.
const (
	deviceHeader = "weir-device"
	idHeader     = "weir-id"
	seqHeader    = "weir-seq"
	fileHeader   = "weir-file"
	layoutHeader = "weir-layout"
)

// Read reads one partition of everything, up to where it stood, and counts the
// committed records by topic.
func (r *Reader) Read(ctx context.Context, s *Standing, partition int32, counts map[string]int) (oracle.Input, error) {
	source := r.pipeline.Source.Topic
	in := oracle.Input{
		Pipeline: r.pipeline, Partition: partition, Partitions: s.Partitions,
		Earliest: s.ends[place{source, partition}].start, Committed: s.committed[partition],
		Outputs: map[string][]oracle.OutputRecord{},
	}
	err := r.all(ctx, s, place{source, partition}, func(rec *kgo.Record) {
		counts[source]++
		in.Source = append(in.Source, sourceRecord(rec))
	})
	if err != nil {
		return in, err
	}
	if err := r.readOutputs(ctx, s, &in, r.outputs(), counts); err != nil {
		return in, err
	}
	if err := r.readCommands(ctx, s, &in, counts); err != nil {
		return in, err
	}
	err = r.readJournal(ctx, s, &in, r.pipeline.JournalTopic, counts)
	return in, err
}

// readOutputs reads a partition of the topics that were written for others.
func (r *Reader) readOutputs(ctx context.Context, s *Standing, in *oracle.Input, topics []string, counts map[string]int) error {
	slices.Sort(topics)
	for _, topic := range slices.Compact(topics) {
		err := r.all(ctx, s, place{topic, in.Partition}, func(rec *kgo.Record) {
			counts[topic]++
			in.Outputs[topic] = append(in.Outputs[topic], oracle.OutputRecord{
				Offset: rec.Offset, Key: rec.Key, Value: rec.Value, ID: header(rec, idHeader), Seq: header(rec, seqHeader),
			})
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// readJournal reads a partition of a journal, which may tell where all began.
func (r *Reader) readJournal(ctx context.Context, s *Standing, in *oracle.Input, journal string, counts map[string]int) error {
	err := r.all(ctx, s, place{journal, in.Partition}, func(rec *kgo.Record) {
		counts[journal]++
		in.Journal = append(in.Journal, journalRecord(rec))
	})
	in.Start = in.Earliest
	if from, ok := oracle.Began(in.Journal); ok {
		in.Start = from
	}
	return err
}

func journalRecord(rec *kgo.Record) oracle.JournalRecord {
	out := oracle.JournalRecord{Offset: rec.Offset, Value: rec.Value}
	for _, h := range rec.Headers {
		switch h.Key {
		case fileHeader:
			out.File = oracle.FileHeader(h.Value)
		case layoutHeader:
			out.Layout = h.Value
		}
	}
	return out
}

// readCommands reads the topic of commands, which has one partition for all. It is
// counted with the first of the source.
func (r *Reader) readCommands(ctx context.Context, s *Standing, in *oracle.Input, counts map[string]int) error {
	topic := r.pipeline.CommandsTopic
	return r.all(ctx, s, place{topic, 0}, func(rec *kgo.Record) {
		if in.Partition == 0 {
			counts[topic]++
		}
		in.Commands = append(in.Commands, oracle.CommandRecord{Offset: rec.Offset, Key: rec.Key, Value: rec.Value})
	})
}

func sourceRecord(rec *kgo.Record) oracle.SourceRecord {
	out := oracle.SourceRecord{
		Offset: rec.Offset, Append: event.Time(rec.Timestamp.UnixMilli()),
		Stamped: rec.Attrs.TimestampType() == 1, Key: rec.Key, Value: rec.Value,
	}
	for _, h := range rec.Headers {
		if h.Key == deviceHeader {
			out.Device = append([]byte{}, h.Value...) // not nil: the header is there
			break
		}
	}
	return out
}

func header(rec *kgo.Record, key string) string {
	for _, h := range rec.Headers {
		if h.Key == key {
			return string(h.Value)
		}
	}
	return ""
}

// all visits the committed records of a partition up to where it stood.
func (r *Reader) all(ctx context.Context, s *Standing, at place, visit func(*kgo.Record)) error {
	e := s.ends[at]
	return r.read(ctx, stretch{topic: at.topic, partition: at.partition, from: e.start, to: e.stable, open: e.stable < e.high}, func(rec *kgo.Record) bool {
		visit(rec)
		return true
	})
}

// stretch is a part of a topic, [from, to). open says that a transaction is open
// behind it: then its last records may be aborted ones that nobody delivers.
type stretch struct {
	topic     string
	partition int32
	from, to  int64
	open      bool
}

// read visits the committed data records of a stretch until visit returns false.
// A client of its own reads it: nothing of another partition is in its buffers.
func (r *Reader) read(ctx context.Context, s stretch, visit func(*kgo.Record) bool) error {
	if s.from >= s.to {
		return nil
	}
	client, err := kgo.NewClient(append(r.options,
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{s.topic: {s.partition: kgo.NewOffset().At(s.from)}}),
		kgo.ConsumeResetOffset(kgo.NoResetOffset()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords(),
		kgo.FetchMaxPartitionBytes(4<<20), kgo.FetchMaxWait(100*time.Millisecond),
	)...)
	if err != nil {
		return fmt.Errorf("read topic %q: %w", s.topic, err)
	}
	defer client.Close()
	patience := 30 * time.Second
	if s.open {
		patience = 2 * time.Second
	}
	for next := s.from; next < s.to; {
		poll, cancel := context.WithTimeout(ctx, patience)
		fetches := client.PollFetches(poll)
		silent := poll.Err() != nil
		cancel()
		if err := ctx.Err(); err != nil {
			return err
		}
		if silent && s.open {
			return nil
		}
		if err := fetches.Err(); err != nil {
			return fmt.Errorf("read topic %q partition %d at offset %d: %w", s.topic, s.partition, next, err)
		}
		for records := fetches.RecordIter(); !records.Done(); {
			rec := records.Next()
			if rec.Offset >= s.to {
				return nil
			}
			next = rec.Offset + 1
			if !rec.Attrs.IsControl() && !visit(rec) {
				return nil
			}
		}
	}
	return nil
}
