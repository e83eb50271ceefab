package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/weirstream/weir/engine/task"
	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/internal/history"
)

// longestExample is how many bytes of a message that cannot be used are shown.
const longestExample = 200

// unusableJSON is what weir backtest says of readings that cannot be used for one reason.
type unusableJSON struct {
	Reason   event.Reason `json:"reason"`
	Readings uint64       `json:"readings"`
	First    unusableOne  `json:"first"`
}

// unusableOne is a reading that cannot be used.
type unusableOne struct {
	Line      int64  `json:"line,omitempty"` // of a file, where it is known
	Partition int32  `json:"partition"`      // of the topic, or of the one that a file stands in for
	Offset    int64  `json:"offset"`
	Device    string `json:"device,omitempty"`
	Detail    string `json:"detail,omitempty"`
	Message   string `json:"message,omitempty"` // its beginning
}

// unusable gathers what tasks of one pipeline put into quarantine. It is for one goroutine.
type unusable struct {
	topic  string // of quarantine
	counts [event.ReasonCount]uint64
	first  [event.ReasonCount]*unusableOne
}

// take counts a record for the quarantine, and keeps the first one of each reason.
func (u *unusable) take(topic string, o task.Output) {
	if topic != u.topic {
		return
	}
	_, rest, _ := bytes.Cut(o.Value, []byte(`"reason":"`))
	name, _, _ := bytes.Cut(rest, []byte(`"`))
	k := event.Reason(name).Index()
	if k < 0 {
		return // no reading: a clock that was reset
	}
	if u.counts[k]++; u.first[k] == nil {
		u.first[k] = readUnusable(o.Value)
	}
}

func readUnusable(record []byte) *unusableOne {
	var q struct {
		Source struct {
			Partition int32
			Offset    int64
		}
		Device, Detail, Payload, Metric, Time, Appended string
		Value                                           json.Number
	}
	if err := json.Unmarshal(record, &q); err != nil {
		return &unusableOne{Detail: err.Error()}
	}
	one := &unusableOne{Partition: q.Source.Partition, Offset: q.Source.Offset, Device: q.Device, Detail: q.Detail, Message: q.Payload}
	if q.Metric != "" {
		one.Detail = fmt.Sprintf("%s of %s is %s at %s, appended %s", q.Metric, q.Device, q.Value, q.Time, q.Appended)
	}
	if len(one.Message) > longestExample {
		cut := longestExample
		for !utf8.RuneStart(one.Message[cut]) {
			cut--
		}
		one.Message = one.Message[:cut] + "..."
	}
	return one
}

// gather sums up what tasks could not use, by reason, with the first reading in the order of lines, or else of partitions and offsets.
func gather(tasks []*unusable, source history.Source) []unusableJSON {
	lines, _ := source.(*history.Lines)
	all := []unusableJSON{}
	for k, reason := range event.Reasons() {
		sum := unusableJSON{Reason: reason}
		for _, u := range tasks {
			first := u.first[k]
			if first == nil {
				continue
			}
			if lines != nil {
				first.Line = lines.LineOf(first.Partition, first.Offset)
			}
			if sum.Readings == 0 || first.before(&sum.First) {
				sum.First = *first
			}
			sum.Readings += u.counts[k]
		}
		if sum.Readings > 0 {
			all = append(all, sum)
		}
	}
	return all
}

func (o *unusableOne) before(other *unusableOne) bool {
	switch {
	case o.Line != other.Line:
		return other.Line == 0 || o.Line > 0 && o.Line < other.Line
	case o.Partition != other.Partition:
		return o.Partition < other.Partition
	}
	return o.Offset < other.Offset
}

// place says where it stands; lines is that of backtesting.
func (o *unusableOne) place(lines string) string {
	switch {
	case lines == "":
		return fmt.Sprintf("partition %d, offset %d", o.Partition, o.Offset)
	case o.Line > 0:
		return fmt.Sprintf("%s %d", lines, o.Line)
	}
	return "-"
}

// printUnusable shows to people what could not be used, where that is more than a few readings too late.
func (s *backtestSide) printUnusable(out io.Writer) {
	if len(s.Unusable) == 0 || s.Readings.Bad == 0 && s.Readings.Processed > 0 {
		return
	}
	t := newTable(out)
	fmt.Fprintln(t, "NOT USED\tREADINGS\tFIRST\tWHAT IS WRONG WITH IT")
	for i := range s.Unusable {
		u := &s.Unusable[i]
		what := u.First.Detail
		if what == "" || u.Reason == event.Malformed {
			what = strings.TrimPrefix(what+": ", ": ") + u.First.Message
		}
		fmt.Fprintf(t, "%s\t%d\t%s\t%s\n", u.Reason, u.Readings, u.First.place(s.lines), strings.Join(strings.Fields(what), " "))
	}
	_ = t.Flush()
}

// nothingUsed is the error of a history of which no pipeline could use a reading; nil where it has none, or one could.
func (r *backtestResult) nothingUsed() error {
	sides := []*backtestSide{&r.backtestSide}
	if r.Compared != nil {
		sides = append(sides, r.Compared)
	}
	for _, s := range sides {
		if c := &s.Readings; c.All == 0 || c.Processed > 0 {
			return nil
		}
	}
	c := &r.Readings
	why := "they were bad, too late or ahead of their append times"
	if c.Filtered > 0 {
		why = fmt.Sprintf("of %d no window or rule uses the metric, or they do not meet where", c.Filtered)
	}
	return fmt.Errorf("backtest: none of %d readings could be used: %s", c.All, why)
}
