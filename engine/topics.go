package engine

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/weirstream/weir/engine/task"
)

// topics is what the brokers said of the pipeline's topics at the start.
type topics struct {
	partitions  int32
	source      [16]byte
	journal     [16]byte
	wallStamped bool  // the source does not stamp append times
	maxOutput   []int // largest record of each output topic, bytes
}

// journalConfigs are what the journal relies on. Retention by time or size, or
// compaction, would delete the only full copy of the state.
func journalConfigs(replicas int) map[string]string {
	insync := "1"
	if replicas > 1 {
		insync = "2"
	}
	return map[string]string{
		"cleanup.policy":         "delete",
		"retention.ms":           "-1",
		"retention.bytes":        "-1",
		"segment.bytes":          strconv.Itoa(64 << 20),
		"message.timestamp.type": "LogAppendTime",
		"min.insync.replicas":    insync,
	}
}

// prepare checks the brokers and makes the topics that are missing.
func (e *Engine) prepare(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	if err := e.checkBrokers(ctx); err != nil {
		return err
	}
	if err := e.prepareSource(ctx); err != nil {
		return err
	}
	if err := e.prepareJournal(ctx); err != nil {
		return err
	}
	return e.prepareOutputs(ctx)
}

// checkBrokers refuses brokers whose transactions can be joined by a zombie's
// late request (transaction.version below 2, KIP-890).
func (e *Engine) checkBrokers(ctx context.Context) error {
	resp, err := e.admin.ApiVersions(ctx)
	if err != nil {
		return fmt.Errorf("ask brokers %s for their versions: %w", strings.Join(e.o.Brokers, ","), err)
	}
	for _, broker := range resp.Sorted() {
		if broker.Err != nil {
			return fmt.Errorf("ask broker %d for its versions: %w", broker.NodeID, broker.Err)
		}
		if level := transactionVersion(broker); level < 2 {
			return refuse("broker %d has transaction.version %d, and 2 is needed: weir needs Apache Kafka 4.0 or later with the feature transaction.version finalized at 2 (kafka-features.sh upgrade --feature transaction.version=2)", broker.NodeID, level)
		}
	}
	return nil
}

func transactionVersion(broker kadm.BrokerApiVersions) int16 {
	for _, f := range broker.Raw().FinalizedFeatures {
		if f.Name == "transaction.version" {
			return f.MaxVersionLevel
		}
	}
	return 0
}

func (e *Engine) describe(ctx context.Context, topic string) (kadm.TopicDetail, error) {
	list, err := e.admin.ListTopics(ctx, topic)
	if err != nil {
		return kadm.TopicDetail{}, fmt.Errorf("describe topic %q: %w", topic, err)
	}
	return list[topic], nil
}

func (e *Engine) prepareSource(ctx context.Context) error {
	p := e.o.Plan.Pipeline
	detail, err := e.describe(ctx, p.Source.Topic)
	if err != nil {
		return err
	}
	if errors.Is(detail.Err, kerr.UnknownTopicOrPartition) && e.o.CreateSource > 0 {
		stamp := "LogAppendTime"
		if err := e.create(ctx, p.Source.Topic, int32(e.o.CreateSource), map[string]*string{"message.timestamp.type": &stamp}); err != nil {
			return err
		}
		if detail, err = e.describe(ctx, p.Source.Topic); err != nil {
			return err
		}
	}
	if errors.Is(detail.Err, kerr.UnknownTopicOrPartition) {
		return refuse("source topic %q does not exist: create it with as many partitions as you will ever want to scale to", p.Source.Topic)
	}
	if detail.Err != nil {
		return fmt.Errorf("describe source topic %q: %w", p.Source.Topic, detail.Err)
	}
	configs, err := e.configs(ctx, p.Source.Topic)
	if err != nil {
		return err
	}
	if strings.Contains(configs["cleanup.policy"], "compact") {
		return refuse("source topic %q is compacted (cleanup.policy=%s): compaction removes readings before they are folded", p.Source.Topic, configs["cleanup.policy"])
	}
	e.topics.partitions = int32(len(detail.Partitions))
	e.topics.source = detail.ID
	e.topics.wallStamped = configs["message.timestamp.type"] != "LogAppendTime"
	if e.topics.wallStamped {
		e.log.Warn("source topic does not stamp append times, so this process's clock at fetch stands in for them; message.timestamp.type=LogAppendTime is better", "topic", p.Source.Topic)
	}
	return nil
}

func (e *Engine) prepareJournal(ctx context.Context) error {
	topic := e.o.Plan.Pipeline.JournalTopic
	detail, err := e.ensure(ctx, topic, nil)
	if err != nil {
		return err
	}
	have, err := e.configs(ctx, topic)
	if err != nil {
		return err
	}
	want := journalConfigs(replicas(detail))
	var wrong []string
	for key, value := range want {
		if key == "min.insync.replicas" || key == "segment.bytes" { // a matter of taste, not of correctness
			continue
		}
		if have[key] != value {
			wrong = append(wrong, fmt.Sprintf("%s=%s (is %q)", key, value, have[key]))
		}
	}
	if len(wrong) > 0 {
		sort.Strings(wrong)
		return refuse("journal topic %q must have %s: it is the only full copy of the state", topic, strings.Join(wrong, ", "))
	}
	e.topics.journal = detail.ID
	return nil
}

func (e *Engine) prepareOutputs(ctx context.Context) error {
	for i := range e.o.Plan.Topics() {
		topic := e.o.Plan.TopicName(task.Topic(i))
		if _, err := e.ensure(ctx, topic, map[string]*string{}); err != nil {
			return err
		}
		configs, err := e.configs(ctx, topic)
		if err != nil {
			return err
		}
		limit, err := strconv.Atoi(configs["max.message.bytes"])
		if err != nil {
			limit = 1_048_588 // the broker's default
		}
		e.topics.maxOutput = append(e.topics.maxOutput, min(limit, maxBatchBytes)-recordOverhead)
	}
	return nil
}

// ensure returns a topic that has the source's partition count, and makes it
// where it is missing. configs nil means the journal's.
func (e *Engine) ensure(ctx context.Context, topic string, configs map[string]*string) (kadm.TopicDetail, error) {
	detail, err := e.describe(ctx, topic)
	if err != nil {
		return detail, err
	}
	if errors.Is(detail.Err, kerr.UnknownTopicOrPartition) {
		if configs == nil {
			source, err := e.describe(ctx, e.o.Plan.Pipeline.Source.Topic)
			if err != nil {
				return detail, err
			}
			configs = map[string]*string{}
			for key, value := range journalConfigs(replicas(source)) {
				configs[key] = &value
			}
		}
		if err := e.create(ctx, topic, e.topics.partitions, configs); err != nil {
			return detail, err
		}
		if detail, err = e.describe(ctx, topic); err != nil {
			return detail, err
		}
	}
	if detail.Err != nil {
		return detail, fmt.Errorf("describe topic %q: %w", topic, detail.Err)
	}
	if have := int32(len(detail.Partitions)); have != e.topics.partitions {
		return detail, refuse("topic %q has %d partitions and source topic %q has %d: they must be equal, for partition p of the one feeds partition p of the other", topic, have, e.o.Plan.Pipeline.Source.Topic, e.topics.partitions)
	}
	return detail, nil
}

// create makes a topic with the cluster's default replication and waits until
// the brokers know it.
func (e *Engine) create(ctx context.Context, topic string, partitions int32, configs map[string]*string) error {
	resp, err := e.admin.CreateTopic(ctx, partitions, -1, configs, topic)
	if err == nil {
		err = resp.Err
	}
	if err != nil && !errors.Is(err, kerr.TopicAlreadyExists) {
		return fmt.Errorf("create topic %q with %d partitions: %w", topic, partitions, err)
	}
	e.log.Info("topic created", "topic", topic, "partitions", partitions)
	for {
		detail, err := e.describe(ctx, topic)
		if err != nil {
			return err
		}
		if detail.Err == nil && len(detail.Partitions) > 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for topic %q: %w", topic, ctx.Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (e *Engine) configs(ctx context.Context, topic string) (map[string]string, error) {
	list, err := e.admin.DescribeTopicConfigs(ctx, topic)
	if err != nil {
		return nil, fmt.Errorf("describe configs of topic %q: %w", topic, err)
	}
	found, err := list.On(topic, nil)
	if err == nil {
		err = found.Err
	}
	if err != nil {
		return nil, fmt.Errorf("describe configs of topic %q: %w", topic, err)
	}
	values := map[string]string{}
	for _, c := range found.Configs {
		values[c.Key] = c.MaybeValue()
	}
	return values, nil
}

func replicas(d kadm.TopicDetail) int {
	for _, p := range d.Partitions {
		return len(p.Replicas)
	}
	return 1
}
