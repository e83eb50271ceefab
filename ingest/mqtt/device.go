package mqtt

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/valyala/fastjson"

	"github.com/weirstream/weir/event"
)

var (
	errNoLevel = errors.New("the topic has too few levels")
	errNoField = errors.New("the payload has no such field")
	errName    = errors.New("the device's name is empty, too long or not UTF-8")
)

// source tells the device of a message. Its methods are for one goroutine.
type source struct {
	pattern   []part // set where the topic tells the device
	fromField func(topic string, payload []byte) ([]byte, error)
	buf       []byte
}

// part is a piece of a pattern: a literal, or a level of the topic.
type part struct {
	literal string
	level   int // meaningless unless literal is empty
}

func newSource(o Options) (*source, error) {
	if o.DeviceOf != nil {
		return &source{fromField: o.DeviceOf}, nil
	}
	if !strings.ContainsAny(o.Device, "{}") {
		return &source{fromField: FieldDevice(o.Device)}, nil
	}
	pattern, err := parsePattern(o.Device)
	if err != nil {
		return nil, err
	}
	return &source{pattern: pattern}, nil
}

func parsePattern(s string) ([]part, error) {
	var parts []part
	for rest := s; rest != ""; {
		open := strings.IndexByte(rest, '{')
		if open < 0 {
			open = len(rest)
		}
		if literal := rest[:open]; literal != "" {
			if strings.Contains(literal, "}") {
				return nil, fmt.Errorf("mqtt: device %q: } without {", s)
			}
			parts = append(parts, part{literal: literal})
			rest = rest[open:]
			continue
		}
		name, after, closed := strings.Cut(rest[1:], "}")
		number, isTopic := strings.CutPrefix(name, "topic.")
		level, err := strconv.ParseUint(number, 10, 16)
		if !closed || !isTopic || err != nil {
			return nil, fmt.Errorf("mqtt: device %q: only {topic.N} is known, with N the level of the topic counted from 0", s)
		}
		parts = append(parts, part{level: int(level)})
		rest = after
	}
	return parts, nil
}

// device returns the name and whether the topic told it. The name is valid
// until the next call.
func (s *source) device(topic string, payload []byte) (name []byte, fromTopic bool, err error) {
	if s.pattern == nil {
		name, err = s.fromField(topic, payload)
	} else {
		fromTopic = true
		name, err = s.expand(topic)
	}
	if err != nil {
		return nil, fromTopic, err
	}
	if len(name) == 0 || len(name) > event.MaxDevice || !utf8.Valid(name) {
		return nil, fromTopic, errName
	}
	return name, fromTopic, nil
}

func (s *source) expand(topic string) ([]byte, error) {
	s.buf = s.buf[:0]
	for _, p := range s.pattern {
		if p.literal != "" {
			s.buf = append(s.buf, p.literal...)
			continue
		}
		level, ok := topicLevel(topic, p.level)
		if !ok || level == "" {
			return nil, errNoLevel
		}
		s.buf = append(s.buf, level...)
	}
	return s.buf, nil
}

// topicLevel returns level n of a topic, counted from 0. A leading slash makes
// level 0 empty, as in MQTT itself.
func topicLevel(topic string, n int) (string, bool) {
	for ; n > 0; n-- {
		_, rest, found := strings.Cut(topic, "/")
		if !found {
			return "", false
		}
		topic = rest
	}
	level, _, _ := strings.Cut(topic, "/")
	return level, true
}

// FieldDevice returns a function that reads the device's name from a top-level
// field of a JSON object, or of the first object of a JSON array. A string
// gives its text, a number the digits as they were sent. The function is for
// one goroutine; what it returns is valid until its next call.
func FieldDevice(field string) func(topic string, payload []byte) ([]byte, error) {
	var parser fastjson.Parser
	var buf []byte
	return func(_ string, payload []byte) ([]byte, error) {
		v, err := parser.ParseBytes(payload)
		if err != nil {
			return nil, fmt.Errorf("read payload: %w", err)
		}
		if v.Type() == fastjson.TypeArray {
			v = v.Get("0")
		}
		v = v.Get(field)
		switch {
		case v == nil:
			return nil, errNoField
		case v.Type() == fastjson.TypeString:
			buf = append(buf[:0], v.GetStringBytes()...)
		case v.Type() == fastjson.TypeNumber:
			buf = v.MarshalTo(buf[:0])
		default:
			return nil, errNoField
		}
		return buf, nil
	}
}
