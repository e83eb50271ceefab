package simulation

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirstream/weir/alerts/commands"
	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/internal/oracle"
)

// operator is somebody who reads the alerts, acknowledges and silences some, and
// changes their mind.
type operator struct {
	w       *world
	rng     *rand.Rand
	client  *kgo.Client
	alerts  []commands.Ack // the newest alerts, as one acknowledges them
	written []string       // keys of what is in force
}

// operate lets an operator work until faults end, in two worlds of three.
func (w *world) operate(ctx context.Context) {
	o := &operator{w: w, rng: w.rng(7)}
	if o.rng.IntN(3) == 0 {
		return
	}
	var err error
	if o.client, err = w.client(kgo.FetchIsolationLevel(kgo.ReadCommitted())); err != nil {
		_ = w.complain("operator: %w", err)
		return
	}
	topics := []string{w.shape.pipeline.Alerts.Topic, w.shape.pipeline.CommandsTopic}
	for {
		list, err := w.admin.ListTopics(ctx, topics...)
		if err == nil && list.Error() == nil && len(list) == len(topics) {
			break
		}
		if !w.pause(100 * time.Millisecond) {
			return
		}
	}
	at := map[int32]kgo.Offset{}
	for p := range w.shape.partitions {
		at[p] = kgo.NewOffset().At(0)
	}
	o.client.AddConsumePartitions(map[string]map[int32]kgo.Offset{topics[0]: at})
	for w.pause(time.Duration(o.rng.Int64N(int64(3 * time.Second)))) {
		o.look(ctx)
		if err := o.act(ctx); err != nil {
			_ = w.complain("operator: %w", err)
			return
		}
	}
}

// look reads the alerts that have come.
func (o *operator) look(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
	defer cancel()
	o.client.PollFetches(ctx).EachRecord(func(r *kgo.Record) {
		var a struct{ ID, Rule, Device, Group, By string }
		if json.Unmarshal(r.Value, &a) == nil {
			o.alerts = append(o.alerts, commands.Ack{ID: a.ID, Rule: a.Rule, Whose: commands.Whose{Device: a.Device, Group: a.Group, By: a.By}})
		}
	})
	o.alerts = o.alerts[max(0, len(o.alerts)-30):]
}

// act writes one command.
func (o *operator) act(ctx context.Context) error {
	now := event.Time(time.Now().UnixMilli())
	switch n := len(o.alerts); {
	case n > 0 && o.rng.IntN(2) == 0:
		ack := o.alerts[o.rng.IntN(n)]
		ack.Author, ack.Reason, ack.At = "ada", []string{"", "known"}[o.rng.IntN(2)], now
		return o.write(ctx, ack.Key(), ack.AppendValue(nil))
	case len(o.written) > 0 && o.rng.IntN(3) == 0:
		return o.write(ctx, o.written[o.rng.IntN(len(o.written))], nil)
	case o.rng.IntN(20) == 0:
		return o.write(ctx, "silence/s0", []byte("no command"))
	}
	rule := o.w.shape.pipeline.Rules[o.rng.IntN(len(o.w.shape.pipeline.Rules))].Name
	s := drawSilence(now, rule, o.rng)
	return o.write(ctx, s.Key(), s.AppendValue(nil))
}

// drawSilence draws a time around now, and whom it is about.
func drawSilence(now event.Time, rule string, rng *rand.Rand) *commands.Silence {
	s := &commands.Silence{Kind: commands.KindSilence, Name: fmt.Sprintf("s%d", rng.IntN(3)), Author: "ada", At: now}
	if rng.IntN(3) == 0 {
		s.Kind = commands.KindMaintenance
	}
	s.Start = now + event.Time(rng.IntN(30_000)-15_000)
	s.End = s.Start + 1 + event.Time(rng.IntN(60_000))
	all := [][3]string{{"rule", "=", rule}, {"rule", "!=", rule}, {"device", "=~", "d.*[0-2].*"}, {"level", "=", "warning"}, {"level", "!~", "c.*"}, {"labels.site", "=", "a"}, {"labels.site", "=", ""}, {"group", "!=", ""}}
	for range 1 + rng.IntN(2) {
		m := all[rng.IntN(len(all))]
		one, err := commands.NewMatcher(m[0], m[1], m[2])
		if err != nil {
			panic(err)
		}
		s.Matchers = append(s.Matchers, one)
	}
	return s
}

func (o *operator) write(ctx context.Context, key string, value []byte) error {
	o.written = append(o.written, key)
	what := commandKind(key)
	if value == nil {
		what += " taken back"
	}
	o.w.trace.count("command: " + what)
	o.w.trace.addf("operator", "%s %s", key, value)
	return o.client.ProduceSync(ctx, &kgo.Record{Topic: o.w.shape.pipeline.CommandsTopic, Key: []byte(key), Value: value}).FirstErr()
}

func commandKind(key string) string {
	for i := range key {
		if key[i] == '/' {
			return key[:i]
		}
	}
	return key
}

// commands reads the topic of commands.
func (w *world) commands(ctx context.Context) ([]oracle.CommandRecord, error) {
	records, err := w.readFirst(ctx, w.shape.pipeline.CommandsTopic, 1)
	if err != nil {
		return nil, err
	}
	var list []oracle.CommandRecord
	for _, r := range records[0] {
		list = append(list, oracle.CommandRecord{Offset: r.Offset, Key: r.Key, Value: r.Value})
	}
	return list, nil
}
