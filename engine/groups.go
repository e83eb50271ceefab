package engine

import (
	"fmt"
	"strconv"
	"time"

	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/engine/task"
)

// A pipeline with windows over several devices is two engines, each with a group,
// a journal and a store of its own: one folds readings for each device and sends
// partials, the other folds these for each group of devices. To the protocol a
// partial is an output of the one and a reading of the other.

// partialsRetention is how long the topic of partials keeps them. Group tasks that
// are down for longer refuse to go on behind the gap.
const partialsRetention = 7 * 24 * time.Hour

// transactionalID names the producer of a task; it is the group's name with the
// partition, so that tasks of devices and of groups are two.
func transactionalID(p *configs.Pipeline, partition int32) string {
	return fmt.Sprintf("%s.%d", p.Group, partition)
}

// outputPartition is the partition that an output goes to: partials go to that of
// their group, everything else to the task's own.
func (r *runner) outputPartition(o task.Output) int32 {
	if o.Partition == task.OwnPartition {
		return r.partition
	}
	return o.Partition
}

// outputConfigs are the settings of an output topic that weir makes; nil: the
// brokers' own.
func (e *Engine) outputConfigs(t task.Topic) map[string]*string {
	if !e.o.Plan.IsPartials(t) {
		return nil
	}
	policy, stamp, retention := "delete", "LogAppendTime", strconv.FormatInt(partialsRetention.Milliseconds(), 10)
	return map[string]*string{"cleanup.policy": &policy, "message.timestamp.type": &stamp, "retention.ms": &retention}
}

func (r *runner) groupPartition() func([]byte) int32 {
	if r.e.o.GroupPartition == nil {
		return nil
	}
	n := int(r.e.topics.partitions)
	return func(group []byte) int32 { return int32(r.e.o.GroupPartition(group, n)) }
}

// decoders gives a task its decoders. Partials need none.
func (r *runner) decoders(o *task.Options) (err error) {
	if r.plan.Groups() {
		return nil
	}
	if o.Decoder, err = r.e.o.NewDecoder(Payload); err != nil {
		return err
	}
	o.HeaderDecoder, err = r.e.o.NewDecoder(Header)
	return err
}
