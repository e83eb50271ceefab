package brokers

import (
	"fmt"
	"net"
	"os"

	"github.com/twmb/franz-go/pkg/kfake"
)

// KafkaOptions says how to run the Kafka broker. The zero value runs one in
// memory on a free port.
type KafkaOptions struct {
	// Dir keeps the data; empty keeps it in memory. One process may use it at
	// a time. Without Sync what was acknowledged survives the death of the
	// process, but not of the machine.
	Dir  string
	Port int // 0 picks a free one
	// Topics are created, with Partitions partitions each, where they are not
	// there yet.
	Topics     []string
	Partitions int  // of Topics and of topics created without a number; 0 is 4
	Sync       bool // fsync every append
	// Listen opens the broker's port; nil: net.Listen.
	Listen func(network, address string) (net.Listener, error)
}

// Kafka is a running broker.
type Kafka struct {
	cluster *kfake.Cluster
	addr    string
}

const (
	defaultPartitions = 4
	appendTime        = "LogAppendTime"
)

// StartKafka starts a broker, on the data of an earlier one where Dir holds it.
// Records get the broker's time (LogAppendTime) on every topic, also on one
// that is described as CreateTime because somebody else created it.
func StartKafka(o KafkaOptions) (*Kafka, error) {
	if o.Partitions == 0 {
		o.Partitions = defaultPartitions
	}
	if o.Listen == nil {
		o.Listen = net.Listen
	}
	opts := []kfake.Opt{
		kfake.Ports(o.Port),
		kfake.ClusterID("weir-embedded"),
		kfake.DefaultNumPartitions(o.Partitions),
		kfake.ListenFn(stamped(o.Listen)),
		kfake.BrokerConfigs(map[string]string{"log.message.timestamp.type": appendTime}),
	}
	if o.Dir != "" {
		if err := os.MkdirAll(o.Dir, 0o755); err != nil {
			return nil, fmt.Errorf("start embedded kafka: %w", err)
		}
		opts = append(opts, kfake.DataDir(o.Dir))
	}
	if o.Sync {
		opts = append(opts, kfake.SyncWrites())
	}
	cluster, err := kfake.NewCluster(opts...)
	if err != nil {
		return nil, fmt.Errorf("start embedded kafka on port %d, data in %q: %w", o.Port, o.Dir, err)
	}
	for _, topic := range o.Topics {
		if cluster.TopicInfo(topic) != nil {
			continue
		}
		if err := cluster.CreateTopic(topic, int32(o.Partitions), map[string]string{"message.timestamp.type": appendTime}); err != nil {
			cluster.Close()
			return nil, fmt.Errorf("start embedded kafka: create topic %q: %w", topic, err)
		}
	}
	return &Kafka{cluster: cluster, addr: cluster.ListenAddrs()[0]}, nil
}

// Addr returns the broker's host:port.
func (k *Kafka) Addr() string { return k.addr }

// Cluster returns the broker itself, for tests that make it misbehave.
func (k *Kafka) Cluster() *kfake.Cluster { return k.cluster }

// Close stops the broker and writes what is still to be written.
func (k *Kafka) Close() { k.cluster.Close() }
