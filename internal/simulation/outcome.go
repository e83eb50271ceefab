package simulation

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Summary is what a world came to.
type Summary struct {
	Readings, Aggregates, Alerts, Quarantined, Facts int
	Lives, Deaths                                    int
	Records                                          int // of the journal
}

// read returns the records of a topic that a reader of committed data sees.
func (w *world) read(ctx context.Context, topic string) (map[int32][]*kgo.Record, error) {
	all := map[int32][]*kgo.Record{}
	starts, err := w.admin.ListStartOffsets(ctx, topic)
	if err != nil {
		return nil, err
	}
	ends, err := w.admin.ListEndOffsets(ctx, topic)
	if err != nil {
		return nil, err
	}
	stable, err := w.admin.ListCommittedOffsets(ctx, topic)
	if err != nil {
		return nil, err
	}
	at, left := map[int32]kgo.Offset{}, map[int32]int64{}
	for p := range w.shape.partitions {
		start, _ := starts.Lookup(topic, p)
		end, ok := ends.Lookup(topic, p)
		if !ok || end.Err != nil {
			return nil, fmt.Errorf("topic %s has no end in partition %d: %v", topic, p, end.Err)
		}
		if s, _ := stable.Lookup(topic, p); s.Offset != end.Offset {
			return nil, w.complain("partition %d of %s holds an open transaction: %d of %d are stable", p, topic, s.Offset, end.Offset)
		}
		if start.Offset < end.Offset {
			at[p], left[p] = kgo.NewOffset().At(start.Offset), end.Offset
		}
	}
	if len(at) == 0 {
		return all, nil
	}
	client, err := w.client(kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords(),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: at}))
	if err != nil {
		return nil, err
	}
	for len(left) > 0 {
		client.PollFetches(ctx).EachRecord(func(r *kgo.Record) {
			if r.Offset+1 >= left[r.Partition] {
				delete(left, r.Partition)
			}
			if !r.Attrs.IsControl() {
				all[r.Partition] = append(all[r.Partition], r)
			}
		})
	}
	return all, nil
}

// outputTopics are all topics that weir writes for people.
func (w *world) outputTopics() []string {
	list := []string{w.shape.pipeline.QuarantineTopic}
	seen := map[string]bool{}
	for _, topic := range append([]string{w.shape.pipeline.Alerts.Topic}, emitTopics(w)...) {
		if topic != "" && !seen[topic] {
			seen[topic] = true
			list = append(list, topic)
		}
	}
	return list
}

func emitTopics(w *world) []string {
	var list []string
	for _, win := range w.shape.pipeline.Windows {
		list = append(list, win.Emit.Topic)
	}
	return list
}

// check compares what the world's readers see with what they should see.
func (w *world) check(ctx context.Context) (Summary, error) {
	sum := Summary{Lives: len(w.all())}
	for _, l := range w.all() {
		if l.isDead() {
			sum.Deaths++
		}
	}
	source, err := w.read(ctx, "readings")
	if err != nil {
		return sum, err
	}
	offsets, err := w.admin.FetchOffsets(ctx, w.shape.pipeline.Group)
	if err != nil {
		return sum, err
	}
	outputs := map[string]map[int32][]*kgo.Record{}
	for _, topic := range w.outputTopics() {
		if outputs[topic], err = w.read(ctx, topic); err != nil {
			return sum, err
		}
	}
	for p := range w.shape.partitions {
		k, ok := offsets.Lookup("readings", p)
		if records := source[p]; len(records) > 0 && (!ok || k.At < records[len(records)-1].Offset+1) {
			return sum, w.complain("partition %d is committed up to %d, and its last record is at %d", p, k.At, records[len(records)-1].Offset)
		}
		sum.Records += len(w.journal.records[p])
		seen := map[string]int64{}
		seq := 0
		for topic, parts := range outputs {
			for _, r := range parts[p] {
				var a struct {
					Window, Device, Start string
					Revision              int
				}
				if json.Unmarshal(r.Value, &a) == nil && a.Revision > 0 {
					id := fmt.Sprintf("%s %s %s %d", a.Window, a.Device, a.Start, a.Revision)
					if at, twice := seen[id]; twice && a.Window != "newest" {
						return sum, w.complain("partition %d of %s: %s at %d and %d", p, topic, id, at, r.Offset)
					}
					seen[id] = r.Offset
					sum.Aggregates++
				}
				for _, h := range r.Headers {
					if h.Key == "weir-seq" {
						seq++
						sum.Alerts++
						if string(h.Value) != fmt.Sprint(seq) {
							return sum, w.complain("partition %d: alert at %d has number %s, and should have %d", p, r.Offset, h.Value, seq)
						}
					}
				}
			}
		}
		sum.Readings += len(source[p])
	}
	return sum, nil
}
