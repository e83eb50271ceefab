package replay

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/event"
)

// message is one JSON message of a device as a pipeline reads it. A wide one has
// one or more values, a narrow one has one.
type message struct {
	device string
	at     event.Time
	values []metricValue
	seq    int64 // -1: none
}

type metricValue struct {
	metric string
	value  float64
}

// encode renders a message with the fields that the pipeline names.
func (m *message) encode(r *configs.Reading) []byte {
	b := []byte{'{'}
	field := func(name string) {
		if len(b) > 1 {
			b = append(b, ',')
		}
		b = append(AppendJSON(b, name), ':')
	}
	if r.Device != "" {
		field(r.Device)
		b = AppendJSON(b, m.device)
	}
	if r.Time != "" {
		field(r.Time)
		b = AppendTime(b, r.Unit, m.at)
	}
	if m.seq >= 0 && r.Seq != "" {
		field(r.Seq)
		b = strconv.AppendInt(b, m.seq, 10)
	}
	for _, v := range m.values {
		if len(r.Metrics) > 0 {
			field(v.metric)
		} else {
			field(r.Metric)
			b = AppendJSON(b, v.metric)
			field(r.Value)
		}
		b = strconv.AppendFloat(b, v.value, 'g', -1, 64)
	}
	return append(b, '}')
}

// AppendJSON appends a text as a JSON string.
func AppendJSON(b []byte, text string) []byte {
	quoted, err := json.Marshal(text)
	if err != nil {
		panic("replay: a text that is no JSON string: " + err.Error())
	}
	return append(b, quoted...)
}

// AppendTime appends a time as messages carry it: a number of the unit, or RFC 3339
// with milliseconds in quotes where there is none.
func AppendTime(b []byte, unit string, at event.Time) []byte {
	switch unit {
	case "s":
		b = strconv.AppendInt(b, int64(at/1000), 10)
		return append(b, '.', byte('0'+at/100%10), byte('0'+at/10%10), byte('0'+at%10))
	case "ms":
		return strconv.AppendInt(b, int64(at), 10)
	case "us":
		return append(strconv.AppendInt(b, int64(at), 10), "000"...)
	case "ns":
		return append(strconv.AppendInt(b, int64(at), 10), "000000"...)
	default:
		return time.UnixMilli(int64(at)).UTC().AppendFormat(b, `"2006-01-02T15:04:05.000Z"`)
	}
}
