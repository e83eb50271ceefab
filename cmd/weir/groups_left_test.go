package main

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/internal/brokers"
)

const leftFleet = `
name: fleet
kafka: {embedded: {dir: DIR/kafka, partitions: 2}}
source: {topic: readings}
time: {wait_for_late: 100ms, idle_after: 1s, max_future_skew: 1h}
windows:
  - {name: own, metric: temperature, tumbling: 1s, compute: [count], emit: {topic: own}}
  - {name: whole, metric: temperature, tumbling: 1s, by: all, compute: [count, max], emit: {topic: fleet}}
rules:
  - {name: far, when: temperature, levels: {alarm: {above: 1000}}}
  - {name: hot, when: whole.max, levels: {alarm: {above: 80}}}
alerts: {topic: alerts}
state: {dir: DIR/state}
`

// leftLone is leftFleet without its window over several devices.
func leftLone() string { return without(leftFleet, "whole") }

// without is a text but for the lines that hold a word.
func without(text, word string) string {
	kept := ""
	for line := range strings.Lines(text) {
		if !strings.Contains(line, word) {
			kept += line
		}
	}
	return kept
}

// leftSaid is how often the alert of the groups fired and ended, and how often that was said to be for its removal.
func leftSaid(t *testing.T, brokers ...string) (fired, ended, removed int) {
	all := grepLines(readTopic(t, "alerts", brokers...), `"rule":"hot"`)
	return len(grepLines(all, `"state":"firing"`)), len(grepLines(all, `"state":"resolved"`)), len(grepLines(all, `"reason":"removed"`))
}

// When the last window over several devices goes, what its rules had open ends, once, and when it comes again it
// begins anew. weir verify finds all of that as it must be.
func TestLastGroupWindowGoes(t *testing.T) {
	r := startReloaded(t, leftFleet)
	defer r.close()
	seq := 0
	heat := func(value, fires int) {
		seq++
		for _, device := range []string{"pump-0", "pump-1", "pump-2"} {
			r.send(device, time.Now().UTC(), value, seq)
		}
		waitFor(t, "it fires", func() bool { fired, _, _ := leftSaid(t, r.brokers...); return fired == fires })
	}
	heat(90, 1)
	for i := range 2 {
		r.write(leftLone())
		code, said := r.post()
		require.Equal(t, http.StatusOK, code, said)
		require.Contains(t, said, "window whole: removed, and its state with it\n")
		require.Contains(t, said, "rule hot: removed, and its state with it\n")
		fired, ended, removed := leftSaid(t, r.brokers...)
		require.Equal(t, []int{i + 1, i + 1, i + 1}, []int{fired, ended, removed}, "when the answer comes it is done")
		require.Len(t, r.instance.engines(), 2)
		require.True(t, r.metric(`weir_group_devices{pipeline="fleet"} 0`))

		r.write(leftFleet)
		code, said = r.post()
		require.Equal(t, http.StatusOK, code, said)
		require.Contains(t, said, "rule hot: new")
		seq++
		r.send("pump-0", time.Now().UTC(), 20, seq) // of an alert of before this would be the end
		heat(95, i+2)
	}
	fired, ended, removed := leftSaid(t, r.brokers...)
	require.Equal(t, []int{3, 2, 2}, []int{fired, ended, removed})

	r.write(leftLone())
	code, said := r.post()
	require.Equal(t, http.StatusOK, code, said)
	flags := verifyFlags{wait: 20 * time.Second, brokers: r.brokers, before: []string{"fleet.yaml"}}
	former, err := parsePipeline("fleet.yaml", r.write(leftFleet), func(configs.Diagnostic) {})
	require.NoError(t, err)
	flags.formers = []*configs.Pipeline{former}
	var out strings.Builder
	err = verify(context.Background(), r.work().pipeline, flags, &out)
	require.NoError(t, err, out.String())
	assert.Contains(t, out.String(), "6 alerts\npipeline fleet:", "of the groups")
}

// A restart with the file that has no window over several devices any more comes to the same, however often, and where
// the local state is lost as well. What cannot be ended is said, and keeps the pipeline from nothing.
func TestRestartWithoutGroupWindows(t *testing.T) {
	kafka, err := brokers.StartKafka(brokers.KafkaOptions{Topics: []string{"readings"}, Partitions: 2})
	require.NoError(t, err)
	defer kafka.Close()
	dir := t.TempDir()
	parse := func(text string) *configs.Pipeline {
		text = strings.ReplaceAll(strings.Replace(text, "{embedded: {dir: DIR/kafka, partitions: 2}}", `{brokers: ["`+kafka.Addr()+`"]}`, 1), "DIR", dir)
		p, err := parsePipeline("fleet.yaml", []byte(text), func(d configs.Diagnostic) { t.Log(d) })
		require.NoError(t, err)
		return p
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(kafka.Addr()))
	require.NoError(t, err)
	defer client.Close()
	run := func(p *configs.Pipeline, then func(s *started)) {
		s := start(t, p)
		waitFor(t, "ready", s.work().ready)
		then(s)
		s.end(t)
	}
	run(parse(leftFleet), func(*started) {
		at := time.Now().UTC().Format(time.RFC3339Nano)
		for _, device := range []string{"pump-0", "pump-1", "pump-2"} {
			text := `{"device":"` + device + `","metric":"temperature","ts":"` + at + `","value":90,"seq":1}`
			require.NoError(t, client.ProduceSync(context.Background(), &kgo.Record{Topic: "readings", Key: []byte(device), Value: []byte(text)}).FirstErr())
		}
		waitFor(t, "it fires", func() bool { fired, _, _ := leftSaid(t, kafka.Addr()); return fired == 1 })
	})
	lone := parse(leftLone())
	for i := range 3 {
		run(lone, func(s *started) {
			require.True(t, s.work().groups.atWork())
			fired, ended, removed := leftSaid(t, kafka.Addr())
			require.Equal(t, []int{1, 1, 1}, []int{fired, ended, removed}, "start %d", i)
			require.Zero(t, s.view(nil).Groups)
		})
		if i == 1 {
			require.NoError(t, os.RemoveAll(filepath.Join(dir, "state")))
		}
	}
	admin := kadm.NewClient(client)
	_, err = admin.DeleteRecords(context.Background(), kadm.Offsets{"weir.fleet.partials": {0: {Topic: "weir.fleet.partials", Partition: 0, At: 1 << 40}}})
	require.NoError(t, err)
	_, err = admin.DeleteTopic(context.Background(), "weir.fleet.groups.journal")
	require.NoError(t, err)
	_, err = admin.CreateTopic(context.Background(), 2, 1, nil, "weir.fleet.groups.journal")
	require.NoError(t, err)
	run(lone, func(s *started) { require.False(t, s.work().groups.atWork()) })
}

// A pipeline that never had a window over several devices has nothing of what these need.
func TestNoGroupsNothingLeft(t *testing.T) {
	r := startReloaded(t, leftLone())
	defer r.close()
	require.False(t, r.work().groups.atWork())
	require.Len(t, r.instance.engines(), 1)
	require.False(t, r.metric("weir_group_"))
	require.NoDirExists(t, filepath.Join(r.dir, "state", "fleet", "groups"))
	client, err := kgo.NewClient(kgo.SeedBrokers(r.brokers...))
	require.NoError(t, err)
	defer client.Close()
	topics, err := kadm.NewClient(client).ListTopics(context.Background())
	require.NoError(t, err)
	names := topics.Names()
	slices.Sort(names)
	require.Equal(t, []string{"alerts", "own", "readings", "weir.fleet.commands", "weir.fleet.journal", "weir.fleet.quarantine"}, names)
}
