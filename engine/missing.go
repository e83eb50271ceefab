package engine

import (
	"context"
	"fmt"
	"strings"

	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/engine/task"
)

// mostSimilar is how many topics are named in place of one that is missing.
const mostSimilar = 5

// refuseMissing refuses a source topic that is not there. It names the topics that may have been meant; brokers that do not list them to
// us are no reason to say less of what is wrong.
func (e *Engine) refuseMissing(ctx context.Context, topic string) error {
	similar := ""
	if list, err := e.admin.ListTopics(ctx); err == nil {
		similar = sayTopics(configs.Similar(topic, e.foreign(list.Names()), mostSimilar))
	}
	return refuse("source topic %q does not exist%s: write one that does as source.topic, or create it with as many partitions as you will ever want to scale to;"+
		" weir run --create-source 8 makes it, with 8", topic, similar)
}

// foreign leaves out the topics that the pipeline makes itself.
func (e *Engine) foreign(topics []string) (others []string) {
	own := map[string]bool{e.o.Plan.Pipeline.JournalTopic: true}
	for i := range e.o.Plan.Topics() {
		own[e.o.Plan.TopicName(task.Topic(i))] = true
	}
	for _, topic := range topics {
		if !own[topic] {
			others = append(others, topic)
		}
	}
	return others
}

func sayTopics(similar []string) string {
	if len(similar) == 0 {
		return ""
	}
	return fmt.Sprintf(" (the brokers have %s)", strings.Join(similar, ", "))
}
