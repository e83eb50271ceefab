package main

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/internal/brokers"
)

// A history across two files is verified by both, and not by one alone.
func TestVerifyAcrossFiles(t *testing.T) {
	kafka, err := brokers.StartKafka(brokers.KafkaOptions{Topics: []string{"readings"}, Partitions: 2})
	require.NoError(t, err)
	defer kafka.Close()
	dir := t.TempDir()
	parse := func(src string) *configs.Pipeline {
		p, err := parsePipeline("verified.yaml", []byte(src), func(d configs.Diagnostic) { t.Log(d) })
		require.NoError(t, err)
		p.Kafka.Brokers, p.State.Dir = []string{kafka.Addr()}, dir
		return p
	}
	old := parse(verified)
	second := parse(with(with(verified, "above: 22,", "above: 21.8,"), "{name: cold,", "{name: freezing,"))
	third := parse(with(verified, "rules:", "  - {name: more, metric: temperature, count: 3, compute: [sum], emit: {topic: hops}}\nrules:"))
	for i, p := range []*configs.Pipeline{old, second, third} {
		s := start(t, p)
		fleetTo(t, kafka.Addr(), uint64(1+i), 1500)
		waitFor(t, "folded", func() bool { return s.counters().In >= uint64(1500*(i+1)) })
		s.end(t)
	}
	var out strings.Builder
	flags := verifyFlags{wait: 20 * time.Second, formers: []*configs.Pipeline{second, old}, before: []string{"second.yaml", "old.yaml"}}
	err = verify(context.Background(), third, flags, &out)
	require.NoError(t, err, out.String())
	assert.Contains(t, out.String(), "the file of the pipeline changed 4 times")

	out.Reset()
	flags.formers = []*configs.Pipeline{second}
	err = verify(context.Background(), third, flags, &out)
	require.Error(t, err)
	assert.Contains(t, out.String(), "from source offset 0 on the windows and rules were those of another file")

	out.Reset()
	flags.formers = nil
	err = verify(context.Background(), third, flags, &out)
	require.Error(t, err)
	assert.Contains(t, out.String(), "which is none of the 1 given")
}

// Windows over several devices are verified across files, too: what is kept, what begins anew, and what is gone, also
// where none is left, or none was there before.
func TestVerifyGroupsAcrossFiles(t *testing.T) {
	kafka, err := brokers.StartKafka(brokers.KafkaOptions{Topics: []string{"readings"}, Partitions: 2})
	require.NoError(t, err)
	defer kafka.Close()
	dir, path := t.TempDir(), sites(t)
	text := strings.ReplaceAll(verifiedGroups, "ROSTER", path)
	parse := func(src string) *configs.Pipeline {
		p, err := parsePipeline("verified.yaml", []byte(src), func(d configs.Diagnostic) { t.Log(d) })
		require.NoError(t, err)
		p.Kafka.Brokers, p.State.Dir = []string{kafka.Addr()}, dir
		return p
	}
	first := parse(text)
	second := parse(with(with(text, "compute: [mean, last, stddev]", "compute: [mean, last, max]"), "{name: fleet, when", "{name: whole, when"))
	var fewer []string
	for line := range strings.Lines(text) {
		if !strings.Contains(line, "fleet") && !strings.Contains(line, "site") {
			fewer = append(fewer, line)
		}
	}
	third := parse(strings.Join(fewer, ""))
	files := []*configs.Pipeline{first, second, third}
	for i, p := range files {
		s := start(t, p)
		fleetTo(t, kafka.Addr(), uint64(1+i), 1500)
		waitFor(t, "folded", func() bool { return s.counters().In >= uint64(1500*(i+1)) })
		s.end(t)
	}
	flags := verifyFlags{wait: 20 * time.Second, rosters: []string{path}, formers: files[:2], before: []string{"first.yaml", "second.yaml"}}
	var out strings.Builder
	err = verify(context.Background(), third, flags, &out)
	require.NoError(t, err, out.String())
	assert.Contains(t, out.String(), "groups of partition 1: ")
	assert.Contains(t, out.String(), "the file of the pipeline changed 6 times")

	out.Reset()
	flags.formers = files[:1]
	err = verify(context.Background(), third, flags, &out)
	require.Error(t, err)
	assert.Contains(t, out.String(), "the windows and rules were those of another file")
}
