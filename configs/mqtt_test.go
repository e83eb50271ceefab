package configs

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"pgregory.net/rapid"
)

// matches says whether a topic matches a filter, written the plain way.
func matches(filter, topic []string) bool {
	if len(filter) > 0 && filter[0] == "#" {
		return true
	}
	if len(filter) == 0 || len(topic) == 0 {
		return len(filter) == len(topic)
	}
	return (filter[0] == "+" || filter[0] == topic[0]) && matches(filter[1:], topic[1:])
}

func TestOverlap(t *testing.T) {
	level := rapid.SampledFrom([]string{"a", "b", "+"})
	filter := rapid.Custom(func(t *rapid.T) []string {
		f := rapid.SliceOfN(level, 1, 3).Draw(t, "levels")
		if rapid.Bool().Draw(t, "open") {
			f = append(f, "#")
		}
		return f
	})
	var topics [][]string
	grow := [][]string{{}}
	for range 4 {
		var longer [][]string
		for _, t := range grow {
			for _, l := range []string{"a", "b"} {
				longer = append(longer, append(append([]string{}, t...), l))
			}
		}
		topics, grow = append(topics, longer...), longer
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b := filter.Draw(t, "a"), filter.Draw(t, "b")
		want := false
		for _, topic := range topics {
			want = want || matches(a, topic) && matches(b, topic)
		}
		assert.Equal(t, want, overlap(a, b), "%v %v", a, b)
	})
}

func TestHostPort(t *testing.T) {
	for _, s := range []string{"localhost:1", "10.0.0.1:9092", "[::1]:65535", "kafka-1.example:9092"} {
		assert.Empty(t, hostPort(s, "1"), s)
	}
	for _, s := range []string{"", "localhost", "localhost:", ":9092", "a:0", "a:65536", "a:+1", "::1:9092", "[::1]", "a b:1", "u@h:1", "a/b:1"} {
		assert.NotEmpty(t, hostPort(s, "1"), s)
	}
}

func TestBrokerAddress(t *testing.T) {
	for _, s := range []string{"tcp://localhost:1883", "ssl://broker.example:8883/", "tcp://[::1]:1883"} {
		assert.Empty(t, brokerAddress(s), s)
	}
	for s, part := range map[string]string{
		"localhost:1883": "must begin", "ws://h:80": "not supported yet", "mqtts://h:1": "ssl://", "tpc://h:1": "did you mean tcp?",
		"tcp://h": "no port", "tcp://u:p@h:1": "user and password",
	} {
		assert.Contains(t, brokerAddress(s), part, s)
	}
}

func TestTopicTemplate(t *testing.T) {
	parts, problem := topicTemplate("a{topic.0}{topic.12}z")
	assert.Empty(t, problem)
	assert.Equal(t, []TopicPart{{Literal: "a", Level: -1}, {Level: 0}, {Level: 12}, {Literal: "z", Level: -1}}, parts)
	for _, s := range []string{"{", "}", "{}", "{topic}", "{topic.}", "{topic.-1}", "{topic.x}", "{topic.99999}", "a}b{topic.1}", "{topic.1"} {
		_, problem := topicTemplate(s)
		assert.NotEmpty(t, problem, s)
	}
}

func TestFilters(t *testing.T) {
	for _, s := range []string{"#", "+", "a/#", "+/+/#", "/", "a//b", "$SYS/#"} {
		assert.Empty(t, badFilter(s), s)
	}
	for _, s := range []string{"#/a", "a#", "a+/b", "++", "$share/g/a", strings.Repeat("a", 65536)} {
		assert.NotEmpty(t, badFilter(s), shorten(s))
	}
}
