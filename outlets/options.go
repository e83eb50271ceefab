package outlets

import (
	"errors"
	"log/slog"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Options says what to carry where.
type Options struct {
	Pipeline string // only its alerts are delivered: others may share the topic
	Topic    string
	Group    string
	// Instance names this process in the group. It must be the same after a restart, or the restarted process waits for the old
	// one's session to expire.
	Instance string
	Receiver Receiver
	Client   []kgo.Opt // seed brokers, client id, TLS, SASL

	RetryMin time.Duration // first wait after a failure, doubled at each further one; 0 is 250 ms
	RetryMax time.Duration // longest wait; 0 is 30 s
	LagEvery time.Duration // between two looks at the ends of the topic; 0 is 5 s
	KeepSeat bool          // stay in the group at a stop, for a restart within 10 s

	Logger *slog.Logger // nil logs nothing
}

func (o Options) ready() (Options, error) {
	for _, needed := range []string{o.Pipeline, o.Topic, o.Group, o.Instance} {
		if needed == "" {
			return o, errors.New("outlet: pipeline, topic, group and instance are needed")
		}
	}
	if o.Receiver == nil {
		return o, errors.New("outlet: a receiver is needed")
	}
	o.RetryMin = orDefault(o.RetryMin, 250*time.Millisecond)
	o.RetryMax = max(orDefault(o.RetryMax, 30*time.Second), o.RetryMin)
	o.LagEvery = orDefault(o.LagEvery, 5*time.Second)
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o, nil
}

func orDefault(d, other time.Duration) time.Duration {
	if d == 0 {
		return other
	}
	return d
}
