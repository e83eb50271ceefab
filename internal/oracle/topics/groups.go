package topics

import (
	"context"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/internal/oracle"
)

// folding is a topic that a consumer group of the pipeline folds.
type folding struct {
	topic     string
	group     string
	committed map[int32]int64 // absent: never committed
}

// foldings are the source and, where windows are over several devices, the partials.
func (r *Reader) foldings(s *Standing) []folding {
	all := []folding{{r.pipeline.Source.Topic, r.pipeline.Group, s.committed}}
	if groups := r.groups(); groups != nil {
		all = append(all, folding{groups.Source.Topic, groups.Group, s.folded})
	}
	return all
}

// groups is what tasks of groups run by the newest file with windows over several devices; nil: none has any.
func (r *Reader) groups() *configs.Pipeline {
	for _, p := range append([]*configs.Pipeline{r.pipeline}, r.before...) {
		if p.Grouped() {
			return p.GroupPart()
		}
	}
	return nil
}

// deserted reports whether a topic is one that no task folds or writes any more: no window over several devices is left.
func (r *Reader) deserted(topic string) bool {
	groups := r.groups()
	return groups != nil && !r.pipeline.Grouped() && (topic == groups.Source.Topic || topic == groups.JournalTopic || topic == groups.QuarantineTopic)
}

// kept are the topics that the pipeline writes for itself.
func (r *Reader) kept() []string {
	topics := []string{r.pipeline.JournalTopic, r.pipeline.CommandsTopic}
	if groups := r.groups(); groups != nil {
		topics = append(topics, groups.Source.Topic, groups.JournalTopic)
	}
	return topics
}

// ReadFleet reads the topic of partials up to where it stood, all partitions of it;
// nil where the pipeline has no windows over several devices and had none.
func (r *Reader) ReadFleet(ctx context.Context, s *Standing, counts map[string]int) (*oracle.Fleet, error) {
	if r.groups() == nil {
		return nil, nil
	}
	topic := r.pipeline.PartialsTopic
	fleet := oracle.NewFleet(r.pipeline, s.Partitions, r.before...)
	for p := range s.Partitions {
		var records []oracle.SourceRecord
		err := r.all(ctx, s, place{topic, p}, func(rec *kgo.Record) {
			counts[topic]++
			records = append(records, sourceRecord(rec))
		})
		if err != nil {
			return nil, err
		}
		fleet.Add(p, s.ends[place{topic, p}].start, records)
	}
	return fleet, nil
}

// ReadGroups reads what the groups of one partition wrote, up to where it stood, for
// Fleet.Check. Outputs that Read has counted are not counted again.
func (r *Reader) ReadGroups(ctx context.Context, s *Standing, partition int32, counts map[string]int) (oracle.Input, error) {
	groups := r.groups()
	in := oracle.Input{
		Partition: partition, Partitions: s.Partitions, Earliest: s.ends[place{groups.Source.Topic, partition}].start,
		Committed: s.folded[partition], Outputs: map[string][]oracle.OutputRecord{},
	}
	if err := r.readOutputs(ctx, s, &in, r.outputs(), map[string]int{}); err != nil {
		return in, err
	}
	if err := r.readCommands(ctx, s, &in, map[string]int{}); err != nil {
		return in, err
	}
	err := r.readJournal(ctx, s, &in, groups.JournalTopic, counts)
	return in, err
}

// outputsOf are the topics that a pipeline writes for others, unsorted.
func outputsOf(p *configs.Pipeline) []string {
	topics := []string{p.Alerts.Topic, p.QuarantineTopic}
	for i := range p.Windows {
		if topic := p.Windows[i].Emit.Topic; topic != "" {
			topics = append(topics, topic)
		}
	}
	return topics
}
