package rig

import (
	"context"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Cluster is the Kafka of a test, as seen from beside weir.
type Cluster struct {
	// Addr is "host:port", or several with commas between.
	Addr string
	// Admin is for what has no method here.
	Admin *kadm.Client

	t TB
}

// OpenCluster connects to a cluster; the connection ends with the test.
func OpenCluster(t TB, addr string) *Cluster {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(addr, ",")...), kgo.MetadataMinAge(10*time.Millisecond))
	check(t, "connect to "+addr, err)
	t.Cleanup(client.Close)
	return &Cluster{t: t, Addr: addr, Admin: kadm.NewClient(client)}
}

// Brokers are the addresses one by one.
func (c *Cluster) Brokers() []string { return strings.Split(c.Addr, ",") }

// Ask bounds a request. It outlives the test's context, for cleanups.
func (c *Cluster) Ask() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(c.t.Context()), 30*time.Second)
}

// Source makes a source topic as an operator should: the brokers stamp append times.
func (c *Cluster) Source(topic string, partitions int) {
	c.t.Helper()
	c.Topic(topic, partitions, map[string]string{"message.timestamp.type": "LogAppendTime"})
}

// Topic makes a topic with the brokers' default replication, and forgets it when the test ends well.
func (c *Cluster) Topic(topic string, partitions int, settings map[string]string) {
	c.t.Helper()
	ctx, cancel := c.Ask()
	defer cancel()
	pointers := map[string]*string{}
	for name, value := range settings {
		pointers[name] = &value
	}
	_, err := c.Admin.CreateTopic(ctx, int32(partitions), -1, pointers, topic)
	check(c.t, "make topic "+topic, err)
	c.Forget(topic)
	// The controller answers before the brokers have heard of it.
	Await(c.t, "topic "+topic, 30*time.Second, func() (bool, string) {
		listed, err := c.Admin.ListTopics(ctx, topic)
		if err == nil {
			err = listed[topic].Err
		}
		if err != nil {
			return false, err.Error()
		}
		return len(listed[topic].Partitions) == partitions, "it has too few partitions"
	})
}

// Forget deletes topics when the test ends well, if they are there; after a failure they are evidence.
func (c *Cluster) Forget(topics ...string) {
	c.t.Cleanup(func() {
		if c.t.Failed() {
			return
		}
		ctx, cancel := c.Ask()
		defer cancel()
		_, _ = c.Admin.DeleteTopics(ctx, topics...) // a cluster that the test has broken may not answer any more
	})
}

// Ends are the ends of a topic's partitions, open transactions and control records counted.
func (c *Cluster) Ends(topic string) map[int32]int64 {
	c.t.Helper()
	ctx, cancel := c.Ask()
	defer cancel()
	listed, err := c.Admin.ListEndOffsets(ctx, topic)
	check(c.t, "ends of "+topic, err)
	return c.offsets(listed, topic)
}

// Stable are the last stable offsets of a topic's partitions: what a read_committed consumer may reach.
func (c *Cluster) Stable(topic string) map[int32]int64 {
	c.t.Helper()
	ctx, cancel := c.Ask()
	defer cancel()
	listed, err := c.Admin.ListCommittedOffsets(ctx, topic)
	check(c.t, "last stable offsets of "+topic, err)
	return c.offsets(listed, topic)
}

func (c *Cluster) offsets(listed kadm.ListedOffsets, topic string) map[int32]int64 {
	c.t.Helper()
	check(c.t, "offsets of "+topic, listed.Error())
	found := map[int32]int64{}
	for p, o := range listed[topic] {
		found[p] = o.Offset
	}
	return found
}

// Pipeline is what a group reads.
type Pipeline struct{ Name, Source string }

// Journal is the pipeline's journal topic.
func (p Pipeline) Journal() string { return "weir." + p.Name + ".journal" }

// Quarantine is the topic of the readings that were not taken.
func (p Pipeline) Quarantine() string { return "weir." + p.Name + ".quarantine" }

// Commands is the topic of what operators say.
func (p Pipeline) Commands() string { return "weir." + p.Name + ".commands" }

// Group is the pipeline's consumer group.
func (p Pipeline) Group() string { return "weir." + p.Name }

// Groups is the second half of a pipeline with windows over several devices: what reads its partials.
func (p Pipeline) Groups() Pipeline {
	return Pipeline{Name: p.Name + ".groups", Source: "weir." + p.Name + ".partials"}
}

// Committed are the offsets up to which a pipeline has committed its outputs; those it has not begun are left out.
func (c *Cluster) Committed(of Pipeline) map[int32]int64 {
	c.t.Helper()
	ctx, cancel := c.Ask()
	defer cancel()
	found := map[int32]int64{}
	group, err := c.Admin.FetchOffsets(ctx, of.Group())
	if err != nil {
		return found // the coordinator of a new group is still loading
	}
	for p, o := range group[of.Source] {
		if o.Err == nil && o.At >= 0 {
			found[p] = o.At
		}
	}
	return found
}

// Consumed reports whether a pipeline has committed all that its source holds.
func (c *Cluster) Consumed(of Pipeline) (bool, string) {
	c.t.Helper()
	done, ends := c.Committed(of), c.Ends(of.Source)
	for p, end := range ends {
		if end != done[p] {
			return false, fmt.Sprintf("committed %v of %v", done, ends)
		}
	}
	return true, ""
}

// RequireNothingOpen checks that no transaction is open on a topic: its last stable offsets are its ends.
func (c *Cluster) RequireNothingOpen(topic string) {
	c.t.Helper()
	if stable, ends := c.Stable(topic), c.Ends(topic); !maps.Equal(stable, ends) {
		c.t.Fatalf("a transaction is open on %s: its last stable offsets are %v and its ends %v", topic, stable, ends)
	}
}

// Total is the sum of offsets.
func Total(offsets map[int32]int64) int64 {
	sum := int64(0)
	for _, o := range offsets {
		sum += o
	}
	return sum
}

// UniqueName makes a name nobody else uses on a shared broker.
func UniqueName(prefix string) string {
	return prefix + "-" + strconv.FormatInt(time.Now().UnixNano(), 36)
}
