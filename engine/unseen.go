package engine

import (
	"context"

	"github.com/twmb/franz-go/pkg/kadm"
)

// What a task wrote into the topic of commands in a former life may lie behind a transaction
// that somebody has left open there: then the version that it starts with lacks it. Until all
// is seen that was written when it started, each version is compared with the state again.

// writtenEnd is where the only partition of a topic ends, open transactions counted.
func writtenEnd(ctx context.Context, admin *kadm.Client, topic string) (int64, error) {
	return onlyEnd(ctx, topic, admin.ListEndOffsets)
}
