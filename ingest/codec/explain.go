package codec

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"

	"github.com/weirstream/weir/event"
)

// Wrong is a reading that cannot be used, as a decoder says it.
type Wrong struct {
	Reason event.Reason
	Sample int32 // event.Reading.Sample
	Metric int32 // event.Reading.Metric
}

// longestExcerpt is how many bytes of a value an explanation shows.
const longestExcerpt = 60

// Explain says in words for people what exactly is wrong with a reading of a payload: which field, what it holds, and what it must be.
// It takes the payload apart once more, by encoding/json, so that decoding needs to remember nothing of what is wrong. It returns an empty
// string for reasons that no decoder gives.
func (o *Options) Explain(payload []byte, w Wrong) string {
	if w.Reason == event.Malformed {
		return explainMalformed(payload, w.Sample)
	}
	fields, ok := objectOf(payload, w.Sample)
	if !ok {
		return ""
	}
	field := func(name, must string) string { return explainField(fields, name, must) }
	switch w.Reason {
	case event.NoDevice:
		return field(o.Device, fmt.Sprintf("must be a name of 1 to %d bytes, or a whole number", event.MaxDevice))
	case event.NoMetric:
		return field(o.Metric, "must be text, the name of the metric")
	case event.NoValue:
		return field(o.valueField(w.Metric), "must be a number, true or false")
	case event.ValueType:
		return field(o.valueField(w.Metric), "must be a number, true or false, for windows and rules use it")
	case event.ValueRange:
		return field(o.valueField(w.Metric), "does not fit a finite number of 64 bits")
	case event.TimeFormat:
		return field(o.Time, o.timeMust(fields[o.Time]))
	case event.TimeRange:
		return field(o.Time, "must lie between 1970 and 2200"+o.readAs(fields[o.Time]))
	case event.SeqFormat:
		return field(o.Seq, "must be a whole number from 0 to 9223372036854775807, without sign, fraction and exponent")
	}
	return ""
}

// valueField is the field that holds the value of a metric.
func (o *Options) valueField(metric int32) string {
	if len(o.Wide) == 0 || metric < 0 || int(metric) >= len(o.Metrics) {
		return o.Value
	}
	return o.Metrics[metric]
}

// timeMust says what a time must be that is none.
func (o *Options) timeMust(raw json.RawMessage) string {
	text := "must be a time as RFC 3339 has it, such as 2026-03-01T12:00:00Z"
	switch number := len(raw) > 0 && (raw[0] == '-' || '0' <= raw[0] && raw[0] <= '9'); {
	case o.Unit != "":
		return text + ", or a number of " + o.Unit + " since 1970"
	case number:
		return text + "; for numbers since 1970 declare source.reading.unit (s, ms, us or ns)"
	}
	return text
}

// readAs names the unit in which a number was read.
func (o *Options) readAs(raw json.RawMessage) string {
	if o.Unit == "" || len(raw) == 0 || raw[0] == '"' {
		return ""
	}
	return ", and is read in " + o.Unit + " (source.reading.unit)"
}

func explainField(fields map[string]json.RawMessage, name, must string) string {
	raw, there := fields[name]
	switch {
	case !there:
		return fmt.Sprintf("the message has no field %q", name)
	case string(raw) == "null":
		return fmt.Sprintf("field %q is null, and %s", name, must)
	}
	return fmt.Sprintf("field %q is %s, and %s", name, excerpt(raw), must)
}

// objectOf takes out the object of a message that a sample is. Of a field that occurs twice the last one counts, as for the decoders.
func objectOf(payload []byte, sample int32) (fields map[string]json.RawMessage, ok bool) {
	object := json.RawMessage(bytes.TrimSpace(payload))
	if len(object) > 0 && object[0] == '[' {
		var all []json.RawMessage
		if json.Unmarshal(object, &all) != nil || int(sample) >= len(all) {
			return nil, false
		}
		object = all[sample]
	}
	return fields, json.Unmarshal(object, &fields) == nil
}

func explainMalformed(payload []byte, sample int32) string {
	payload = bytes.TrimSpace(payload)
	if len(payload) == 0 {
		return "the message is empty"
	}
	var whole json.RawMessage
	var syntax *json.SyntaxError
	if err := json.Unmarshal(payload, &whole); errors.As(err, &syntax) {
		return "not JSON: " + syntax.Error() + ", at byte " + strconv.FormatInt(syntax.Offset, 10)
	}
	if payload[0] != '[' {
		if payload[0] == '{' {
			return tooDeep()
		}
		return "the message is " + excerpt(payload) + ", and must be an object or an array of objects"
	}
	var all []json.RawMessage
	if json.Unmarshal(payload, &all) != nil || int(sample) >= len(all) {
		return ""
	}
	if element := all[sample]; element[0] != '{' {
		return fmt.Sprintf("element %d of the array is %s, and must be an object", sample, excerpt(element))
	}
	return tooDeep()
}

func tooDeep() string {
	return "objects and arrays are nested deeper than " + strconv.Itoa(MaxDepth)
}

// excerpt is the beginning of a piece of JSON, not cut within a character.
func excerpt(raw []byte) string {
	if len(raw) <= longestExcerpt {
		return string(raw)
	}
	cut := raw[:longestExcerpt]
	for n := 1; n < utf8.UTFMax && !utf8.RuneStart(raw[len(cut)]); n++ {
		cut = cut[:len(cut)-1]
	}
	return string(cut) + "..."
}
