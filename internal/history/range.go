package history

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirstream/weir/engine/task"
	"github.com/weirstream/weir/event"
)

// deviceHeader is the header in which the MQTT bridge names the device.
const deviceHeader = "weir-device"

// RangeOptions say which part of a topic is history.
type RangeOptions struct {
	// Client are the options of the clients: where the brokers are and how to get in.
	Client []kgo.Opt
	Topic  string
	// From and To bound the append times: [From, To). Zero: from the first record,
	// to the last one there is now.
	From, To time.Time
}

// Range is history of a Kafka topic, read_committed. Open it with OpenRange, end it
// with Close.
type Range struct {
	client *kgo.Client
	topic  string
	next   []int64 // by partition
	end    []int64
	left   int // partitions that have more
	done   int64
	total  int64
	last   []event.Time
}

// OpenRange asks the brokers what the range holds.
func OpenRange(ctx context.Context, o RangeOptions) (*Range, error) {
	client, err := kgo.NewClient(o.Client...)
	if err != nil {
		return nil, fmt.Errorf("connect to kafka: %w", err)
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	starts, err := admin.ListStartOffsets(ctx, o.Topic)
	if err == nil && !o.From.IsZero() {
		starts, err = admin.ListOffsetsAfterMilli(ctx, o.From.UnixMilli(), o.Topic)
	}
	if err == nil {
		err = starts.Error()
	}
	if err != nil {
		return nil, fmt.Errorf("ask for the offsets of topic %q: %w", o.Topic, err)
	}
	stable, err := admin.ListCommittedOffsets(ctx, o.Topic)
	if err == nil {
		err = stable.Error()
	}
	ends := stable
	if err == nil && !o.To.IsZero() {
		if ends, err = admin.ListOffsetsAfterMilli(ctx, o.To.UnixMilli(), o.Topic); err == nil {
			err = ends.Error()
		}
	}
	if err != nil {
		return nil, fmt.Errorf("ask for the offsets of topic %q: %w", o.Topic, err)
	}
	r := &Range{topic: o.Topic}
	at := map[int32]kgo.Offset{}
	partitions := len(stable[o.Topic])
	for p := range int32(partitions) {
		from, ok := starts.Lookup(o.Topic, p)
		to, known := ends.Lookup(o.Topic, p)
		limit, _ := stable.Lookup(o.Topic, p)
		if !ok || !known {
			return nil, fmt.Errorf("ask for the offsets of topic %q: the answer lacks partition %d", o.Topic, p)
		}
		end := min(to.Offset, limit.Offset)
		r.next, r.end, r.last = append(r.next, from.Offset), append(r.end, end), append(r.last, 0)
		if from.Offset < end {
			at[p] = kgo.NewOffset().At(from.Offset)
			r.left++
			r.total += end - from.Offset
		}
	}
	if r.left == 0 {
		return r, nil
	}
	r.client, err = kgo.NewClient(append(slices.Clip(o.Client),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{o.Topic: at}), kgo.ConsumeResetOffset(kgo.NoResetOffset()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords(), kgo.FetchMaxWait(100*time.Millisecond),
	)...)
	if err != nil {
		return nil, fmt.Errorf("connect to kafka: %w", err)
	}
	return r, nil
}

// Close ends the connections.
func (r *Range) Close() {
	if r.client != nil {
		r.client.Close()
	}
}

// Partitions implements Source.
func (r *Range) Partitions() int { return len(r.next) }

// ended reports whether all of a partition has been read.
func (r *Range) ended(partition int) bool { return r.next[partition] >= r.end[partition] }

// hold has nothing more fetched of a partition, or again something.
func (r *Range) hold(partition int, on bool) {
	if r.client == nil {
		return
	}
	of := map[string][]int32{r.topic: {int32(partition)}}
	if on {
		r.client.PauseFetchPartitions(of)
		return
	}
	r.client.ResumeFetchPartitions(of)
}

// Progress implements Source.
func (r *Range) Progress() (done, of int64) { return r.done, r.total }

// patience is how long brokers may say nothing amid a range.
const patience = 30 * time.Second

// Next implements Source.
func (r *Range) Next(ctx context.Context, b *Batch) error {
	b.reset(len(r.next))
	for r.left > 0 {
		poll, cancel := context.WithTimeout(ctx, patience)
		fetches := r.client.PollRecords(poll, 10_000)
		cancel()
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := fetches.Err(); errors.Is(err, context.DeadlineExceeded) {
			return fmt.Errorf("read history: the brokers have sent nothing for %s, %d records before the end of the range", patience, r.total-r.done)
		} else if err != nil {
			return fmt.Errorf("read history: %w", err)
		}
		n := 0
		for records := fetches.RecordIter(); !records.Done(); {
			n += r.take(b, records.Next())
		}
		if n > 0 {
			return nil
		}
	}
	return io.EOF
}

// take puts a record into a batch, where it is one of the range, and returns how
// many that are.
func (r *Range) take(b *Batch, rec *kgo.Record) int {
	p := rec.Partition
	if r.next[p] >= r.end[p] {
		return 0
	}
	passed := min(rec.Offset+1, r.end[p])
	r.done += passed - r.next[p]
	r.next[p] = passed
	if passed == r.end[p] {
		r.left--
	}
	if rec.Offset >= r.end[p] || rec.Attrs.IsControl() {
		return 0
	}
	// A topic that has the producers' times may go back; a log does not.
	r.last[p] = max(r.last[p], event.Time(rec.Timestamp.UnixMilli()))
	out := task.Record{Offset: rec.Offset, Append: r.last[p], Key: rec.Key, Value: rec.Value}
	for _, h := range rec.Headers {
		if h.Key == deviceHeader {
			out.Device = append([]byte{}, h.Value...) // not nil: the header is there
			break
		}
	}
	b.add(int(p), out)
	return 1
}
