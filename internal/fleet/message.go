package fleet

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/weirstream/weir/event"
)

// Message is one reading, or several of one device, as it goes over the wire.
type Message struct {
	Device string
	Site   string
	JSON   []byte
	Due    event.Time // when to send it
	Truth  Truth
}

// Source yields messages in the order in which they are due; ok is false after
// the last one.
type Source interface {
	Message() (m Message, ok bool, err error)
}

// Message returns the next reading as a message. A fleet never ends.
func (f *Fleet) Message() (Message, bool, error) {
	r := f.Next()
	return Message{Device: r.Device, Site: r.Site, JSON: r.AppendJSON(nil), Due: r.Due, Truth: r.Truth}, true, nil
}

// Topic is the MQTT topic of a message: plant/<site>/<device>/telemetry.
func (m Message) Topic() string { return "plant/" + m.Site + "/" + m.Device + "/telemetry" }

// AppendJSON appends the reading as a JSON object with the fields device,
// metric, ts (RFC 3339 in UTC with milliseconds), value and seq.
func (r Reading) AppendJSON(dst []byte) []byte {
	dst = append(dst, `{"device":`...)
	dst = appendString(dst, r.Device)
	dst = append(dst, `,"metric":`...)
	dst = appendString(dst, r.Metric)
	dst = append(dst, `,"ts":`...)
	dst = appendTime(dst, r.Time)
	dst = append(dst, `,"value":`...)
	dst = strconv.AppendFloat(dst, r.Value, 'f', 1, 64)
	dst = append(dst, `,"seq":`...)
	dst = strconv.AppendInt(dst, r.Seq, 10)
	return append(dst, '}')
}

func appendTime(dst []byte, t event.Time) []byte {
	dst = append(dst, '"')
	dst = time.UnixMilli(int64(t)).UTC().AppendFormat(dst, "2006-01-02T15:04:05.000Z")
	return append(dst, '"')
}

// appendString appends s as a JSON string. strconv's quoting is Go's, which
// JSON does not read where s holds more than plain text.
func appendString(dst []byte, s string) []byte {
	quoted, err := json.Marshal(s)
	if err != nil {
		panic("a string has no JSON form: " + err.Error())
	}
	return append(dst, quoted...)
}
