package main

import (
	"fmt"
	"math"
	"time"

	"github.com/valyala/fastjson"
)

// decoder reads the records of an engine's three output topics. It is for one goroutine.
type decoder func(value []byte) (tuple, error)

// parse parses a record and reads what all have: the device.
func parse(p *fastjson.Parser, value []byte) (*fastjson.Value, tuple, error) {
	v, err := p.ParseBytes(value)
	if err != nil {
		return nil, tuple{}, fmt.Errorf("%v: %.200s", err, value)
	}
	device, ok := deviceOf(v.GetStringBytes("device"))
	if !ok {
		return nil, tuple{}, fmt.Errorf("no device: %.200s", value)
	}
	return v, tuple{key: key{device: device}}, nil
}

// peerDecoder reads the short records that all peers write: which topic they come from shows in their fields.
func peerDecoder() decoder {
	var p fastjson.Parser
	return func(value []byte) (tuple, error) {
		v, t, err := parse(&p, value)
		if err != nil {
			return t, err
		}
		if event := v.GetStringBytes("event"); event != nil {
			t.at, t.mean = v.GetInt64("ts"), v.GetFloat64("value")
			switch string(event) {
			case "firing":
				t.kind = firingKind
			case "resolved":
				t.kind = resolvedKind
			default:
				return t, fmt.Errorf("event of no kind: %.200s", value)
			}
			return t, nil
		}
		t.at = v.GetInt64("start")
		return windowTuple(t, v, v.GetInt64("end")-t.at, value)
	}
}

// weirDecoder reads weir's aggregates and alerts (docs/RECORDS.md). Of the aggregates only final ones are expected: no device falls silent
// in these inputs.
func weirDecoder() decoder {
	var p fastjson.Parser
	return func(value []byte) (tuple, error) {
		v, t, err := parse(&p, value)
		if err != nil {
			return t, err
		}
		if state := v.GetStringBytes("state"); state != nil {
			t.mean = v.GetFloat64("value")
			switch string(state) {
			case "firing":
				t.kind = firingKind
			case "resolved":
				t.kind = resolvedKind
			default:
				return t, fmt.Errorf("state of no kind: %.200s", value)
			}
			t.at, err = instant(v, "at")
			return t, err
		}
		if !v.GetBool("final") || v.GetInt("revision") != 1 {
			return t, fmt.Errorf("a window spoken of twice: %.200s", value)
		}
		end, err := instant(v, "end")
		if err != nil {
			return t, err
		}
		if t.at, err = instant(v, "start"); err != nil {
			return t, err
		}
		return windowTuple(t, v, end-t.at, value)
	}
}

func instant(v *fastjson.Value, field string) (int64, error) {
	at, err := time.Parse(time.RFC3339Nano, string(v.GetStringBytes(field)))
	if err != nil {
		return 0, fmt.Errorf("%s: %w", field, err)
	}
	return at.UnixMilli(), nil
}

// windowTuple knows a window by its size.
func windowTuple(t tuple, v *fastjson.Value, sizeMs int64, value []byte) (tuple, error) {
	t.mean = v.GetFloat64("mean")
	switch sizeMs {
	case tenSizeMs:
		t.kind, t.count, t.min, t.max = tenKind, int32(v.GetInt("count")), v.GetFloat64("min"), v.GetFloat64("max")
	case hopSizeMs:
		t.kind = hopKind
	default:
		return t, fmt.Errorf("a window of %d ms: %.200s", sizeMs, value)
	}
	return t, nil
}

// readingDecoder reads the source's own records.
func readingDecoder() func(value []byte) (reading, error) {
	var p fastjson.Parser
	return func(value []byte) (reading, error) {
		v, err := p.ParseBytes(value)
		if err != nil {
			return reading{}, err
		}
		device, ok := deviceOf(v.GetStringBytes("device"))
		if !ok {
			return reading{}, fmt.Errorf("no device: %.200s", value)
		}
		return reading{device: device, ts: v.GetInt64("ts"), milli: int32(math.Round(v.GetFloat64("value") * 1000))}, nil
	}
}
