package kafkaproxy_test

import (
	"context"
	"net"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/weirstream/weir/internal/chaos/kafkaproxy"
)

const topic = "readings"

// stand is a proxy before a cluster of three, of which it is told one.
func stand(t *testing.T) (*kafkaproxy.Proxy, *kfake.Cluster) {
	t.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(3), kfake.SeedTopics(6, topic))
	require.NoError(t, err)
	t.Cleanup(cluster.Close)
	proxy, err := kafkaproxy.Listen(kafkaproxy.Options{Brokers: cluster.ListenAddrs()[:1]})
	require.NoError(t, err)
	t.Cleanup(func() {
		proxy.Close()
		require.NoError(t, proxy.Err())
	})
	return proxy, cluster
}

func deadline(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func client(t *testing.T, addr string, options ...kgo.Opt) *kgo.Client {
	t.Helper()
	c, err := kgo.NewClient(append(options, kgo.SeedBrokers(strings.Split(addr, ",")...), kgo.RetryTimeout(5*time.Second))...)
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

// brokersTold are the addresses a client behind the proxy learns.
func brokersTold(ctx context.Context, t *testing.T, c *kgo.Client) []string {
	t.Helper()
	meta, err := kadm.NewClient(c).BrokerMetadata(ctx)
	require.NoError(t, err)
	var told []string
	for _, b := range meta.Brokers {
		told = append(told, address(b.Host, b.Port))
	}
	coordinators := kadm.NewClient(c).FindGroupCoordinators(ctx, "g1", "g2", "g3")
	require.NoError(t, coordinators.Error())
	for _, found := range coordinators {
		told = append(told, address(found.Host, found.Port))
	}
	return told
}

func address(host string, port int32) string { return net.JoinHostPort(host, strconv.Itoa(int(port))) }

// send says something and waits until it is hung up on.
func send(t *testing.T, addr, text string) {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	defer conn.Close()
	_, err = conn.Write([]byte(text))
	require.NoError(t, err)
	_, err = conn.Read(make([]byte, 1))
	require.Error(t, err)
}

// A client that begins at the proxy learns no other address, and all it does works.
func TestClientsStayBehindTheProxy(t *testing.T) {
	ctx := deadline(t)
	proxy, cluster := stand(t)
	c := client(t, proxy.Addr(), kgo.DefaultProduceTopic(topic), kgo.ConsumeTopics(topic), kgo.ConsumerGroup("readers"),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	for _, told := range brokersTold(ctx, t, c) {
		require.NotContains(t, cluster.ListenAddrs(), told)
	}
	for i := range 100 {
		require.NoError(t, c.ProduceSync(ctx, kgo.KeyStringRecord(strconv.Itoa(i), "21.5")).FirstErr())
	}
	for read := 0; read < 100; {
		fetches := c.PollFetches(ctx)
		require.NoError(t, fetches.Err())
		read += fetches.NumRecords()
	}
}

// The broker has committed, the client does not know, and asks again: the one fault this package was made for.
func TestReplyToEndTxnIsCut(t *testing.T) {
	ctx := deadline(t)
	proxy, _ := stand(t)
	var requests, cuts atomic.Int32
	proxy.SetRule(func(m kafkaproxy.Message) kafkaproxy.Verdict {
		if m.Key != kmsg.EndTxn.Int16() {
			return kafkaproxy.Pass
		}
		request, err := m.Request()
		require.NoError(t, err)
		require.Equal(t, "tx", request.(*kmsg.EndTxnRequest).TransactionalID)
		require.True(t, request.(*kmsg.EndTxnRequest).Commit)
		if !m.Reply {
			requests.Add(1)
			return kafkaproxy.Pass
		}
		if cuts.CompareAndSwap(0, 1) {
			return kafkaproxy.Cut
		}
		return kafkaproxy.Pass
	})
	c := client(t, proxy.Addr(), kgo.DefaultProduceTopic(topic), kgo.TransactionalID("tx"))
	require.NoError(t, c.BeginTransaction())
	require.NoError(t, c.ProduceSync(ctx, kgo.StringRecord("21.5")).FirstErr())
	_ = c.EndTransaction(ctx, kgo.TryCommit) // what the client makes of it is not the proxy's matter
	require.EqualValues(t, 1, cuts.Load())
	require.GreaterOrEqual(t, requests.Load(), int32(1))

	proxy.SetRule(nil)
	reader := client(t, proxy.Addr(), kgo.ConsumeTopics(topic), kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	fetches := reader.PollFetches(ctx)
	require.NoError(t, fetches.Err())
	require.Equal(t, 1, fetches.NumRecords(), "the broker had committed before the reply was lost")
}

// A request that is cut never reaches the broker.
func TestRequestIsCut(t *testing.T) {
	ctx := deadline(t)
	proxy, cluster := stand(t)
	var reached atomic.Int32
	cluster.ControlKey(kmsg.CreateTopics.Int16(), func(kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		reached.Add(1)
		return nil, nil, false
	})
	first := true
	proxy.SetRule(func(m kafkaproxy.Message) kafkaproxy.Verdict {
		if m.Key == kmsg.CreateTopics.Int16() && first {
			first = false
			return kafkaproxy.Cut
		}
		return kafkaproxy.Pass
	})
	admin := kadm.NewClient(client(t, proxy.Addr()))
	_, err := admin.CreateTopic(ctx, 1, 1, nil, "other")
	if err != nil {
		_, err = admin.CreateTopic(ctx, 1, 1, nil, "other")
	}
	require.NoError(t, err)
	require.EqualValues(t, 1, reached.Load())
}

func TestSwallowedReplyNeverComes(t *testing.T) {
	proxy, _ := stand(t)
	proxy.SetRule(func(m kafkaproxy.Message) kafkaproxy.Verdict {
		if m.Reply && m.Key == kmsg.Metadata.Int16() {
			return kafkaproxy.Swallow
		}
		return kafkaproxy.Pass
	})
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	_, err := kadm.NewClient(client(t, proxy.Addr())).BrokerMetadata(ctx)
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

func TestSeveredClientsComeBack(t *testing.T) {
	ctx := deadline(t)
	proxy, _ := stand(t)
	c := client(t, proxy.Addr(), kgo.DefaultProduceTopic(topic))
	for range 3 {
		require.NoError(t, c.ProduceSync(ctx, kgo.StringRecord("21.5")).FirstErr())
		proxy.Sever()
	}
}

func TestRepliesAreDelayed(t *testing.T) {
	ctx := deadline(t)
	proxy, _ := stand(t)
	c := client(t, proxy.Addr(), kgo.DefaultProduceTopic(topic))
	require.NoError(t, c.ProduceSync(ctx, kgo.StringRecord("21.5")).FirstErr())
	const delay = 100 * time.Millisecond
	proxy.SetDelay(delay)
	began := time.Now()
	require.NoError(t, c.ProduceSync(ctx, kgo.StringRecord("21.5")).FirstErr())
	require.GreaterOrEqual(t, time.Since(began), delay)
}

func TestGarbageIsNoticed(t *testing.T) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1))
	require.NoError(t, err)
	defer cluster.Close()
	proxy, err := kafkaproxy.Listen(kafkaproxy.Options{Brokers: cluster.ListenAddrs()})
	require.NoError(t, err)
	send(t, proxy.Addr(), "GET / HTTP/1.1\r\n\r\n")
	proxy.Close()
	require.ErrorContains(t, proxy.Err(), "not a kafka frame")
}
