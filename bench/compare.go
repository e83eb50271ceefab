package main

import (
	"fmt"
	"math"
)

const (
	maxTuples   = 12_000_000 // an answer sheet larger than this holds one device in so many
	meanError   = 1e-9       // relative
	maxExamples = 5
)

// sheet holds what must come out, and ticks off what does.
type sheet struct {
	all     map[key]int32
	want    []tuple
	seen    []bool
	oneIn   int32 // of so many devices one is looked at
	horizon int64
	verdict verdict
}

// verdict is what became of a comparison. The zero value of the counts is a right engine.
type verdict struct {
	Compared   int64    `json:"compared"`
	OneIn      int32    `json:"devices_one_in"` // of so many devices one is compared
	Missing    int64    `json:"missing"`
	Repeated   int64    `json:"repeated"`
	Unexpected int64    `json:"unexpected"`
	WrongValue int64    `json:"wrong_value"`
	Broken     int64    `json:"broken"`             // records that cannot be read
	Examples   []string `json:"examples,omitempty"` // of what is wrong, a few
}

func (v *verdict) right() bool {
	return v.Compared > 0 && v.Missing+v.Repeated+v.Unexpected+v.WrongValue+v.Broken == 0
}

func (v *verdict) String() string {
	if v.right() {
		if v.OneIn > 1 {
			return fmt.Sprintf("right: %d results compared, of one device in %d", v.Compared, v.OneIn)
		}
		return fmt.Sprintf("right: %d results compared", v.Compared)
	}
	return fmt.Sprintf("WRONG: %d results compared, %d missing, %d repeated, %d unexpected, %d with a wrong value, %d unreadable %v",
		v.Compared, v.Missing, v.Repeated, v.Unexpected, v.WrongValue, v.Broken, v.Examples)
}

func (v *verdict) example(text string, t tuple) {
	if len(v.Examples) < maxExamples {
		v.Examples = append(v.Examples, fmt.Sprintf("%s %s of pump-%07d at %d: count %d mean %g min %g max %g",
			text, t.kind, t.device, t.at, t.count, t.mean, t.min, t.max))
	}
}

// sheetOptions say which results are compared.
type sheetOptions struct {
	Readings   int64 // how many of the input were sent
	Closing    bool  // whether the closing readings were
	AlertsOnly bool  // windows are not compared
}

func newSheet(in input, o sheetOptions) *sheet {
	perDevice := o.Readings/int64(in.devices) + 1
	estimate := int64(in.devices) * (perDevice*in.intervalMs/tenSizeMs*2 + 9)
	if o.AlertsOnly {
		estimate = o.Readings / 50
	}
	s := &sheet{oneIn: int32(1 + estimate/maxTuples), horizon: in.lastMs(o.Readings) + beyondMs}
	s.all = make(map[key]int32, estimate/int64(s.oneIn))
	var readings []reading
	for device := range int32(in.devices) {
		if !s.looksAt(device) || o.AlertsOnly && !hot(device) {
			continue
		}
		readings = in.ofDevice(device, o.Readings, readings[:0])
		if o.Closing {
			readings = append(readings, in.closing(device, o.Readings))
		}
		if o.AlertsOnly {
			s.add(alertsOf(readings))
		} else {
			s.add(expect(readings, s.horizon))
		}
	}
	s.seen = make([]bool, len(s.want))
	s.verdict = verdict{Compared: int64(len(s.want)), OneIn: s.oneIn}
	return s
}

// looksAt spreads the sample over hot and other devices.
func (s *sheet) looksAt(device int32) bool { return device/hotOneIn%s.oneIn == 0 }

func (s *sheet) add(tuples []tuple) {
	for _, t := range tuples {
		s.all[t.key] = int32(len(s.want))
		s.want = append(s.want, t)
	}
}

// take compares one result of an engine.
func (s *sheet) take(t tuple) {
	if !s.looksAt(t.device) || s.beyond(t) {
		return
	}
	i, ok := s.all[t.key]
	switch {
	case !ok:
		s.verdict.Unexpected++
		s.verdict.example("unexpected", t)
	case s.seen[i]:
		s.verdict.Repeated++
		s.verdict.example("repeated", t)
	case !same(s.want[i], t):
		s.seen[i] = true
		s.verdict.WrongValue++
		s.verdict.example("wrong", t)
		s.verdict.example("must be", s.want[i])
	default:
		s.seen[i] = true
	}
}

func (s *sheet) beyond(t tuple) bool {
	return t.kind == tenKind && t.at+tenSizeMs > s.horizon || t.kind == hopKind && t.at+hopSizeMs > s.horizon
}

// broken counts a record that cannot be read.
func (s *sheet) broken(err error) {
	s.verdict.Broken++
	if len(s.verdict.Examples) < maxExamples {
		s.verdict.Examples = append(s.verdict.Examples, err.Error())
	}
}

// judge says what is wrong when everything has been taken.
func (s *sheet) judge() *verdict {
	for i, seen := range s.seen {
		if !seen {
			s.verdict.Missing++
			s.verdict.example("missing", s.want[i])
		}
	}
	return &s.verdict
}

// same compares counts, extremes and values exactly, and means with the little that orders of summing differ by.
func same(want, have tuple) bool {
	switch want.kind {
	case tenKind:
		return want.count == have.count && want.min == have.min && want.max == have.max && near(want.mean, have.mean)
	case hopKind:
		return near(want.mean, have.mean)
	default:
		return want.mean == have.mean
	}
}

func near(want, have float64) bool { return math.Abs(want-have) <= meanError*math.Abs(want) }
