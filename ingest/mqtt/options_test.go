package mqtt

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestOptionsAreChecked(t *testing.T) {
	good := Options{
		Broker: "mqtt://localhost:1883", ClientID: "weir", Device: "{topic.1}",
		Subscribe: []Subscription{{Filter: "plant/+/#", QoS: 1}},
	}
	for _, c := range []struct {
		change func(*Options)
		want   string
	}{
		{func(o *Options) { o.Broker = "localhost" }, `mqtt: broker "localhost": the scheme must be tcp, ssl, ws or wss`},
		{func(o *Options) { o.Broker = "tcp:1883" }, `mqtt: broker "tcp:1883" has no host`},
		{func(o *Options) { o.Broker = "tcp://u:secret@host:port" }, "mqtt: broker is not a URL such as tcp://localhost:1883"},
		{func(o *Options) { o.Broker = "http://u:secret@host" }, `mqtt: broker "http://u:xxxxx@host": the scheme must be tcp, ssl, ws or wss`},
		{func(o *Options) { o.ClientID = "" }, "mqtt: a client id is needed: without one the broker keeps no session, and messages are lost while the bridge is away"},
		{func(o *Options) { o.Subscribe = nil }, "mqtt: nothing to subscribe to"},
		{func(o *Options) { o.Subscribe[0].QoS = 3 }, `mqtt: filter "plant/+/#": qos=3 must be 0, 1 or 2`},
		{func(o *Options) { o.Subscribe[0].Filter = "" }, `mqtt: filter "" must have 1 to 65,535 bytes and no NUL`},
		{func(o *Options) { o.Subscribe[0].Filter = "a/#/b" }, `mqtt: filter "a/#/b": # must be the whole last level`},
		{func(o *Options) { o.Subscribe[0].Filter = "a#" }, `mqtt: filter "a#": # must be the whole last level`},
		{func(o *Options) { o.Subscribe[0].Filter = "a/b+" }, `mqtt: filter "a/b+": + must be a whole level`},
		{func(o *Options) { o.Device = "" }, `mqtt: device is not given: a pattern such as "{topic.2}" or the name of a field of the payload`},
		{func(o *Options) { o.Device = "{topic}" }, `mqtt: device "{topic}": only {topic.N} is known, with N the level of the topic counted from 0`},
		{func(o *Options) { o.Device = "{topic.1" }, `mqtt: device "{topic.1": only {topic.N} is known, with N the level of the topic counted from 0`},
		{func(o *Options) { o.Device = "topic.1}" }, `mqtt: device "topic.1}": } without {`},
		{func(o *Options) { o.MaxInFlight = -1 }, "mqtt: limits in flight must not be negative: -1 messages, 0 bytes"},
	} {
		o := good
		o.Subscribe = []Subscription{good.Subscribe[0]}
		c.change(&o)
		_, err := New(o, &held{})
		assert.EqualError(t, err, c.want)
	}
	b, err := New(good, &held{})
	require.NoError(t, err)
	assert.Equal(t, "tcp://localhost:1883", b.o.Broker)
}

func TestDevicePatterns(t *testing.T) {
	for _, c := range []struct{ pattern, topic, want string }{
		{"{topic.0}", "plant", "plant"},
		{"{topic.2}", "plant/hall/pump/telemetry", "pump"},
		{"{topic.3}", "plant/hall/pump/telemetry", "telemetry"},
		{"{topic.4}", "plant/hall/pump/telemetry", ""},
		{"{topic.0}", "/plant", ""}, // a leading slash makes an empty level
		{"{topic.1}", "/plant", "plant"},
		{"{topic.1}/{topic.2}", "plant/hall/pump", "hall/pump"},
		{"eu-{topic.1}.{topic.0}!", "plant/hall", "eu-hall.plant!"},
		{"{topic.1}", "plant/\xff", ""},
		{"{topic.0}", strings.Repeat("x", 513), ""},
		{"{topic.0}", strings.Repeat("x", 512), strings.Repeat("x", 512)},
	} {
		s, err := newSource(Options{Device: c.pattern})
		require.NoError(t, err)
		name, fromTopic, err := s.device(c.topic, nil)
		assert.Equal(t, c.want, string(name), "%s of %q", c.pattern, c.topic)
		assert.True(t, fromTopic)
		assert.Equal(t, c.want == "", err != nil, "%s of %q: %v", c.pattern, c.topic, err)
	}
}

func TestFieldDevice(t *testing.T) {
	read := FieldDevice("id")
	for payload, want := range map[string]string{
		`{"id":"pump","v":1}`:         "pump",
		`{"v":1,"id":"a\u00e4\"b"}`:   `aä"b`,
		`{"id":17}`:                   "17",
		`{"id":1.50}`:                 "1.50",
		`[{"id":"first"},{"id":"x"}]`: "first",
		`{"id":null}`:                 "",
		`{"id":{"id":"nested"}}`:      "",
		`{"ID":"case"}`:               "",
		`[]`:                          "",
		`"id"`:                        "",
		`{"id":"pump"`:                "",
		``:                            "",
	} {
		name, err := read("", []byte(payload))
		assert.Equal(t, want, string(name), payload)
		assert.Equal(t, want == "", err != nil, payload)
	}
}

func TestTheTopicsDeviceCostsNoAllocation(t *testing.T) {
	s, err := newSource(Options{Device: "{topic.2}"})
	require.NoError(t, err)
	assert.Zero(t, testing.AllocsPerRun(100, func() {
		if _, _, err := s.device("plant/hall/pump/telemetry", nil); err != nil {
			panic(err)
		}
	}))
}

func FuzzDevice(f *testing.F) {
	f.Add("{topic.1}", "a/b", []byte(`{"id":"x"}`))
	f.Add("id", "a/b", []byte(`[{"id":1e5}]`))
	f.Fuzz(func(t *testing.T, pattern, topic string, payload []byte) {
		s, err := newSource(Options{Device: pattern})
		if err != nil {
			return
		}
		before := bytes.Clone(payload)
		name, _, err := s.device(topic, payload)
		if err == nil && (len(name) == 0 || len(name) > 512) {
			t.Errorf("device %q of %q", name, topic)
		}
		if !bytes.Equal(before, payload) {
			t.Error("the payload was changed")
		}
	})
}
