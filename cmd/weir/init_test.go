package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/engine/replay"
	"github.com/weirstream/weir/engine/task"
	"github.com/weirstream/weir/event"
)

func runInit(args ...string) (string, error) {
	var out bytes.Buffer
	root := newRootCommand()
	root.SetArgs(append([]string{"init"}, args...))
	root.SetOut(&out)
	err := root.Execute()
	return out.String(), err
}

// The starter is a pipeline without a warning, and holds the answers.
func TestInit(t *testing.T) {
	text, err := runInit("--name", "press-shop", "--brokers", "k1:9092,k2:9092", "--source", "raw", "--mqtt", "tcp://m:1883", "--subscribe", "shop/+/data",
		"--device", "{topic.1}", "--metric", "torque", "--window", "10s", "--above", "12.5", "--clear-below", "11")
	require.NoError(t, err)
	p, found := configs.Parse("pipeline.yaml", []byte(text), configs.Options{})
	require.Empty(t, found)
	require.Equal(t, "press-shop", p.Name)
	require.Equal(t, []string{"k1:9092", "k2:9092"}, p.Kafka.Brokers)
	require.Equal(t, "raw", p.Source.Topic)
	require.Equal(t, "shop/+/data", p.MQTT.Subscribe[0].Filter)
	require.Contains(t, p.Explain(configs.ExplainOptions{}), "the mean of window torque_mean raises warning once it is above 12.5, until it is below 11")

	text, err = runInit()
	require.NoError(t, err)
	p, found = configs.Parse("pipeline.yaml", []byte(text), configs.Options{})
	require.Empty(t, found)
	require.Nil(t, p.MQTT)
	require.Contains(t, text, "warning: {above: 80, clear_below: 76}")

	_, err = runInit("--name", "My Plant")
	require.ErrorContains(t, err, "name=My Plant must be made of lower case letters")
	require.ErrorAs(t, err, &usageError{})
}

// What is wrong is told by the flag: there is no file yet that could be named.
func TestInitErrors(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--name", "My Plant"}, "--name: name=My Plant must be made of"},
		{[]string{"--brokers", "k1:9092,kafka"}, "--brokers: kafka.brokers[1]=kafka has no port"},
		{[]string{"--source", "a b"}, "--source: source.topic=a b "},
		{[]string{"--mqtt", "broker"}, "--mqtt: mqtt.broker=broker "},
		{[]string{"--mqtt", "tcp://b:1883", "--subscribe", "a/#/b"}, "--subscribe: mqtt.subscribe[0].filter=a/#/b "},
		{[]string{"--mqtt", "tcp://b:1883", "--device", "{topic}"}, "--device: mqtt.device={topic} "},
		{[]string{"--window", "5"}, "--window: windows[0].tumbling=5 has no unit"},
		{[]string{"--metric", ""}, "--metric: windows[0].metric "},
		{[]string{"--above", "5", "--clear-below", "9"}, "--clear-below: rules[0].levels.warning.clear_below=9 must not be more than above=5"},
		{[]string{"pipeline.yaml"}, "init takes flags only, and prints the pipeline: weir init > pipeline.yaml"},
	} {
		_, err := runInit(c.args...)
		require.ErrorContains(t, err, c.want)
		require.NotContains(t, err.Error(), "pipeline.yaml:", c.args)
		require.ErrorAs(t, err, &usageError{})
	}
}

// Any metric has a starter: the names of window and rule are made of it.
func TestInitMetrics(t *testing.T) {
	for _, metric := range []string{"temp2", "temp.out", "Temp C", "2m_temperature", "öl-temperatur", "a{{b", `a"b`, "true"} {
		text, err := runInit("--metric", metric)
		require.NoError(t, err, metric)
		p, found := configs.Parse("pipeline.yaml", []byte(text), configs.Options{})
		require.Empty(t, found, metric)
		require.Equal(t, metric, p.Windows[0].Metric)
		require.Zero(t, p.Rules[0].When.Window, metric)
	}
}

// Whatever the answers are, they are in the file as they were given, or no file comes out.
func TestInitQuotes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := starterAnswers{Name: "p", Brokers: []string{"h:1"}, Metric: "m", Every: "1m", Above: 1, Source: rapid.String().Draw(t, "source")}
		text, err := a.render()
		if err != nil {
			return
		}
		p, found := configs.Parse("pipeline.yaml", text, configs.Options{})
		require.False(t, found.HasErrors())
		require.Equal(t, a.Source, p.Source.Topic)
		require.Len(t, p.Windows, 1)
	})
}

// The starter's alert reads right when it begins and when it ends.
func TestTheStartersMessage(t *testing.T) {
	text, err := runInit("--window", "1m", "--above", "80")
	require.NoError(t, err)
	p, found := configs.Parse("pipeline.yaml", []byte(text), configs.Options{})
	require.Empty(t, found)
	o := replay.Options{Message: codecOptions(p)}
	var said []string
	o.Output = func(topic string, out task.Output) {
		var a struct{ Annotations struct{ Summary string } }
		if require.NoError(t, json.Unmarshal(out.Value, &a)); topic == "alerts" {
			said = append(said, a.Annotations.Summary)
		}
	}
	r, err := replay.New(p, o)
	require.NoError(t, err)
	start := event.Time(1772366400000)
	for i, value := range []float64{90, 70, 70} {
		at := start + event.Time(i)*60_000
		record := fmt.Sprintf(`{"device":"press-1","metric":"temperature","ts":%q,"value":%g}`, time.UnixMilli(int64(at)).UTC().Format(time.RFC3339), value)
		require.NoError(t, r.Fold([]task.Record{{Offset: int64(i), Append: at, Value: []byte(record)}}))
	}
	require.NoError(t, r.Advance(start+5*60_000))
	require.Equal(t, []string{
		"press-1: warning firing, mean temperature 90 over 1m (threshold 80)",
		"press-1: warning resolved, mean temperature 70 over 1m (threshold 80)",
	}, said)
}
