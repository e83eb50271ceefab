package topics

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/internal/oracle"
)

// Reader reads the topics of one pipeline. Open makes it, Close ends it.
type Reader struct {
	pipeline *configs.Pipeline
	before   []*configs.Pipeline
	options  []kgo.Opt
	client   *kgo.Client
	admin    *kadm.Client
}

// Open makes a reader of a pipeline, before being its former files; it connects at its first request, as the options say.
func Open(p *configs.Pipeline, options []kgo.Opt, before ...*configs.Pipeline) (*Reader, error) {
	client, err := kgo.NewClient(options...)
	if err != nil {
		return nil, fmt.Errorf("connect to kafka: %w", err)
	}
	return &Reader{pipeline: p, before: before, options: slices.Clip(options), client: client, admin: kadm.NewClient(client)}, nil
}

// Close ends the connections.
func (r *Reader) Close() { r.client.Close() }

// outputs are the topics that the pipeline writes for others, sorted.
func (r *Reader) outputs() []string {
	topics := outputsOf(r.pipeline)
	if groups := r.groups(); groups != nil {
		topics = append(topics, groups.QuarantineTopic)
	}
	for _, p := range r.before {
		topics = append(topics, outputsOf(p)...)
	}
	slices.Sort(topics)
	return slices.Compact(topics)
}

// ends are the bounds of a partition of a topic: [Start, Stable) can be read,
// and [Stable, High) waits for a transaction to end.
type ends struct{ start, stable, high int64 }

type place struct {
	topic     string
	partition int32
}

// Standing is where everything stands at one moment.
type Standing struct {
	Partitions int32 // of the source
	// Open are the partitions of outputs and journal with a transaction that has
	// not ended.
	Open []oracle.Difference
	// Upstream are those of the source, as "topic/partition at offset": a
	// producer's business.
	Upstream []string
	// Behind says of each partition whose source is not folded how far it is.
	Behind []oracle.Difference

	ends      map[place]ends
	committed map[int32]int64 // of the source; absent: never committed
	folded    map[int32]int64 // of the topic of partials, in the same way
}

// Unsettled are the reasons why nothing can be compared yet.
func (s *Standing) Unsettled() []oracle.Difference { return append(slices.Clone(s.Open), s.Behind...) }

// Await waits until two looks in a row see the same, all folded and nothing open,
// for at most wait. Where that is over it returns how things stand: a caller has
// to look at Unsettled.
func (r *Reader) Await(ctx context.Context, wait time.Duration) (*Standing, error) {
	pause := 250 * time.Millisecond
	if r.pipeline.Grouped() {
		pause = 20 * time.Millisecond // an idle task of devices still has a watermark to tell, each second
	}
	deadline := time.Now().Add(wait)
	var last *Standing
	for {
		s, err := r.look(ctx)
		if err != nil {
			return nil, err
		}
		settled := len(s.Open) == 0 && len(s.Behind) == 0
		if settled && last != nil && maps.Equal(s.ends, last.ends) && maps.Equal(s.committed, last.committed) && maps.Equal(s.folded, last.folded) {
			return s, nil
		}
		if time.Now().After(deadline) {
			if settled {
				what := "readings keep coming"
				if r.pipeline.Grouped() {
					what += ", or, of windows over several devices, watermarks: where they come too fast, stop the pipeline first"
				}
				s.Behind = append(s.Behind, oracle.Difference{
					Kind: oracle.Source, Topic: r.pipeline.Source.Topic, Source: -1, Output: -1,
					Text: fmt.Sprintf("nothing stood still for %s: %s", pause, what),
				})
			}
			return s, nil
		}
		last = s
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(pause):
		}
	}
}

// look asks once how things stand.
func (r *Reader) look(ctx context.Context) (*Standing, error) {
	s := &Standing{ends: map[place]ends{}, committed: map[int32]int64{}, folded: map[int32]int64{}}
	for _, f := range r.foldings(s) {
		groups, err := r.admin.FetchOffsets(kadm.RequireStable(ctx), f.group)
		if err != nil {
			return nil, fmt.Errorf("ask for the offsets of group %q: %w", f.group, err)
		}
		groups.Each(func(o kadm.OffsetResponse) {
			if o.Topic == f.topic && o.Err == nil && o.At >= 0 {
				f.committed[o.Partition] = o.At
			}
		})
	}
	source := r.pipeline.Source.Topic
	for _, topic := range slices.Concat(r.outputs(), r.kept(), []string{source}) {
		partitions, err := r.bounds(ctx, s, topic)
		if topic == r.pipeline.CommandsTopic && errors.Is(err, kerr.UnknownTopicOrPartition) {
			continue // nobody has run since there are commands
		}
		if r.deserted(topic) && errors.Is(err, kerr.UnknownTopicOrPartition) {
			continue // the file that would have them was never in force
		}
		if err != nil {
			return nil, err
		}
		if topic == source {
			s.Partitions = partitions
		}
		for p := range partitions {
			e := s.ends[place{topic, p}]
			if e.stable >= e.high {
				continue
			}
			if topic == source {
				s.Upstream = append(s.Upstream, fmt.Sprintf("%s/%d at %d", topic, p, e.stable))
				continue
			}
			s.Open = append(s.Open, oracle.Difference{
				Kind: oracle.Open, Topic: topic, Partition: p, Source: -1, Output: e.stable,
				Text: fmt.Sprintf("a transaction has not ended: the last stable offset is %d, the high watermark %d", e.stable, e.high),
			})
		}
	}
	for p := range s.Partitions {
		for _, f := range r.foldings(s) {
			if r.deserted(f.topic) {
				continue
			}
			if err := r.behind(ctx, s, f, p); err != nil {
				return nil, err
			}
		}
	}
	return s, nil
}

// bounds asks for the bounds of a topic and returns how many partitions it has.
func (r *Reader) bounds(ctx context.Context, s *Standing, topic string) (int32, error) {
	asks := []func(context.Context, ...string) (kadm.ListedOffsets, error){
		r.admin.ListStartOffsets, r.admin.ListCommittedOffsets, r.admin.ListEndOffsets,
	}
	partitions := int32(0)
	for i, ask := range asks {
		listed, err := ask(ctx, topic)
		if err == nil {
			err = listed.Error()
		}
		if err != nil {
			return 0, fmt.Errorf("ask for the offsets of topic %q: %w", topic, err)
		}
		listed.Each(func(o kadm.ListedOffset) {
			at := place{topic, o.Partition}
			e := s.ends[at]
			*[]*int64{&e.start, &e.stable, &e.high}[i] = o.Offset
			s.ends[at] = e
			partitions = max(partitions, o.Partition+1)
		})
	}
	return partitions, nil
}

// behind notes what of a partition is not folded yet. A committed offset may stay
// in front of trailing control records.
func (r *Reader) behind(ctx context.Context, s *Standing, f folding, partition int32) error {
	e := s.ends[place{f.topic, partition}]
	committed, known := f.committed[partition]
	if known && committed >= e.stable {
		return nil
	}
	d := oracle.Difference{Kind: oracle.Source, Topic: f.topic, Partition: partition, Source: e.start, Output: -1}
	if !known {
		d.Text = fmt.Sprintf("group %s has committed nothing: the pipeline has not run here yet", f.group)
		s.Behind = append(s.Behind, d)
		return nil
	}
	found := false
	err := r.read(ctx, stretch{topic: f.topic, partition: partition, from: max(committed, e.start), to: e.stable, open: e.stable < e.high}, func(*kgo.Record) bool {
		found = true
		return false
	})
	if found {
		d.Source = committed
		d.Text = fmt.Sprintf("group %s has committed %d, and topic %s ends at %d: the pipeline has not folded all of it", f.group, committed, f.topic, e.stable)
		s.Behind = append(s.Behind, d)
	}
	return err
}
