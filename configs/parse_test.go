package configs

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/operators/expr"
	"github.com/weirstream/weir/operators/roster"
)

const head = "name: p\nkafka: {brokers: [localhost:9092]}\nsource: {topic: readings}\n"

const hotRule = "rules: [{name: hot, when: temperature, levels: {warning: {above: 80}}}]\n"

func mustParse(t *testing.T, src string) *Pipeline {
	t.Helper()
	p, ds := Parse("p.yaml", []byte(src), outside())
	require.NotNil(t, p, ds.String())
	return p
}

func TestDefaults(t *testing.T) {
	p := mustParse(t, head+`windows:
  - {name: w, metric: humidity, tumbling: 1m, compute: [mean], emit: {topic: out}}
  - {name: n, metric: temperature, count: 5, compute: [max], emit: {topic: out}}
  - {name: quiet, metric: temperature, hopping: {size: 1m, every: 20s}, compute: [max]}
rules:
  - {name: hot, when: temperature, levels: {warning: {above: 80}}}
  - {name: high, when: quiet.max, levels: {warning: {above: 80}}}
`)
	above := 80.0
	level := []Level{{Name: "warning", Above: &above}}
	message := func(what string) []Part {
		return []Part{
			{Field: "device"}, {Literal: ": "}, {Field: "rule"}, {Literal: " is "}, {Field: "level"},
			{Literal: ", " + what + " = "}, {Field: "value"}, {Literal: " (threshold "}, {Field: "threshold"}, {Literal: ")"},
		}
	}
	require.NotZero(t, p.Fingerprint)
	p.settings, p.Fingerprint = nil, 0
	assert.Equal(t, &Pipeline{
		Name:  "p",
		Kafka: Kafka{Brokers: []string{"localhost:9092"}},
		Source: Source{
			Topic: "readings", Partitioner: "murmur2", Format: "json",
			Reading: Reading{Device: "device", Metric: "metric", Time: "ts", Value: "value", Seq: "seq", Trace: "traceparent"},
		},
		Time:   Time{WaitForLate: 30_000, IdleAfter: 120_000, MaxFutureSkew: 300_000, Late: "quarantine"},
		Dedupe: Dedupe{By: "seq", Remember: 86_400_000},
		Windows: []Window{
			{Name: "w", Metric: "humidity", MetricIndex: 0, Kind: Tumbling, Size: 60_000, Every: 60_000, Compute: []string{"mean"}, Emit: Emit{Topic: "out", On: "close"}},
			{Name: "n", Metric: "temperature", MetricIndex: 1, Kind: Count, Count: 5, Compute: []string{"max"}, Emit: Emit{Topic: "out", On: "change"}},
			{Name: "quiet", Metric: "temperature", MetricIndex: 1, Kind: Hopping, Size: 60_000, Every: 20_000, Compute: []string{"max"}, Emit: Emit{On: "never"}},
		},
		Rules: []Rule{
			{
				Name: "hot", When: When{Window: -1, Metric: 1}, Levels: level, Evaluate: "change", OnGap: "pause", Template: message("temperature"),
				Message: "{{device}}: {{rule}} is {{level}}, temperature = {{value}} (threshold {{threshold}})",
			},
			{
				Name: "high", When: When{Window: 2, Result: "max", Metric: 1}, Levels: level, Evaluate: "close", OnGap: "pause", Template: message("quiet.max"),
				Message: "{{device}}: {{rule}} is {{level}}, quiet.max = {{value}} (threshold {{threshold}})",
			},
		},
		Alerts:          Alerts{Topic: "weir.p.alerts"},
		CommitInterval:  100,
		State:           State{Dir: "./state", Memory: 512_000_000, ForgetAfter: 30 * 86_400_000},
		Metrics:         []string{"humidity", "temperature"},
		QuarantineTopic: "weir.p.quarantine",
		JournalTopic:    "weir.p.journal", PartialsTopic: "weir.p.partials", CommandsTopic: "weir.p.commands",
		Group: "weir.p",
	}, p)
}

func TestEveryKey(t *testing.T) {
	p, ds := parseFile(t, "testdata/good/everything-built.yaml")
	require.NotNil(t, p, ds.String())
	assert.Equal(t, Kafka{Embedded: &Embedded{Dir: "./data", Partitions: 2, Port: 19092}}, p.Kafka)
	assert.Equal(t, Reading{Device: "id", Time: "at", Unit: "us", Seq: "n", Trace: "span", Metrics: []string{"temperature", "pressure", "humidity"}}, p.Source.Reading)
	assert.Equal(t, &MQTT{
		Embedded: true, Port: 11883,
		Subscribe: []Subscription{{Filter: "a/+/b", QoS: 2}, {Filter: "b/+/#", QoS: 1}},
		Device:    "x-{topic.1}", DeviceParts: []TopicPart{{Literal: "x-", Level: -1}, {Level: 1}},
		Retained: "keep", ClientID: "gate",
	}, p.MQTT)
	assert.Equal(t, Time{WaitForLate: 1000, IdleAfter: 90_000, MaxFutureSkew: 10_000, AllowBackfill: 3_600_000, Late: "update", ResetClockAfter: 7_200_000}, p.Time)
	assert.Equal(t, State{Dir: "/var/lib/weir", Memory: 1 << 30, ForgetAfter: 2 * 86_400_000}, p.State)
	// The rules stand before the windows in this file.
	assert.Equal(t, []string{"pressure", "temperature", "humidity"}, p.Metrics)
	assert.Equal(t, When{Window: -1, Metric: 0}, p.Rules[0].When)
	assert.Equal(t, When{Window: 1, Result: "max", Metric: 2}, p.Rules[1].When)
	assert.Equal(t, -1000.0, *p.Rules[0].Levels[1].Below)
	assert.Equal(t, event.Time(90_000), p.Rules[0].Levels[0].Hold)
	assert.Contains(t, p.Rules[0].Template, Part{Field: "value", Format: "%6.2f"})
}

func TestReferences(t *testing.T) {
	p, ds := parseFile(t, "testdata/good/secrets.yaml")
	require.NotNil(t, p, ds.String())
	assert.Empty(t, ds)
	assert.Equal(t, []string{"broker.example:9092"}, p.Kafka.Brokers)
	assert.Equal(t, "hunter2", p.MQTT.Password.Reveal())
	assert.Equal(t, "hunter2", p.MQTT.Username.Reveal())
	assert.Equal(t, 80.0, *p.Rules[0].Levels[0].Above)
	assert.Equal(t, "${not a reference} {{device}} in north", p.Rules[0].Message)

	encoded, err := json.Marshal(p.MQTT)
	require.NoError(t, err)
	for _, shown := range []string{string(encoded), fmt.Sprint(*p.MQTT), fmt.Sprintf("%#v", *p.MQTT), fmt.Sprintf("%+v %s %v %q", p.MQTT, p.MQTT.Password, p.MQTT.Password, p.MQTT.Password)} {
		assert.NotContains(t, shown, "hunter2")
	}
	assert.True(t, Secret{}.IsZero())
	assert.Empty(t, Secret{}.String())
}

func TestReferencesNeedAnAnswer(t *testing.T) {
	for _, src := range []string{"${HOST}:9092", "${file:/run/secrets/mqtt}"} {
		_, ds := Parse("p.yaml", []byte(strings.Replace(head, "localhost:9092", `"`+src+`"`, 1)+hotRule), Options{})
		require.True(t, ds.HasErrors())
		assert.Contains(t, ds.String(), "cannot be read here")
	}
}

func TestContentOfReferencesIsNotShown(t *testing.T) {
	secret := "hunter2\x00"
	o := Options{Getenv: func(string) (string, bool) { return secret, true }}
	_, ds := Parse("p.yaml", []byte(head+hotRule+"alerts: {topic: \"${X}\"}\n"), o)
	assert.Equal(t, "p.yaml:5:17: alerts.topic: ${X} is not a line of text\n", ds.String())
	secret = "hunter2 not a topic"
	_, ds = Parse("p.yaml", []byte(head+hotRule+"alerts: {topic: \"${X}\"}\ntime: {wait_for_late: \"${X}\"}\n"), o)
	require.Len(t, ds, 2)
	assert.NotContains(t, ds.String(), "hunter2")
}

func TestPositions(t *testing.T) {
	for name, src := range map[string]string{
		"plain":           head + hotRule + "state: {dir: ./s, memory: 5}\n",
		"byte order mark": "\ufeff" + head + hotRule + "state: {dir: ./s, memory: 5}\n",
		"CRLF":            strings.ReplaceAll(head+hotRule+"state: {dir: ./s, memory: 5}\n", "\n", "\r\n"),
		"wide characters": head + hotRule + "state: {dir: ./ü, memory: 5}\n",
	} {
		_, ds := Parse("p.yaml", []byte(src), Options{})
		require.Len(t, ds, 1, name)
		assert.Equal(t, Diagnostic{File: "p.yaml", Line: 5, Col: 27, Message: ds[0].Message}, ds[0], name)
	}
}

func TestDiagnosticsAreSortedAndEncoded(t *testing.T) {
	_, ds := parseFile(t, "testdata/good/surprising.yaml")
	require.False(t, ds.HasErrors())
	for i := 1; i < len(ds); i++ {
		a, b := ds[i-1], ds[i]
		assert.False(t, b.Line < a.Line || b.Line == a.Line && b.Col < a.Col)
	}
	encoded, err := json.Marshal(ds[0])
	require.NoError(t, err)
	assert.Contains(t, string(encoded), `{"file":"surprising.yaml","line":6,"col":18,"severity":"warning","message":"`)
	assert.Equal(t, "error", Error.String())
}

// Within [ ] inside { } the YAML parser takes host:port for a mapping.
func TestFlowAddresses(t *testing.T) {
	p := mustParse(t, strings.Replace(head, "localhost:9092", "a:1, kafka.example:9092, c.d:3", 1)+hotRule)
	assert.Equal(t, []string{"a:1", "kafka.example:9092", "c.d:3"}, p.Kafka.Brokers)
	for _, mapping := range []string{"[{a: 1}]", "[a: 1]", "[{a:1}]"} {
		_, ds := Parse("p.yaml", []byte(strings.Replace(head, "[localhost:9092]", mapping, 1)+hotRule), Options{})
		assert.Contains(t, ds.String(), "kafka.brokers[0] must be a single value", mapping)
	}
}

func TestUnreasonableFilesAreRefusedQuickly(t *testing.T) {
	began := time.Now()
	for _, src := range []string{
		strings.Repeat("[", 100_000),
		strings.Repeat("{a: ", 25_000),
		strings.Repeat("- ", 50_000),
		strings.Repeat("? ", 50_000),
		strings.Repeat("&a ", 2_000),
		"a: " + strings.Repeat("!a ", 2_000),
		"a: " + strings.Repeat("x", largestFile),
		"a: \x00",
		"a: \xff",
	} {
		_, ds := Parse("p.yaml", []byte(src), Options{})
		assert.True(t, ds.HasErrors(), shorten(src))
	}
	assert.Less(t, time.Since(began), 10*time.Second)
}

func TestWindowMayBeUsedByARuleOnly(t *testing.T) {
	p := mustParse(t, head+`windows: [{name: w, metric: m, tumbling: 1m, compute: [mean]}]
rules: [{name: r, when: w.mean, levels: {a: {below: 1}}}]`)
	assert.Equal(t, "never", p.Windows[0].Emit.On)
}

func TestDottedMetric(t *testing.T) {
	p := mustParse(t, head+"rules: [{name: r, when: motor.temperature, levels: {a: {below: 1}}}]")
	assert.Equal(t, []string{"motor.temperature"}, p.Metrics)
	p = mustParse(t, strings.Replace(head, "readings", "readings, reading: {metrics: [w.mean, room temp > 1]}", 1)+
		"rules: [{name: r, when: w.mean, levels: {a: {below: 1}}}, {name: s, when: room temp > 1, levels: {a: {below: 1}}}]")
	assert.Equal(t, []string{"w.mean", "room temp > 1"}, p.Metrics)
}

// A metric that differs from another in a number only is meant so.
func TestNumberedMetricsAreNotDoubted(t *testing.T) {
	src := head + "windows: [{name: w, metric: temp1, tumbling: 1m, compute: [mean], emit: {topic: out}}]\n" +
		"rules: [{name: r, when: %s, levels: {a: {below: 1}}}]"
	_, ds := Parse("p.yaml", fmt.Appendf(nil, src, "temp2"), Options{})
	assert.Empty(t, ds)
	_, ds = Parse("p.yaml", fmt.Appendf(nil, src, "tmep1"), Options{})
	assert.Len(t, ds, 1)
}

func FuzzParse(f *testing.F) {
	for _, pattern := range []string{"testdata/wrong/*.yaml", "testdata/good/*.yaml", "examples/*.yaml"} {
		paths, err := filepath.Glob(pattern)
		require.NoError(f, err)
		for _, path := range paths {
			src, err := os.ReadFile(path)
			require.NoError(f, err)
			f.Add(src)
		}
	}
	o := outside()
	f.Fuzz(func(t *testing.T, src []byte) {
		p, ds := Parse("f.yaml", src, o)
		if (p == nil) != ds.HasErrors() {
			t.Fatalf("pipeline %v with diagnostics:\n%s", p, ds)
		}
		for _, d := range ds {
			if d.Line < 1 || d.Col < 1 || d.Message == "" {
				t.Fatalf("diagnostic without a place or message: %+v", d)
			}
		}
		if p != nil {
			p.Explain(ExplainOptions{Full: true})
		}
	})
}

// A device is remembered just long enough for its longest window.
func TestForgetAfterBounds(t *testing.T) {
	src := head + "windows: [{name: w, metric: m, tumbling: 1h, compute: [mean], emit: {topic: out}}]\n" +
		"time: {wait_for_late: 1m, late: update, allow_backfill: 10m}\nstate: {forget_after: %s}\n"
	_, ds := Parse("p.yaml", fmt.Appendf(nil, src, "1h11m"), Options{})
	assert.False(t, ds.HasErrors(), ds.String())
	_, ds = Parse("p.yaml", fmt.Appendf(nil, src, "1h10m59s999ms"), Options{})
	assert.Contains(t, ds.String(), "write 1h11m or more")
}

// What is said about a misspelt key later on has its place too.
func TestMisspeltKeysHavePlaces(t *testing.T) {
	_, ds := Parse("p.yaml", []byte(head+hotRule+"mqtt: {broker: \"ssl://h:1\", subscribe: [{filter: a/+}], device: \"{topic.1}\", tls: {cret: c.pem}}\n"), Options{})
	require.True(t, ds.HasErrors())
	for _, d := range ds {
		assert.Equal(t, 5, d.Line, d.String())
	}
}

func TestDerive(t *testing.T) {
	p, ds := parseFile(t, "testdata/good/expressions-wide.yaml")
	require.NotNil(t, p, ds.String())
	// where names battery before anything else does.
	assert.Equal(t, []string{"battery", "humidity", "temperature", "leaf", "apparent", "excess", "doubled"}, p.Metrics)
	assert.Equal(t, &Expression{Source: `battery > 3.2 and device startsWith "gh-"`}, p.Where)
	assert.Equal(t, []Derived{
		{Name: "apparent", Index: 4, From: 1, Value: Expression{"temperature + 0.33 * humidity - 4"}, Fields: []int{2, 1}},
		{Name: "excess", Index: 5, From: 2, Value: Expression{"max(temperature - leaf, 0)"}, Fields: []int{2, 3}},
		{Name: "doubled", Index: 6, From: 3, Value: Expression{"value * 2"}, Fields: []int{}},
	}, p.Derive)
	assert.Equal(t, 4, p.Windows[0].MetricIndex)
	assert.Equal(t, 6, p.Rules[0].When.Metric)
}

// A label that the roster does not have is not one for which a roster is missing.
func TestUnknownLabels(t *testing.T) {
	c := &checker{decoder: new(decoder), doc: new(document), p: &Pipeline{Roster: &Roster{Labels: []roster.Label{{Name: "site"}, {Name: "limit", Kind: roster.Number}}}}}
	for source, want := range map[string]string{
		"value > labels.limt":       "there is no label limt; did you mean limit?",
		"labels.colour == \"red\"":  "there is no label colour; the roster has site and limit",
		"labels.limit == \"north\"": "invalid operation: == (mismatched types float64 and string)",
	} {
		c.diags = nil
		assert.Nil(t, c.compiled(&text{leaf: leaf{at: place{1, 8}, raw: source, path: "where"}, value: source}, expr.Condition))
		require.Len(t, c.diags, 1)
		assert.True(t, strings.HasSuffix(c.diags[0].Message, ": "+want), c.diags[0].Message)
	}
}
