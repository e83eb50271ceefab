package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirstream/weir/alerts/commands"
	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/event"
)

const alertsPipeline = `
name: desk
kafka: {embedded: {dir: DIR/kafka, partitions: 2}}
source: {topic: readings}
devices: {roster: fleet.csv}
rules:
  - name: hot
    when: temperature
    levels:
      warning: {above: 50}
      critical: {above: 80}
    message: "{{device}} has {{value}}"
  - {name: wet, when: humidity, levels: {warning: {above: 50}}}
alerts: {topic: alerts}
state: {dir: DIR/state}
`

// deskBench is a running pipeline and its file.
type deskBench struct {
	t *testing.T
	*started
	file    string
	client  *kgo.Client
	outside *outside
}

func newDeskBench(t *testing.T) *deskBench {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("USER", "kim")
	b := &deskBench{t: t, file: filepath.Join(dir, "desk.yaml")}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "fleet.csv"), []byte("device,site\npump-1,Hamburg\npump-2,Kiel\n"), 0o644))
	require.NoError(t, os.WriteFile(b.file, []byte(strings.ReplaceAll(alertsPipeline, "DIR", dir)), 0o644))
	p, err := loadPipeline(b.file, func(configs.Diagnostic) {})
	require.NoError(t, err)
	b.started = startWith(t, p, func(i *instance) {
		b.outside, err = newOutside([]*instance{i})
		require.NoError(t, err)
	})
	b.client, err = kgo.NewClient(kgo.SeedBrokers(b.brokers...))
	require.NoError(t, err)
	t.Cleanup(b.client.Close)
	return b
}

// send sends a reading and waits until so many alert records are there.
func (b *deskBench) send(device, rest string, alerts int) {
	b.t.Helper()
	text := `{"device":"` + device + `","ts":"` + time.Now().UTC().Format(time.RFC3339Nano) + `",` + rest + `}`
	require.NoError(b.t, b.client.ProduceSync(context.Background(), &kgo.Record{Topic: "readings", Key: []byte(device), Value: []byte(text)}).FirstErr())
	waitFor(b.t, "the alert", func() bool { return len(readTopic(b.t, "alerts", b.brokers...)) >= alerts })
}

// weir runs weir alerts with arguments behind the file.
func (b *deskBench) weir(command string, args ...string) (string, error) {
	b.t.Helper()
	root := newRootCommand()
	var out bytes.Buffer
	root.SetOut(&out)
	root.SetErr(&out)
	root.SetArgs(append([]string{"alerts", command, "--brokers", b.brokers[0], b.file}, args...))
	err := root.ExecuteContext(context.Background())
	return out.String(), err
}

func (b *deskBench) must(command string, args ...string) string {
	b.t.Helper()
	out, err := b.weir(command, args...)
	require.NoError(b.t, err)
	return out
}

func TestAlertsCommands(t *testing.T) {
	b := newDeskBench(t)
	waitFor(t, "topics", func() bool { _, err := b.weir("ls"); return err == nil })
	require.Equal(t, []string{"STATE  LEVEL  RULE  DEVICE  SINCE  FOR  ID  FLAGS"}, strings.Split(strings.TrimSpace(b.must("ls")), "\n"))

	b.send("pump-1", `"metric":"temperature","value":60`, 1)
	b.send("pump-1", `"metric":"temperature","value":90.5`, 2)
	b.send("pump-2", `"metric":"humidity","value":70`, 3)
	lines := strings.Split(strings.TrimSpace(b.must("ls")), "\n")
	require.Len(t, lines, 3)
	require.Regexp(t, `^firing\s+critical\s+hot\s+pump-1\s`, lines[1])
	require.Regexp(t, `^firing\s+warning\s+wet\s+pump-2\s`, lines[2])
	var hot listed
	require.NoError(t, json.Unmarshal([]byte(b.must("ls", "--json", "--rule", "hot")), &hot))
	require.Equal(t, "critical", hot.Level)
	require.Equal(t, 90.5, *hot.Value)
	require.Equal(t, "Hamburg", hot.Labels["site"])

	// Acknowledged, by the first digits.
	out := b.must("ack", hot.ID[:10], "--author", "kim", "--reason", "on it")
	require.Equal(t, "acknowledged: hot critical of pump-1 ("+hot.ID+")\n", out)
	require.Contains(t, b.must("ls"), "ack")
	records := readTopic(t, "weir.desk.commands", b.brokers...)
	require.Contains(t, records[0], `"rule":"hot","device":"pump-1","author":"kim","reason":"on it"`)
	waitFor(t, "taken", func() bool { return b.instance.commands.Status().Taken == 1 })
	require.Contains(t, b.must("unack", hot.ID), "no longer acknowledged: hot of pump-1")
	_, err := b.weir("unack", hot.ID)
	require.ErrorIs(t, err, errNoSuch)
	_, err = b.weir("ack", "ffffffff")
	require.ErrorContains(t, err, `open alert with id "ffffffff": there is none`)

	// Silenced.
	out = b.must("silence", "--label", "site=Hamburg", "device=~pump-.*", "--for", "1d", "--name", "belt", "--author", "kim")
	require.Regexp(t, `^silence/belt: device=~"pump-\.\*" and labels.site="Hamburg", from .* to .*\nit fits hot critical of pump-1 \(`+hot.ID[:12]+`\)\n$`, out)
	out = b.must("silence", "--author", "kim", "--rule", "hot", "--device", "nobody", "--start", "2026-03-01T12:00:00Z", "--end", "2026-03-01T13:00:00Z", "--maintenance", "--name", "old")
	require.Equal(t, "maintenance/old: rule=\"hot\" and device=\"nobody\", from 2026-03-01T12:00:00Z to 2026-03-01T13:00:00Z\nit fits no open alert\n", out)
	list := b.must("silences")
	require.Regexp(t, `maintenance/old\s+over\s`, list)
	require.Regexp(t, `silence/belt\s+in force\s.*\s1\s+kim`, list)
	require.Contains(t, b.must("unsilence", "belt"), "taken back: silence/belt")
	require.NotContains(t, b.must("silences"), "maintenance/old", "over for more than a week: taken back with the next command")
	_, err = b.weir("unsilence", "belt")
	require.ErrorContains(t, err, `silence "belt": there is none`)

	// Explained, open and ended.
	out = b.must("explain", hot.ID[:6])
	for _, part := range []string{
		"Alert " + hot.ID + ": hot of pump-1, firing, since ", "Rule hot: for each device, the newest temperature raises",
		"Labels: site=Hamburg\n", "  1  ", "firing warning\n     value 60, threshold 50\n     cause: record 0 of readings/", "firing critical, before warning\n",
		"       temperature 90.5 at ", "     \"pump-1 has 90.5\"\n",
	} {
		assert.Contains(t, out, part)
	}
	b.send("pump-1", `"metric":"temperature","value":10`, 4)
	waitFor(t, "the end", func() bool { return !strings.Contains(b.must("ls"), "hot") })
	var x explanation
	require.NoError(t, json.Unmarshal([]byte(b.must("explain", hot.ID[:8], "--json")), &x))
	require.False(t, x.Open)
	require.GreaterOrEqual(t, len(x.Events), 3, "how many more depends on what the task saw in between")
	last := x.Events[len(x.Events)-1]
	require.Equal(t, "resolved", last.State)
	require.Equal(t, []causingValue{{Metric: "temperature", Value: 10, Time: last.Reading.Readings[0].Time}}, last.Reading.Readings)
	_, err = b.weir("explain", hot.ID[:4])
	require.ErrorIs(t, err, errNoSuch, "too short for one that is no longer open")
	require.Contains(t, b.must("explain", hot.ID), "hot of pump-1, resolved after ")

	// An acknowledgement that crossed the end of its alert is taken back with the next command.
	crossed := commands.Ack{ID: hot.ID, Rule: "hot", Whose: commands.Whose{Device: "pump-1"}, Author: "kim", At: event.Time(time.Now().UnixMilli())}
	require.NoError(t, b.client.ProduceSync(context.Background(),
		&kgo.Record{Topic: "weir.desk.commands", Key: []byte(crossed.Key()), Value: crossed.AppendValue(nil)}).FirstErr())
	b.must("silence", "device=nobody", "--for", "1h", "--name", "later", "--author", "kim")
	records = readTopic(t, "weir.desk.commands", b.brokers...)
	require.Contains(t, records[len(records)-2], `"author":"kim"`)
	require.Empty(t, records[len(records)-1], "nobody else takes it back")
	b.end(t)
}

// Alerts of groups are listed, explained and silenced as others are.
func TestAlertsOfGroups(t *testing.T) {
	t.Setenv("USER", "kim")
	dir := t.TempDir()
	b := &deskBench{t: t, file: filepath.Join(dir, "fleet.yaml")}
	require.NoError(t, os.WriteFile(b.file, []byte(strings.ReplaceAll(fleetPipeline, "DIR", dir)), 0o644))
	p, err := loadPipeline(b.file, func(configs.Diagnostic) {})
	require.NoError(t, err)
	b.started = start(t, p)
	b.client, err = kgo.NewClient(kgo.SeedBrokers(b.brokers...))
	require.NoError(t, err)
	t.Cleanup(b.client.Close)
	waitFor(t, "ready", func() bool { return b.instance.work().engine.Ready() && b.instance.work().groups.ready() })
	text := `{"device":"pump-1","metric":"temperature","ts":"` + time.Now().UTC().Format(time.RFC3339Nano) + `","value":190}`
	require.NoError(t, b.client.ProduceSync(context.Background(), &kgo.Record{Topic: "readings", Key: []byte("pump-1"), Value: []byte(text)}).FirstErr())
	waitFor(t, "the alert", func() bool { out, err := b.weir("ls"); return err == nil && strings.Contains(out, "hot") })
	require.Regexp(t, `firing\s+alarm\s+hot\s+\(all\)\s`, b.must("ls", "--group", "all"))
	require.NotContains(t, b.must("ls", "--device", "pump-1"), "hot")
	var e listed
	require.NoError(t, json.Unmarshal([]byte(b.must("ls", "--json")), &e))
	out := b.must("explain", e.ID)
	require.Contains(t, out, "hot of all (all), firing")
	require.Regexp(t, `cause: record \d+ of weir.fleet.partials/\d \(many devices had a part in it\)`, out)
	require.Contains(t, b.must("silence", "group=all", "--for", "1h", "--name", "x"), "it fits hot alarm of (all)")
	waitFor(t, "suppressed", func() bool { return strings.Contains(b.must("ls"), "suppressed by silence/x") })
	b.must("ack", e.ID[:8])
	waitFor(t, "acked", func() bool { return strings.Contains(b.must("ls"), "acked by kim") })
	b.end(t)
}

func TestSpans(t *testing.T) {
	from := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for d, want := range map[time.Duration]string{
		-time.Second: "0s", 40 * time.Second: "40s", time.Minute: "1m", 4*time.Minute + 40*time.Second: "4m40s", 10 * time.Minute: "10m",
		2 * time.Hour: "2h0m", 2*time.Hour + 10*time.Minute + 20*time.Second: "2h10m", 49 * time.Hour: "2d1h",
	} {
		require.Equal(t, want, spanSince(from, from.Add(d)))
	}
}

func TestAlertsUsage(t *testing.T) {
	file := filepath.Join(t.TempDir(), "p.yaml")
	require.NoError(t, os.WriteFile(file, []byte("name: p\nkafka: {brokers: [127.0.0.1:1]}\nsource: {topic: r}\nrules: [{name: hot, when: t, levels: {a: {above: 1}}}]\n"), 0o644))
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"nonsense"}, `unknown command "nonsense" of alerts`},
		{[]string{"ls"}, "usage: weir alerts ls FILE"},
		{[]string{"ack", file}, "usage: weir alerts ack FILE ID"},
		{[]string{"silence"}, "usage: weir alerts silence FILE [MATCHER...]"},
		{[]string{"silence", file, "--for", "2h"}, "say what with --rule, --device, --label or a matcher; everything is 'rule=~.*'"},
		{[]string{"silence", file, "--rule", "hot"}, "say how long with --for, or until when with --end"},
		{[]string{"silence", file, "--rule", "hot", "--for", "2 hours"}, `--for "2 hours" `},
		{[]string{"silence", file, "--rule", "hot", "--for", "2h", "--end", "2026-03-01T12:00:00Z"}, "--for and --end exclude each other"},
		{[]string{"silence", file, "--rule", "hot", "--end", "tomorrow"}, `--end "tomorrow" must be a time such as 2026-03-01T12:00:00Z`},
		{[]string{"silence", file, "--rule", "hot", "--start", "2026-03-02T12:00:00Z", "--end", "2026-03-01T12:00:00Z"}, "which is not later than its start"},
		{[]string{"silence", file, "hot", "--for", "2h"}, `matcher "hot" must be NAME=VALUE`},
		{[]string{"silence", file, "site=x", "--for", "2h"}, `matcher "site": the name must be rule, device, group, level or labels.NAME`},
		{[]string{"silence", file, "rule=~(", "--for", "2h"}, "missing closing )"},
		{[]string{"silence", file, "rule=x", "--for", "2h", "--name", "a b"}, `name "a b" must be 1 to 100 letters, digits, - . and _`},
	} {
		t.Setenv("USER", "kim")
		root := newRootCommand()
		root.SetArgs(append([]string{"alerts"}, c.args...))
		root.SetOut(new(bytes.Buffer))
		err := root.ExecuteContext(context.Background())
		var usage usageError
		require.True(t, errors.As(err, &usage), "%v: %v", c.args, err)
		require.ErrorContains(t, err, c.want)
	}
}

// Nobody's name for a device moves the cursor, or makes columns of its own.
func TestPlain(t *testing.T) {
	require.Equal(t, "Presse 7 – \uFFFD[2Jx\uFFFDy", plain("Presse 7 – \x1b[2Jx\ty"))
}

// A command is said by somebody.
func TestWhoSaysSo(t *testing.T) {
	file := filepath.Join(t.TempDir(), "p.yaml")
	require.NoError(t, os.WriteFile(file, []byte("name: p\nkafka: {brokers: [127.0.0.1:1]}\nsource: {topic: r}\nrules: [{name: hot, when: t, levels: {a: {above: 1}}}]\n"), 0o644))
	root := newRootCommand()
	root.SetArgs([]string{"alerts", "ack", file, "0123", "--author", ""})
	require.ErrorContains(t, root.ExecuteContext(context.Background()), "say who with --author")
	root.SetArgs([]string{"alerts", "ls", file})
	require.ErrorContains(t, root.ExecuteContext(context.Background()), "read alerts (alerts.topic) at 127.0.0.1:1 (kafka.brokers): topic \"weir.p.alerts\": ask for its ")
}

func TestMatcherWords(t *testing.T) {
	for text, want := range map[string]string{
		"rule=a": `rule="a"`, "rule!=a=b": `rule!="a=b"`, "device=~a|b": `device=~"a|b"`, "device!~.*": `device!~".*"`,
		"labels.site=": `labels.site=""`, "rule==a": `rule="=a"`, "level=!a": `level="!a"`,
	} {
		m, err := parseMatcher(text)
		require.NoError(t, err, text)
		require.Equal(t, want, m.String())
	}
	for _, text := range []string{"", "=x", "rule!", "rule!x"} {
		_, err := parseMatcher(text)
		require.Error(t, err, text)
	}
}
