package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	sourcePartitions = 8
	startTries       = 3 // between finding a free port and listening on it another process may take it
)

// cluster is a Kafka of the harness's own, one node on loopback, started by deploy/kafka/kafka.sh on a free port with fresh data.
type cluster struct {
	addr  string
	admin *kadm.Client
	pid   int // of the broker

	script string
	client *kgo.Client
}

func startCluster(ctx context.Context, root string) (*cluster, error) {
	c := &cluster{script: filepath.Join(root, "deploy/kafka/kafka.sh")}
	var out string
	var err error
	for range startTries {
		out, err = c.run(ctx, "up", "KAFKA_PORT=auto", "KAFKA_BROKERS=1", "KAFKA_WHILE_PID="+strconv.Itoa(os.Getpid()))
		if err == nil || ctx.Err() != nil {
			break
		}
	}
	if err != nil {
		return nil, fmt.Errorf("start kafka: %w", err)
	}
	c.addr = out
	if err := c.connect(ctx); err != nil {
		_ = c.stop()
		return nil, err
	}
	return c, nil
}

func (c *cluster) connect(ctx context.Context) error {
	data, err := c.run(ctx, "data", "KAFKA_PORT="+c.port(), "1")
	if err != nil {
		return fmt.Errorf("find kafka's data: %w", err)
	}
	text, err := os.ReadFile(filepath.Join(filepath.Dir(data), "pid"))
	if err != nil {
		return fmt.Errorf("find kafka's process: %w", err)
	}
	if c.pid, err = strconv.Atoi(strings.TrimSpace(string(text))); err != nil {
		return fmt.Errorf("find kafka's process: %w", err)
	}
	if c.client, err = kgo.NewClient(kgo.SeedBrokers(c.addr), kgo.MetadataMinAge(10*time.Millisecond)); err != nil {
		return fmt.Errorf("connect to kafka: %w", err)
	}
	c.admin = kadm.NewClient(c.client)
	return nil
}

func (c *cluster) port() string { return c.addr[strings.LastIndexByte(c.addr, ':')+1:] }

// run runs the script; words with "=" go to its environment.
func (c *cluster) run(ctx context.Context, verb string, words ...string) (string, error) {
	command := exec.CommandContext(ctx, c.script, verb)
	command.Env = os.Environ()
	for _, w := range words {
		if strings.Contains(w, "=") {
			command.Env = append(command.Env, w)
		} else {
			command.Args = append(command.Args, w)
		}
	}
	var said bytes.Buffer
	command.Stderr = &said
	out, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("kafka.sh %s: %w\n%s", verb, err, said.Bytes())
	}
	return strings.TrimSpace(string(out)), nil
}

func (c *cluster) stop() error {
	if c.client != nil {
		c.client.Close()
	}
	_, err := c.run(context.Background(), "down", "KAFKA_PORT="+c.port())
	return err
}

// topic makes a topic and waits until the broker knows it.
func (c *cluster) topic(ctx context.Context, name string, partitions int, settings ...string) error {
	configs := map[string]*string{}
	for _, s := range settings {
		k, v, _ := strings.Cut(s, "=")
		configs[k] = &v
	}
	if _, err := c.admin.CreateTopic(ctx, int32(partitions), -1, configs, name); err != nil {
		return fmt.Errorf("make topic %s: %w", name, err)
	}
	return poll(ctx, 10*time.Millisecond, func() (bool, error) {
		listed, err := c.admin.ListTopics(ctx, name)
		return err == nil && listed[name].Err == nil && len(listed[name].Partitions) == partitions, nil
	})
}

// source makes a source topic: the broker stamps append times.
func (c *cluster) source(ctx context.Context, name string, partitions int) error {
	return c.topic(ctx, name, partitions, "message.timestamp.type=LogAppendTime")
}

// committed is how many records of a topic a group has committed, by partition.
func (c *cluster) committed(ctx context.Context, group, topic string) map[int32]int64 {
	found := map[int32]int64{}
	offsets, err := c.admin.FetchOffsets(ctx, group)
	if err != nil {
		return found // the coordinator of a new group is still loading
	}
	for p, o := range offsets[topic] {
		if o.Err == nil && o.At > 0 {
			found[p] = o.At
		}
	}
	return found
}

// ends are the ends of topics' partitions; stable stops at open transactions, as a read_committed consumer does.
func (c *cluster) ends(ctx context.Context, topics ...string) (map[string]map[int32]int64, error) {
	return offsets(c.admin.ListEndOffsets(ctx, topics...))
}

func (c *cluster) stable(ctx context.Context, topics ...string) (map[string]map[int32]int64, error) {
	return offsets(c.admin.ListCommittedOffsets(ctx, topics...))
}

func offsets(listed kadm.ListedOffsets, err error) (map[string]map[int32]int64, error) {
	if err == nil {
		err = listed.Error()
	}
	if err != nil {
		return nil, fmt.Errorf("list offsets: %w", err)
	}
	found := map[string]map[int32]int64{}
	listed.Each(func(o kadm.ListedOffset) {
		if found[o.Topic] == nil {
			found[o.Topic] = map[int32]int64{}
		}
		found[o.Topic][o.Partition] = o.Offset
	})
	return found, nil
}

func total(offsets map[int32]int64) int64 {
	sum := int64(0)
	for _, o := range offsets {
		sum += o
	}
	return sum
}

// logBytes is the size of each topic's log now. What was deleted from a log by its owner does not count.
func (c *cluster) logBytes(ctx context.Context) (map[string]int64, error) {
	dirs, err := c.admin.DescribeAllLogDirs(ctx, nil)
	if err != nil {
		return nil, fmt.Errorf("describe log directories: %w", err)
	}
	found := map[string]int64{}
	dirs.Each(func(d kadm.DescribedLogDir) {
		d.Topics.Each(func(p kadm.DescribedLogDirPartition) { found[p.Topic] += p.Size })
	})
	return found, nil
}

// clear deletes all topics but those kept, and all groups but those of a living member.
func (c *cluster) clear(ctx context.Context, keep map[string]bool) error {
	listed, err := c.admin.ListTopics(ctx)
	if err != nil {
		return fmt.Errorf("list topics: %w", err)
	}
	var gone []string
	for _, name := range listed.Names() {
		if !keep[name] {
			gone = append(gone, name)
		}
	}
	if len(gone) == 0 {
		return nil
	}
	answers, err := c.admin.DeleteTopics(ctx, gone...)
	if err != nil {
		return fmt.Errorf("delete topics: %w", err)
	}
	for _, name := range gone {
		if err := answers[name].Err; err != nil && !errors.Is(err, kerr.UnknownTopicOrPartition) {
			return fmt.Errorf("delete topic %s: %w", name, err)
		}
	}
	return nil
}

// poll asks until the answer is yes, an error, or ctx ends.
func poll(ctx context.Context, every time.Duration, ask func() (bool, error)) error {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		done, err := ask()
		if err != nil || done {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-ticker.C:
		}
	}
}
