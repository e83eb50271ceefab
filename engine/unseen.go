package engine

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
)

// What a task wrote into the topic of commands in a former life may lie behind a transaction
// that somebody has left open there: then the version that it starts with lacks it. Until all
// is seen that was written when it started, each version is compared with the state again.

// writtenEnd is where the only partition of a topic ends, open transactions counted.
func writtenEnd(ctx context.Context, admin *kadm.Client, topic string) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	ends, err := admin.ListEndOffsets(ctx, topic)
	if err != nil {
		return 0, fmt.Errorf("ask for the end of topic %q: %w", topic, err)
	}
	end, ok := ends.Lookup(topic, 0)
	switch {
	case !ok:
		return 0, fmt.Errorf("ask for the end of topic %q: %w", topic, errors.New("no answer for partition 0"))
	case end.Err != nil:
		return 0, fmt.Errorf("ask for the end of topic %q: %w", topic, end.Err)
	}
	return end.Offset, nil
}
