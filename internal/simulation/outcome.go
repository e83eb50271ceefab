package simulation

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/ingest"
	"github.com/weirstream/weir/internal/oracle"
)

// Summary is what a world came to.
type Summary struct {
	Readings, Aggregates, Alerts, Quarantined, Facts int
	Lives, Deaths                                    int
	Records                                          int            // of the journal
	Happened                                         map[string]int // by kind
	Groups                                           OfGroups
	Anomalies                                        int // alarms
	Files                                            int // of a task that gave way to another
	Removed                                          int // alerts that ended with their rule
}

// read returns the records of a topic that a reader of committed data sees.
func (w *world) read(ctx context.Context, topic string) (map[int32][]*kgo.Record, error) {
	return w.readFirst(ctx, topic, w.shape.partitions)
}

// readFirst is read of a topic with so many partitions.
func (w *world) readFirst(ctx context.Context, topic string, partitions int32) (map[int32][]*kgo.Record, error) {
	all := map[int32][]*kgo.Record{}
	if there, err := w.exists(ctx, topic); err != nil || !there {
		return all, err // no process ever had the file that would have brought it
	}
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
	for p := range partitions {
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

// exists reports whether there is such a topic.
func (w *world) exists(ctx context.Context, topic string) (bool, error) {
	list, err := w.admin.ListTopics(ctx, topic)
	return list.Has(topic) && list[topic].Err == nil, err
}

// outputTopics are all topics that weir writes for people.
func (w *world) outputTopics() []string {
	list := []string{w.shape.pipeline.QuarantineTopic}
	if w.works != nil {
		list = append(list, w.works.quarantine)
	}
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
	for _, e := range w.shape.editions {
		for _, win := range e.pipeline.Windows {
			list = append(list, win.Emit.Topic)
		}
	}
	return list
}

// check compares what the world's readers see with what they should see.
func (w *world) check(ctx context.Context) (Summary, error) {
	sum := Summary{Lives: len(w.all()), Happened: w.trace.counts()}
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
	sum.Removed = removals(outputs[w.shape.pipeline.Alerts.Topic])
	sum.Anomalies = alarms(outputs[w.shape.pipeline.Alerts.Topic])
	ordered, err := w.commands(ctx)
	if err != nil {
		return sum, err
	}
	fleet, err := w.fleet(ctx)
	if err != nil {
		return sum, err
	}
	var wrong []oracle.Difference
	for p := range w.shape.partitions {
		in := oracle.Input{
			Pipeline: w.newest(), Before: w.before(), Partition: p, Partitions: w.shape.partitions,
			Source: sourceOf(source[p]), Outputs: map[string][]oracle.OutputRecord{}, Journal: w.journal.of(p), Fleet: fleet,
			Rosters: w.shape.usableRosters(), Commands: ordered,
		}
		if k, ok := offsets.Lookup("readings", p); ok {
			in.Committed = k.At
		}
		for topic, records := range outputs {
			in.Outputs[topic] = outputsOf(records[p])
		}
		report := oracle.Check(in)
		sum.add(report, len(in.Journal))
		wrong = append(wrong, report.Differences...)
		if records := source[p]; len(records) > 0 && in.Committed <= records[len(records)-1].Offset {
			return sum, w.complain("partition %d is committed up to %d, and its last record is at %d", p, in.Committed, records[len(records)-1].Offset)
		}
	}
	ofGroups, err := w.checkGroups(ctx, fleet, &sum, outputs, ordered)
	if err != nil {
		return sum, err
	}
	if wrong = append(wrong, ofGroups...); len(wrong) > 0 {
		return sum, w.complain("%d differences\n%s", len(wrong), oracle.Lines(wrong))
	}
	return sum, nil
}

// alarms counts the anomalies that began.
func alarms(alerts map[int32][]*kgo.Record) (n int) {
	for _, records := range alerts { // unordered: a sum
		for _, r := range records {
			if began(r.Value) {
				n++
			}
		}
	}
	return n
}

// removals counts the alerts that ended with their rule.
func removals(alerts map[int32][]*kgo.Record) (n int) {
	for _, records := range alerts { // unordered: a sum
		for _, r := range records {
			if bytes.Contains(r.Value, []byte(`"reason":"removed"`)) {
				n++
			}
		}
	}
	return n
}

// began reports whether an alert is the first of an anomaly.
func began(alert []byte) bool {
	var a struct {
		State   string
		Anomaly *struct{}
		Episode struct{ Event int }
	}
	return json.Unmarshal(alert, &a) == nil && a.Anomaly != nil && a.State == "firing" && a.Episode.Event == 1
}

func (s *Summary) add(r *oracle.Report, records int) {
	s.Readings += r.Readings
	s.Aggregates += r.Aggregates
	s.Alerts += r.Alerts
	s.Quarantined += r.Quarantined
	s.Facts += r.Facts
	s.Files += r.Files
	s.Records += records
}

func sourceOf(records []*kgo.Record) []oracle.SourceRecord {
	var list []oracle.SourceRecord
	for _, r := range records {
		s := oracle.SourceRecord{
			Offset: r.Offset, Append: event.Time(r.Timestamp.UnixMilli()), Stamped: r.Attrs.TimestampType() == 1, Key: r.Key, Value: r.Value,
		}
		for _, h := range r.Headers {
			if h.Key == ingest.DeviceHeader {
				s.Device = h.Value
			}
		}
		list = append(list, s)
	}
	return list
}

func outputsOf(records []*kgo.Record) []oracle.OutputRecord {
	var list []oracle.OutputRecord
	for _, r := range records {
		o := oracle.OutputRecord{Offset: r.Offset, Key: r.Key, Value: r.Value}
		for _, h := range r.Headers {
			switch h.Key {
			case "weir-id":
				o.ID = string(h.Value)
			case "weir-seq":
				o.Seq = string(h.Value)
			}
		}
		list = append(list, o)
	}
	return list
}

// of are the records of a partition.
func (j *journal) of(p int32) []oracle.JournalRecord {
	j.mu.Lock()
	defer j.mu.Unlock()
	var list []oracle.JournalRecord
	for _, r := range j.records[p] {
		list = append(list, journalRecord(r))
	}
	return list
}

// newest is the last file.
func (w *world) newest() *configs.Pipeline { return w.shape.editions[len(w.shape.editions)-1].pipeline }

// before are the files but the last.
func (w *world) before() (all []*configs.Pipeline) {
	for _, e := range w.shape.editions[:len(w.shape.editions)-1] {
		all = append(all, e.pipeline)
	}
	return all
}

// journalRecord is a record of the journal with what its headers tell of the file.
func journalRecord(r *kgo.Record) oracle.JournalRecord {
	j := oracle.JournalRecord{Offset: r.Offset, Value: r.Value}
	for _, h := range r.Headers {
		switch h.Key {
		case "weir-file":
			j.File = oracle.FileHeader(h.Value)
		case "weir-layout":
			j.Layout = h.Value
		}
	}
	return j
}
