package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/ingest/codec"
	"github.com/weirstream/weir/outlets/board"
)

const (
	// leastID is how many digits it takes to look for an alert that is no longer open.
	leastID = 8
	// maxLookups is how many readings are looked up for one alert: those of its newest events.
	maxLookups = 50
	maxShown   = 2_000 // bytes of a message
)

// explanation is what is known of one alert.
type explanation struct {
	ID       string           `json:"id"`
	Rule     string           `json:"rule"`
	Sentence string           `json:"sentence,omitempty"` // what the rule does; absent where the file has it no more
	Open     bool             `json:"open"`
	Events   []explainedEvent `json:"events"`
}

// explainedEvent is an event with the reading that caused it.
type explainedEvent struct {
	board.Event
	Reading *causingRecord `json:"reading,omitempty"`
	// Missing says why there is none, although a reading was the cause.
	Missing string `json:"missing,omitempty"`
}

// causingRecord is a record of the source, with what the device says in it.
type causingRecord struct {
	Appended time.Time      `json:"appended"`
	Readings []causingValue `json:"readings"`
	Message  string         `json:"message"` // as text, cut at 2,000 bytes
}

type causingValue struct {
	Metric string     `json:"metric"`
	Value  float64    `json:"value"`
	Time   *time.Time `json:"time,omitempty"`
	Seq    *int64     `json:"seq,omitempty"`
	Bad    string     `json:"bad,omitempty"`
}

// explain tells the story of the alert whose id begins so: open ones come first.
func (d *desk) explain(ctx context.Context, prefix string) (*explanation, error) {
	s, err := d.see(ctx)
	if err != nil {
		return nil, err
	}
	e, err := s.one(prefix)
	if errors.Is(err, errSeveral) || errors.Is(err, errNoSuch) && len(prefix) < leastID {
		return nil, err
	}
	from := map[int32]kgo.Offset(nil)
	if err == nil {
		from, prefix = map[int32]kgo.Offset{e.First.Partition: kgo.NewOffset().At(e.First.Offset)}, e.ID
	}
	events, err := d.eventsOf(ctx, prefix, from)
	if err != nil {
		return nil, err
	}
	x := &explanation{ID: events[0].ID, Rule: events[0].Rule, Open: !events[len(events)-1].Ended()}
	x.Sentence, _ = d.pipeline.RuleSentence(x.Rule)
	for _, e := range events {
		x.Events = append(x.Events, explainedEvent{Event: e})
	}
	return x, d.lookUp(ctx, x)
}

// eventsOf reads the events of an episode, in order; from says where they are, if that is known.
func (d *desk) eventsOf(ctx context.Context, prefix string, from map[int32]kgo.Offset) ([]board.Event, error) {
	var events []board.Event
	inRecord := []byte(`"id":"` + prefix)
	t := tail{topic: d.pipeline.Alerts.Topic, kafka: d.kafka, only: from, visit: func(r *kgo.Record) {
		if !bytes.Contains(r.Value, inRecord) {
			return
		}
		if e, err := board.Parse(placeOf(r), r.Value); err == nil && strings.HasPrefix(e.ID, prefix) && e.Pipeline == d.pipeline.Name {
			events = append(events, e)
		}
	}}
	defer t.close()
	if err := t.catchUp(ctx); err != nil {
		return nil, d.errRead("alerts (alerts.topic)", err)
	}
	if len(events) == 0 {
		return nil, fmt.Errorf("alert with id %q: %w", prefix, errNoSuch)
	}
	if slices.ContainsFunc(events, func(e board.Event) bool { return e.ID != events[0].ID }) {
		return nil, fmt.Errorf("alerts with ids that begin with %q: %w", prefix, errSeveral)
	}
	return events, nil
}

// lookUp adds the readings.
func (d *desk) lookUp(ctx context.Context, x *explanation) error {
	known := map[int64]*causingRecord{}
	looked := 0
	for i := len(x.Events) - 1; i >= 0; i-- {
		e := &x.Events[i]
		at := e.Cause.Offset
		switch {
		case at == nil:
			continue
		case e.Cause.Topic != d.pipeline.Source.Topic:
			e.Missing = "many devices had a part in it"
			continue
		case known[*at] != nil:
			e.Reading = known[*at]
			continue
		case looked == maxLookups:
			e.Missing = fmt.Sprintf("only the readings of the newest %d events are looked up", maxLookups)
			continue
		}
		looked++
		r, err := readRecord(ctx, d.kafka, recordPlace{e.Cause.Topic, e.Cause.Partition, *at})
		if err != nil {
			return err
		}
		if r == nil {
			e.Missing = "the source topic no longer has it"
			continue
		}
		if e.Reading, err = d.causing(r, e.Device); err != nil {
			return err
		}
		known[*at] = e.Reading
	}
	return nil
}

// causing reads what a device says in a record of the source.
func (d *desk) causing(r *kgo.Record, device string) (*causingRecord, error) {
	shown := &causingRecord{Appended: r.Timestamp.UTC(), Readings: []causingValue{}, Message: cutText(r.Value)}
	options := codecOptions(d.pipeline)
	inHeader := false
	for _, h := range r.Headers {
		if h.Key == "weir-device" {
			inHeader, options.Device = true, ""
		}
	}
	decoder, err := codec.NewScanner(options)
	if err != nil {
		return nil, fmt.Errorf("read the source as source.reading says: %w", err)
	}
	var batch codec.Batch
	decoder.Decode(r.Value, &batch)
	for _, reading := range batch.Readings {
		if reading.Metric == event.Undeclared || !inHeader && string(reading.Device) != device {
			continue
		}
		v := causingValue{Metric: d.pipeline.Metrics[reading.Metric], Value: reading.Value.Num, Bad: string(reading.Bad)}
		if reading.HasTime {
			at := time.UnixMilli(int64(reading.Time)).UTC()
			v.Time = &at
		}
		if reading.HasSeq {
			v.Seq = &reading.Seq
		}
		shown.Readings = append(shown.Readings, v)
	}
	return shown, nil
}

// cutText is a message as text, without half a character at its end.
func cutText(b []byte) string {
	if len(b) > maxShown {
		b = b[:maxShown]
		for len(b) > 0 && !utf8.Valid(b[max(0, len(b)-utf8.UTFMax):]) && len(b) > maxShown-utf8.UTFMax {
			b = b[:len(b)-1]
		}
	}
	return strings.ToValidUTF8(string(b), "\uFFFD")
}

// recordPlace is where a record stands.
type recordPlace struct {
	topic     string
	partition int32
	offset    int64
}

// readRecord reads one record; nil: the topic has it no more.
func readRecord(ctx context.Context, kafka []kgo.Opt, at recordPlace) (*kgo.Record, error) {
	client, err := kgo.NewClient(append([]kgo.Opt{
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{at.topic: {at.partition: kgo.NewOffset().At(at.offset)}}),
		kgo.ConsumeResetOffset(kgo.NoResetOffset()), kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords(),
		kgo.FetchMaxPartitionBytes(64 << 10), kgo.FetchMaxWait(200 * time.Millisecond),
	}, kafka...)...)
	if err != nil {
		return nil, fmt.Errorf("read topic %q: %w", at.topic, err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	fetches := client.PollFetches(ctx)
	if err := fetches.Err(); errors.Is(err, kerr.OffsetOutOfRange) || errors.Is(err, kerr.UnknownTopicOrPartition) {
		return nil, nil
	} else if err != nil {
		return nil, fmt.Errorf("read topic %q partition %d at offset %d: %w", at.topic, at.partition, at.offset, err)
	}
	for records := fetches.RecordIter(); !records.Done(); {
		if r := records.Next(); r.Offset == at.offset {
			return r, nil
		}
	}
	return nil, nil
}
