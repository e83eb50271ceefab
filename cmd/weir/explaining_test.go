package main

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/weirstream/weir/access"
	"github.com/weirstream/weir/complaint"
	"github.com/weirstream/weir/configs"
)

// explainingLog is a logger of a pipeline with a login, what it has written, and a clock.
func explainingLog(t *testing.T, level slog.Level) (log *slog.Logger, out *bytes.Buffer, pass func(time.Duration)) {
	t.Helper()
	out = &bytes.Buffer{}
	h := newExplainingHandler(slog.NewTextHandler(out, &slog.HandlerOptions{Level: level}))
	door, err := access.NewKafka(access.KafkaOptions{Brokers: []string{"kafka:9092"}, Settings: configs.Kafka{
		SASL: &configs.SASL{Mechanism: "plain", Username: configs.NewSecret("weir"), Password: configs.NewSecret("hush")},
	}})
	require.NoError(t, err)
	h.shared.door.Store(door)
	now := time.Now()
	h.shared.now = func() time.Time { return now }
	return slog.New(h).With("pipeline", "p"), out, func(d time.Duration) { now = now.Add(d) }
}

// Whoever logs an error of getting in, its setting is told.
func TestLoggedErrorsNameTheirSetting(t *testing.T) {
	log, out, _ := explainingLog(t, slog.LevelInfo)
	log.Warn("brokers not ready", "reason", fmt.Errorf("ask: %w", kerr.SaslAuthenticationFailed))
	require.Contains(t, out.String(), `reason="kafka.sasl.username and kafka.sasl.password: the brokers refuse this user or password: ask: SASL_AUTHENTICATION_FAILED`)
	out.Reset()
	log.Error("group", "error", kerr.GroupAuthorizationFailed)
	require.Contains(t, out.String(), "kafka.sasl.username: the brokers do not grant this to that user")
	out.Reset()
	log.Warn("other", "error", errors.New("as it was"))
	require.Contains(t, out.String(), `error="as it was"`)
}

// The same trouble is said at growing intervals with how long it lasts, however often it comes, and other things at once.
func TestTheSameTroubleIsSaidNowAndThen(t *testing.T) {
	log, out, pass := explainingLog(t, slog.LevelInfo)
	const cannot = "kafka.brokers: kafka:9092 cannot be reached"
	for range 4 {
		for range 10 {
			log.Warn("unable to open connection", "err", fmt.Errorf("dial %p: %w", t, &access.Error{Setting: "kafka.brokers", Reason: "kafka:9092 cannot be reached"}))
			log.Warn("other", "err", errors.New("as it was"))
		}
		pass(complaint.First)
	}
	require.Equal(t, 3, strings.Count(out.String(), cannot), "at once, after a minute and after three")
	require.Contains(t, out.String(), "for=1m0s times=10\n")
	require.Contains(t, out.String(), "for=3m0s times=20\n")
	require.Equal(t, 40, strings.Count(out.String(), "as it was"))
	out.Reset()
	pass(2 * quietTime)
	log.Warn("unable to open connection", "err", &access.Error{Setting: "kafka.brokers", Reason: "kafka:9092 cannot be reached"})
	require.Contains(t, out.String(), cannot+"\"\n", "another trouble")
	out.Reset()
	log.Warn("brokers not ready", "reason", &access.Error{Setting: "kafka.brokers", Reason: "kafka:9092 cannot be reached"}, lastsKey, "1m0s")
	log.Warn("brokers not ready", "reason", &access.Error{Setting: "kafka.brokers", Reason: "kafka:9092 cannot be reached"}, lastsKey, "1m0s")
	require.Equal(t, 2, strings.Count(out.String(), cannot), "who paces its words itself is not paced again")
	log, out, _ = explainingLog(t, slog.LevelDebug)
	for range 10 {
		log.Warn("unable to open connection", "err", &access.Error{Setting: "kafka.brokers", Reason: "kafka:9092 cannot be reached"})
	}
	require.Equal(t, 10, strings.Count(out.String(), "kafka.brokers: "))
}
