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

	"github.com/weirstream/weir/complaint"
	"github.com/weirstream/weir/engine/task"
)

// topics is what the brokers said of the pipeline's topics at the start.
type topics struct {
	partitions  int32
	replicas    int // of the source, and of the topics weir makes
	source      [16]byte
	journal     [16]byte
	wallStamped bool  // the source does not stamp append times
	maxOutput   []int // largest record of each output topic, bytes
	maxBatch    map[string]int32
}

// batchLimit is the largest batch the brokers take for a topic, which is what
// max.message.bytes means. It is counted before compression, on the safe side.
func (t *topics) batchLimit(topic string) int32 {
	if limit, ok := t.maxBatch[topic]; ok {
		return limit
	}
	return maxBatchBytes
}

// leastBatch is the smallest max.message.bytes an output topic can have: an
// alert with a long device name fits.
const leastBatch = 4_000

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
		"max.message.bytes":      strconv.Itoa(journalBatch),
		"min.insync.replicas":    insync,
	}
}

// prepare checks the brokers and makes the topics that are missing. Brokers that
// do not answer yet are waited for; what they refuse is not asked again.
func (e *Engine) prepare(ctx context.Context) error {
	var trouble complaint.Pace
	for wait := 500 * time.Millisecond; ; wait = min(2*wait, 10*time.Second) {
		err := e.prepareOnce(ctx)
		var refused *RefusedError
		if err == nil || errors.As(err, &refused) || isDenied(err) {
			if lasted, was := trouble.Over(time.Now()); was && err == nil {
				e.log.Info("brokers are ready", "brokers", strings.Join(e.o.Brokers, ","), "after", lasted.Round(time.Millisecond).String())
			}
			return err
		}
		if lasts, say := trouble.Again(time.Now()); say {
			e.log.Warn("brokers not ready, trying again", "brokers", strings.Join(e.o.Brokers, ","), "reason", err, "for", lasts.Round(time.Second).String())
		}
		if err := pauseFor(ctx, wait); err != nil {
			return err
		}
	}
}

// isDenied reports whether an operator has to grant something first.
func isDenied(err error) bool {
	var denied *DeniedError
	return errors.As(err, &denied) || refusedLogin(err)
}

func (e *Engine) prepareOnce(ctx context.Context) error {
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
	if err := e.prepareCommands(ctx); err != nil {
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
		if guess := broker.VersionGuess(); strings.Contains(guess, "v4.3") {
			e.log.Warn("brokers of this version were seen to leave transactions half done after a crash of the only broker; the task then waits. 4.0 to 4.2 were not (see docs/EXACTLY_ONCE.md, Broker settings)", "broker", broker.NodeID, "version", guess)
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
	detail := list[topic]
	detail.Err = right{"Describe", "topic", topic}.need(detail.Err)
	return detail, nil
}

// goneAfter is how long a topic has to stay unknown before it counts as gone: a
// broker that has just started, and one that lags behind a creation, do not know
// a topic that is there.
const goneAfter = 3 * time.Second

// describeKnown describes a topic that should be there.
func (e *Engine) describeKnown(ctx context.Context, topic string) (kadm.TopicDetail, error) {
	for began := time.Now(); ; {
		detail, err := e.describe(ctx, topic)
		if err != nil || !errors.Is(detail.Err, kerr.UnknownTopicOrPartition) || time.Since(began) >= goneAfter {
			return detail, err
		}
		if err := pauseFor(ctx, 200*time.Millisecond); err != nil {
			return detail, err
		}
	}
}

// verifyTopics refuses a source or journal that is another one than when the
// process started.
func (e *Engine) verifyTopics(ctx context.Context) error {
	p := e.o.Plan.Pipeline
	for _, known := range []struct {
		topic string
		id    [16]byte
	}{{p.Source.Topic, e.topics.source}, {p.JournalTopic, e.topics.journal}} {
		detail, err := e.describeKnown(ctx, known.topic)
		switch {
		case err != nil:
			return err
		case errors.Is(detail.Err, kerr.UnknownTopicOrPartition):
			return refuse("topic %q was deleted while the pipeline ran", known.topic)
		case detail.Err != nil:
			return fmt.Errorf("describe topic %q: %w", known.topic, detail.Err)
		case detail.ID != known.id:
			return refuse("topic %q was deleted and created again while the pipeline ran", known.topic)
		case int32(len(detail.Partitions)) != e.topics.partitions:
			return refuse("topic %q has %d partitions now and had %d when the process started", known.topic, len(detail.Partitions), e.topics.partitions)
		}
	}
	return nil
}

func (e *Engine) prepareSource(ctx context.Context) error {
	p := e.o.Plan.Pipeline
	detail, err := e.describe(ctx, p.Source.Topic)
	if err != nil {
		return err
	}
	if errors.Is(detail.Err, kerr.UnknownTopicOrPartition) && e.o.CreateSource > 0 {
		stamp := "LogAppendTime"
		made := newTopic{name: p.Source.Topic, partitions: int32(e.o.CreateSource), replicas: -1, configs: map[string]*string{"message.timestamp.type": &stamp}}
		if err := e.create(ctx, made); err != nil {
			return err
		}
	}
	if errors.Is(detail.Err, kerr.UnknownTopicOrPartition) {
		if detail, err = e.describeKnown(ctx, p.Source.Topic); err != nil {
			return err
		}
	}
	if errors.Is(detail.Err, kerr.UnknownTopicOrPartition) && e.o.Plan.Groups() {
		return fmt.Errorf("topic %q is not there yet: the tasks of the devices make it", p.Source.Topic)
	}
	if errors.Is(detail.Err, kerr.UnknownTopicOrPartition) {
		return e.refuseMissing(ctx, p.Source.Topic)
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
	e.topics.partitions, e.topics.replicas = int32(len(detail.Partitions)), replicas(detail)
	e.topics.source = detail.ID
	e.topics.wallStamped = configs["message.timestamp.type"] != "LogAppendTime"
	if e.topics.wallStamped {
		e.log.Warn("source topic does not stamp append times, so this process's clock at fetch stands in for them; message.timestamp.type=LogAppendTime is better", "topic", p.Source.Topic)
	}
	return nil
}

func (e *Engine) prepareJournal(ctx context.Context) error {
	topic := e.o.Plan.Pipeline.JournalTopic
	want := journalConfigs(e.topics.replicas)
	wanted := map[string]*string{}
	for key, value := range want {
		wanted[key] = &value
	}
	detail, err := e.ensure(ctx, topic, wanted)
	if err != nil {
		return err
	}
	have, err := e.configs(ctx, topic)
	if err != nil {
		return err
	}
	var wrong []string
	for key, value := range want {
		if key == "min.insync.replicas" || key == "segment.bytes" { // a matter of taste, not of correctness
			continue
		}
		if key == "max.message.bytes" {
			if limit, err := strconv.Atoi(have[key]); err == nil && limit < maxBatchBytes {
				wrong = append(wrong, fmt.Sprintf("%s of %d or more (is %d)", key, maxBatchBytes, limit))
			}
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
	e.warnOfLoss(have, replicas(detail))
	return nil
}

// warnOfLoss says where the brokers may lose what they have acknowledged. It is
// the operator's choice, and recovery notices such a loss.
func (e *Engine) warnOfLoss(journal map[string]string, replicas int) {
	topic := e.o.Plan.Pipeline.JournalTopic
	if replicas < e.topics.replicas {
		e.log.Warn("journal has fewer replicas than the source: the only full copy of the state is easier to lose than the readings", "topic", topic, "replicas", replicas, "source", e.topics.replicas)
	}
	if insync, err := strconv.Atoi(journal["min.insync.replicas"]); err == nil && replicas > 1 && insync < 2 {
		e.log.Warn("journal records are acknowledged by a single broker, whose loss is theirs: set min.insync.replicas=2", "topic", topic)
	}
	if journal["unclean.leader.election.enable"] == "true" {
		e.log.Warn("a replica that lags may become leader and drop what was acknowledged: set unclean.leader.election.enable=false", "topic", topic)
	}
}

func (e *Engine) prepareOutputs(ctx context.Context) error {
	e.topics.maxOutput, e.topics.maxBatch = nil, map[string]int32{}
	for i := range e.o.Plan.Topics() {
		topic := e.o.Plan.TopicName(task.Topic(i))
		if topic != e.o.Plan.Pipeline.CommandsTopic { // that one is there already, with one partition
			if _, err := e.ensure(ctx, topic, e.outputConfigs(task.Topic(i))); err != nil {
				return err
			}
		}
		configs, err := e.configs(ctx, topic)
		if err != nil {
			return err
		}
		limit, err := strconv.Atoi(configs["max.message.bytes"])
		if err != nil {
			limit = journalBatch
		}
		if limit < leastBatch {
			return refuse("topic %q has max.message.bytes=%d, and an alert may be larger: give it %d or more", topic, limit, leastBatch)
		}
		limit = min(limit, maxBatchBytes)
		e.topics.maxBatch[topic] = int32(limit)
		e.topics.maxOutput = append(e.topics.maxOutput, limit-recordOverhead)
	}
	return nil
}

// ensure returns a topic that has the source's partition count, and makes it
// where it is missing, with the source's replication.
func (e *Engine) ensure(ctx context.Context, topic string, configs map[string]*string) (kadm.TopicDetail, error) {
	detail, err := e.describe(ctx, topic)
	if err != nil {
		return detail, err
	}
	if errors.Is(detail.Err, kerr.UnknownTopicOrPartition) {
		if err := e.create(ctx, newTopic{name: topic, partitions: e.topics.partitions, replicas: int16(e.topics.replicas), configs: configs}); err != nil {
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

type newTopic struct {
	name       string
	partitions int32
	replicas   int16 // -1: the cluster's default
	configs    map[string]*string
}

// create makes a topic and waits until the brokers know it.
func (e *Engine) create(ctx context.Context, t newTopic) error {
	resp, err := e.admin.CreateTopic(ctx, t.partitions, t.replicas, t.configs, t.name)
	if err == nil {
		err = resp.Err
	}
	if err != nil && !errors.Is(err, kerr.TopicAlreadyExists) {
		err = right{"Create", "topic", t.name}.need(err)
		return fmt.Errorf("create topic %q with %d partitions and %d replicas: %w", t.name, t.partitions, t.replicas, err)
	}
	e.log.Info("topic created", "topic", t.name, "partitions", t.partitions)
	for {
		detail, err := e.describe(ctx, t.name)
		if err != nil {
			return err
		}
		if detail.Err == nil && len(detail.Partitions) > 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for topic %q: %w", t.name, ctx.Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (e *Engine) configs(ctx context.Context, topic string) (map[string]string, error) {
	list, err := e.admin.DescribeTopicConfigs(ctx, topic)
	if err = (right{"DescribeConfigs", "topic", topic}).need(err); err != nil {
		return nil, fmt.Errorf("describe configs of topic %q: %w", topic, err)
	}
	found, err := list.On(topic, nil)
	if err == nil {
		err = found.Err
	}
	if err = (right{"DescribeConfigs", "topic", topic}).need(err); err != nil {
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
