package engine

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// A source topic that is not there is refused, with what makes it and the topics that may have been meant.
func TestMissingSource(t *testing.T) {
	t.Parallel()
	b := newBench(t, benchOptions{pipeline: patient})
	for _, topic := range []string{"raw-readings", "readings-eu", "orders", "reading"} {
		require.NoError(t, b.cluster.CreateTopic(topic, 1, nil))
	}
	b.plan = compile(t, withLine(patient, "topic: readings", "topic: raedings"))
	err := b.start(b.options(newMemoryStore())).ended(t)
	require.ErrorAs(t, err, new(*RefusedError))
	require.EqualError(t, err, `refused: source topic "raedings" does not exist (the brokers have reading, readings): write one that does as source.topic, `+
		`or create it with as many partitions as you will ever want to scale to; weir run --create-source 8 makes it, with 8`)
	b.plan = compile(t, withLine(patient, "topic: readings", "topic: temperatures"))
	err = b.start(b.options(newMemoryStore())).ended(t)
	require.ErrorContains(t, err, `source topic "temperatures" does not exist: write one`)
}
