package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// A file may have lost its last window over several devices. Alerts of groups may be
// open then, and only tasks of groups can end them and forget the groups, so that such
// a window begins anew when there is one again. They run a Vacant plan for that.

// Left reports whether the tasks of groups of former files have left something: their
// journal and the topic of partials are there. It is asked before Run, of the engine of
// a Vacant plan, and it makes neither topic. Brokers that do not answer, or that do not
// know the source of the readings yet, are waited for until ctx ends. Where the brokers
// do not grant a look nothing counts as left, for a pipeline that never had such
// windows may have been granted no more.
func (e *Engine) Left(ctx context.Context) (bool, error) {
	client, err := kgo.NewClient(e.clientOptions(kgo.MetadataMinAge(10 * time.Millisecond))...)
	if err != nil {
		return false, fmt.Errorf("connect to kafka: %w", err)
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	for wait := 20 * time.Millisecond; ; wait = min(2*wait, 10*time.Second) {
		there, err := e.lookForLeft(ctx, admin)
		if err == nil || refusedLogin(err) {
			return there, err
		}
		if err := pauseFor(ctx, wait); err != nil {
			return false, err
		}
	}
}

// lookForLeft asks the brokers once. That they know the source shows that they are up
// to date: it is older than what tasks of groups have.
func (e *Engine) lookForLeft(ctx context.Context, admin *kadm.Client) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	p, devices := e.o.Plan.Pipeline, e.o.Plan.DeviceSource()
	list, err := admin.ListTopics(ctx, devices, p.JournalTopic, p.Source.Topic)
	if err != nil {
		return false, fmt.Errorf("describe topic %q: %w", p.JournalTopic, err)
	}
	if err := list[devices].Err; err != nil {
		return false, fmt.Errorf("describe source topic %q: %w", devices, err)
	}
	for _, topic := range []string{p.JournalTopic, p.Source.Topic} {
		switch err := list[topic].Err; {
		case errors.Is(err, kerr.UnknownTopicOrPartition):
			return false, nil
		case errors.Is(err, kerr.TopicAuthorizationFailed):
			e.log.Warn("the brokers do not tell whether windows over several devices have left something to end", "topic", topic, "reason", err)
			return false, nil
		case err != nil:
			return false, fmt.Errorf("describe topic %q: %w", topic, err)
		}
	}
	return true, nil
}

// skipGone moves a task of a Vacant plan on to the beginning of its source: what
// retention has deleted before it was folded no window would have taken. It comes before
// the first batch, whose commit says so.
func (r *runner) skipGone(ctx context.Context) error {
	if !r.plan.Vacant() {
		return nil
	}
	topic := r.plan.Pipeline.Source.Topic
	starts, err := r.e.admin.ListStartOffsets(ctx, topic)
	if err != nil {
		return fmt.Errorf("list offsets of source: %w", err)
	}
	start, ok := starts.Lookup(topic, r.partition)
	if !ok || start.Err != nil {
		return fmt.Errorf("list offsets of source partition %d: %w", r.partition, start.Err)
	}
	r.position = max(r.position, start.Offset)
	return nil
}

// trails reports whether a task of a Vacant plan has read control records that it has
// not committed. Nobody sends it anything any more, so that its source will be deleted to
// the end in time, and its offset has to stand behind all of that.
func (r *runner) trails() bool { return r.plan.Vacant() && r.position > r.sealed }
