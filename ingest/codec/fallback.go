package codec

import (
	"bytes"
	"encoding/json"
	"math/big"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/valyala/fastjson"

	"github.com/weirstream/weir/event"
)

// Fallback decodes exactly as Scanner does, slowly and by other people's code:
// encoding/json checks the grammar, fastjson takes the document apart, strconv,
// math/big and time read numbers and times. It is what Scanner is held to. A
// Fallback serves one goroutine at a time.
type Fallback struct {
	options Options
	metrics map[string]int32
	parser  fastjson.Parser
}

var _ Decoder = (*Fallback)(nil)

// NewFallback compiles o; its errors are those of NewScanner.
func NewFallback(o Options) (*Fallback, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	metrics := make(map[string]int32, len(o.Metrics))
	for i, name := range o.Metrics {
		metrics[name] = int32(i)
	}
	return &Fallback{options: o, metrics: metrics}, nil
}

// Decode implements Decoder.
func (f *Fallback) Decode(payload []byte, b *Batch) {
	b.begin(0)
	if !json.Valid(payload) {
		b.refuse()
		return
	}
	plain, deepest := shallow(payload)
	root, err := f.parser.ParseBytes(plain)
	if err != nil || deepest > MaxDepth {
		b.refuse()
		return
	}
	switch root.Type() {
	case fastjson.TypeObject:
		f.object(root.GetObject(), 0, b)
	case fastjson.TypeArray:
		for i, element := range root.GetArray() {
			if element.Type() == fastjson.TypeObject {
				f.object(element.GetObject(), int32(i), b)
			} else {
				b.malformed(int32(i))
			}
		}
	default:
		b.refuse()
	}
}

// object appends the readings of one object.
func (f *Fallback) object(o *fastjson.Object, sample int32, b *Batch) {
	fields := make(map[string]*fastjson.Value)
	o.Visit(func(key []byte, v *fastjson.Value) {
		fields[string(key)] = v
	})
	get := func(name string) *fastjson.Value {
		if v := fields[name]; name != "" && v != nil && v.Type() != fastjson.TypeNull {
			return v
		}
		return nil
	}
	if len(f.options.Wide) == 0 {
		p := part{metric: event.Undeclared, value: get(f.options.Value)}
		if name := get(f.options.Metric); name == nil || name.Type() != fastjson.TypeString {
			p.noMetric = true
		} else if i, ok := f.metrics[string(name.GetStringBytes())]; ok {
			p.metric = i
		}
		b.Readings = append(b.Readings, f.reading(get, p, sample))
		return
	}
	before := len(b.Readings)
	for _, name := range f.options.Wide {
		p := part{metric: event.Undeclared, value: get(name)}
		if i, ok := f.metrics[name]; ok {
			p.metric = i
		}
		if p.value != nil {
			b.Readings = append(b.Readings, f.reading(get, p, sample))
		}
	}
	if len(b.Readings) == before {
		b.Readings = append(b.Readings, f.reading(get, part{metric: event.Undeclared}, sample))
	}
}

// part is what sets the readings of one object apart. A nil value is missing or
// null.
type part struct {
	metric   int32
	noMetric bool // the metric field is missing or not a string
	value    *fastjson.Value
}

// reading judges one reading; get returns nil for a field that is missing or null.
func (f *Fallback) reading(get func(string) *fastjson.Value, p part, sample int32) event.Reading {
	r := event.Reading{Metric: event.Undeclared, Sample: sample}
	if f.options.Device != "" {
		if r.Device = deviceName(get(f.options.Device)); r.Device == nil {
			r.Bad = event.NoDevice
			return r
		}
	}
	if p.noMetric {
		r.Bad = event.NoMetric
		return r
	}
	if r.Metric = p.metric; r.Metric >= 0 {
		if r.Value, r.Bad = valueOf(p.value); r.Bad != "" {
			return r
		}
	}
	if v := get(f.options.Time); v != nil {
		if r.Time, r.Bad = f.time(v); r.Bad != "" {
			return r
		}
		r.HasTime = true
	}
	if v := get(f.options.Seq); v != nil {
		n, err := strconv.ParseUint(string(v.MarshalTo(nil)), 10, 63)
		if err != nil {
			r.Bad = event.SeqFormat
			return r
		}
		r.Seq, r.HasSeq = int64(n), true
	}
	return r
}

// deviceName returns a usable name, or nil.
func deviceName(v *fastjson.Value) []byte {
	if v == nil {
		return nil
	}
	var name []byte
	switch v.Type() {
	case fastjson.TypeString:
		name = bytes.Clone(v.GetStringBytes())
	case fastjson.TypeNumber:
		if name = v.MarshalTo(nil); bytes.ContainsAny(name, ".eE") {
			return nil
		}
	}
	if len(name) == 0 || len(name) > event.MaxDevice || !utf8.Valid(name) {
		return nil
	}
	return name
}

func valueOf(v *fastjson.Value) (event.Value, event.Reason) {
	if v == nil {
		return event.Value{}, event.NoValue
	}
	switch v.Type() {
	case fastjson.TypeTrue:
		return event.Value{Kind: event.Bool, Num: 1}, ""
	case fastjson.TypeFalse:
		return event.Value{Kind: event.Bool}, ""
	case fastjson.TypeString:
		return event.Value{Kind: event.String, Str: bytes.Clone(v.GetStringBytes())}, ""
	case fastjson.TypeNumber:
		n, err := strconv.ParseFloat(string(v.MarshalTo(nil)), 64)
		if err != nil {
			return event.Value{}, event.ValueRange
		}
		return event.Value{Num: n}, ""
	}
	return event.Value{}, event.ValueType
}

// time returns the event time that v stands for.
func (f *Fallback) time(v *fastjson.Value) (event.Time, event.Reason) {
	var ms event.Time
	switch {
	case v.Type() == fastjson.TypeString:
		t, err := time.Parse(time.RFC3339Nano, string(v.GetStringBytes()))
		if err != nil {
			return 0, event.TimeFormat
		}
		ms = event.Time(t.UnixMilli())
	case v.Type() == fastjson.TypeNumber && f.options.Unit != "":
		ms = exactMillis(string(v.MarshalTo(nil)), f.options.Unit)
	default:
		return 0, event.TimeFormat
	}
	if ms < 0 || ms >= event.Time(time.Date(2201, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()) {
		return 0, event.TimeRange
	}
	return ms, ""
}

// exactMillis returns the milliseconds of an epoch time of the unit, rounded
// down; -1 for any that is out of range.
func exactMillis(number, unit string) event.Time {
	mantissa, power, _ := strings.Cut(strings.ToLower(number), "e")
	exponent, _ := strconv.ParseInt(power, 10, 64) // the nearest int64 where it is out of range
	zero := !strings.ContainsAny(mantissa, "123456789")
	negative := strings.HasPrefix(mantissa, "-")
	enough := int64(len(mantissa)) + 40 // beyond, the exponent alone decides, and big.Rat would need its memory
	switch {
	case zero:
		return 0
	case negative || exponent > enough:
		return -1
	case exponent < -enough:
		return 0
	}
	exact, ok := new(big.Rat).SetString(number)
	if !ok {
		return -1
	}
	perUnit := map[string]*big.Rat{"s": big.NewRat(1000, 1), "ms": big.NewRat(1, 1), "us": big.NewRat(1, 1000), "ns": big.NewRat(1, 1_000_000)}
	exact.Mul(exact, perUnit[unit])
	floor := new(big.Int).Quo(exact.Num(), exact.Denom())
	if !floor.IsInt64() {
		return -1
	}
	return event.Time(floor.Int64())
}
