//go:build real

package chaos

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirstream/weir/alerts/commands"
	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/internal/rig"
)

// operator is somebody who reads the alerts while things break, acknowledges and silences some, and changes their mind. What fails is let
// be, as people do: verify goes by what is in the topics.
type operator struct {
	pipe pipeline
	rng  *rand.Rand

	mu   sync.Mutex
	urls []string // of processes, which may run or not

	client  *kgo.Client // nil: has not come yet
	stop    context.CancelFunc
	gone    chan struct{}
	alerts  []commands.Ack // the newest, as one acknowledges them
	written []string       // keys of what was put in force
	done    acts
}

// acts are how many commands the operator gave, and how many of them the brokers or weir took.
type acts struct{ given, taken, byAPI int }

// meet tells the operator of a process whose API may be asked.
func (o *operator) meet(w *rig.Process) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.urls = append(o.urls, w.URL())
}

// come lets the operator work until leave, or until the test ends. Who is at work stays.
func (o *operator) come(t *testing.T, brokers []string) {
	t.Helper()
	if o.stop != nil {
		return
	}
	if o.client == nil {
		at := map[int32]kgo.Offset{}
		for p := range o.pipe.partitions {
			at[int32(p)] = kgo.NewOffset().AtStart()
		}
		var err error
		o.client, err = kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.FetchMaxWait(100*time.Millisecond),
			kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.MetadataMinAge(100*time.Millisecond),
			kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{o.pipe.alerts: at}))
		require.NoError(t, err)
		t.Cleanup(func() {
			o.leave()
			o.client.Close()
		})
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	o.stop, o.gone = stop, make(chan struct{})
	go func() {
		defer close(o.gone)
		o.work(ctx)
	}()
}

// leave ends the operator's work, if there is any.
func (o *operator) leave() {
	if o == nil || o.stop == nil {
		return
	}
	o.stop()
	<-o.gone
	o.stop = nil
}

// work waits for the topic of commands, which weir makes, and gives some ten commands a second.
func (o *operator) work(ctx context.Context) {
	admin := kadm.NewClient(o.client)
	for o.pause(ctx, 200*time.Millisecond) {
		ask, cancel := context.WithTimeout(ctx, 2*time.Second)
		list, err := admin.ListTopics(ask, o.pipe.Commands())
		cancel()
		if err == nil && list.Error() == nil && len(list) == 1 {
			break
		}
	}
	for o.pause(ctx, time.Duration(o.rng.Int64N(int64(150*time.Millisecond)))) {
		o.look(ctx)
		c := o.decide()
		o.done.given++
		if o.rng.IntN(4) == 0 && o.ask(ctx, c) == nil {
			o.done.byAPI++
			o.done.taken++
		} else if o.write(ctx, c) == nil {
			o.done.taken++
		}
	}
}

func (o *operator) pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// look reads the alerts that have come and keeps the newest: of those that are over a few, for people are late.
func (o *operator) look(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
	defer cancel()
	o.client.PollFetches(ctx).EachRecord(func(r *kgo.Record) {
		var a struct{ ID, Rule, Device, Group, By, State string }
		if json.Unmarshal(r.Value, &a) == nil && (a.State != "resolved" && a.State != "ok" || o.rng.IntN(5) == 0) {
			o.alerts = append(o.alerts, commands.Ack{ID: a.ID, Rule: a.Rule, Whose: commands.Whose{Device: a.Device, Group: a.Group, By: a.By}})
		}
	})
	o.alerts = o.alerts[max(0, len(o.alerts)-50):]
}

// command is one that the operator gives: what stands under the key from now on, or nothing.
type command struct {
	key     string
	ack     *commands.Ack
	silence *commands.Silence
	junk    string // what is no command
}

// decide draws what to do next.
func (o *operator) decide() command {
	now := event.Time(time.Now().UnixMilli())
	n := len(o.alerts)
	switch o.rng.IntN(10) {
	case 0, 1, 2, 3, 4:
		if n > 0 {
			ack := o.alerts[o.rng.IntN(n)]
			ack.Author, ack.Reason, ack.At = "ada", []string{"", "known"}[o.rng.IntN(2)], now
			o.written = append(o.written, ack.Key())
			return command{key: ack.Key(), ack: &ack}
		}
	case 5, 6, 7:
		if k := len(o.written); k > 0 {
			return command{key: o.written[k-1-o.rng.IntN(min(k, 20))]}
		}
	case 8:
		if o.rng.IntN(5) == 0 {
			return command{key: "silence/s0", junk: "no command"}
		}
	}
	s := o.drawSilence(now)
	o.written = append(o.written, s.Key())
	return command{key: s.Key(), silence: s}
}

// drawSilence draws a time around now that is over before a round is, and whom it is about.
func (o *operator) drawSilence(now event.Time) *commands.Silence {
	s := &commands.Silence{Kind: commands.KindSilence, Name: fmt.Sprintf("s%d", o.rng.IntN(4)), Author: "ada", Reason: "works", At: now}
	if o.rng.IntN(3) == 0 {
		s.Kind = commands.KindMaintenance
	}
	s.Start = now + event.Time(o.rng.IntN(4_000)-2_000)
	s.End = s.Start + 1 + event.Time(o.rng.IntN(6_000))
	rule := []string{"hot", "heated", "warm", "beyond", "silent", "missing", "hall"}[o.rng.IntN(7)]
	all := [][3]string{
		{"rule", "=", rule}, {"rule", "!=", rule}, {"rule", "=~", "h.*|beyond"}, {"device", "=~", "device-.*[0-4]"}, {"level", "=", "warning"},
		{"level", "!~", "c.*"}, {"labels.site", "=", "north"}, {"labels.site", "=", ""}, {"labels.site", "=~", "hall.*"}, {"group", "!=", ""},
	}
	for range 1 + o.rng.IntN(3) {
		m := all[o.rng.IntN(len(all))]
		one, err := commands.NewMatcher(m[0], m[1], m[2])
		if err != nil {
			panic(err)
		}
		s.Matchers = append(s.Matchers, one)
	}
	return s
}

// write puts a command into its topic.
func (o *operator) write(ctx context.Context, c command) error {
	var value []byte // nil takes back
	switch {
	case c.ack != nil:
		value = c.ack.AppendValue(nil)
	case c.silence != nil:
		value = c.silence.AppendValue(nil)
	case c.junk != "":
		value = []byte(c.junk)
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	return o.client.ProduceSync(ctx, &kgo.Record{Topic: o.pipe.Commands(), Key: []byte(c.key), Value: value}).FirstErr()
}
