//go:build real

package killtest

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirstream/weir/internal/realbrokers"
)

// cluster is the Kafka of a test, as seen from beside weir.
type cluster struct {
	t     *testing.T
	addr  string
	admin *kadm.Client
}

func openCluster(t *testing.T) *cluster {
	t.Helper()
	addr := realbrokers.Kafka(t)
	client, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(addr, ",")...), kgo.MetadataMinAge(10*time.Millisecond))
	require.NoError(t, err)
	t.Cleanup(client.Close)
	return &cluster{t: t, addr: addr, admin: kadm.NewClient(client)}
}

// ask bounds a request.
func (c *cluster) ask() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(c.t.Context()), 30*time.Second)
}

// source makes a source topic as an operator should: the brokers stamp append times.
func (c *cluster) source(topic string, partitions int) {
	c.t.Helper()
	ctx, cancel := c.ask()
	defer cancel()
	stamp := "LogAppendTime"
	_, err := c.admin.CreateTopic(ctx, int32(partitions), -1, map[string]*string{"message.timestamp.type": &stamp}, topic)
	require.NoError(c.t, err)
	c.forget(topic)
}

// forget deletes topics when the test ends well; after a failure they are evidence.
func (c *cluster) forget(topics ...string) {
	c.t.Cleanup(func() {
		if c.t.Failed() {
			return
		}
		ctx, cancel := c.ask()
		defer cancel()
		_, err := c.admin.DeleteTopics(ctx, topics...)
		require.NoError(c.t, err)
	})
}

// ends are the ends of a topic's partitions, open transactions and control records counted.
func (c *cluster) ends(topic string) map[int32]int64 {
	c.t.Helper()
	ctx, cancel := c.ask()
	defer cancel()
	listed, err := c.admin.ListEndOffsets(ctx, topic)
	require.NoError(c.t, err)
	return offsets(c.t, listed, topic)
}

func offsets(t *testing.T, listed kadm.ListedOffsets, topic string) map[int32]int64 {
	t.Helper()
	require.NoError(t, listed.Error())
	found := map[int32]int64{}
	for p, o := range listed[topic] {
		found[p] = o.Offset
	}
	return found
}

// pipeline is what a group reads.
type pipeline struct{ name, source string }

// committed are the offsets up to which a pipeline has committed its outputs; those it has not begun are left out.
func (c *cluster) committed(of pipeline) map[int32]int64 {
	c.t.Helper()
	ctx, cancel := c.ask()
	defer cancel()
	found := map[int32]int64{}
	group, err := c.admin.FetchOffsets(ctx, "weir."+of.name)
	if err != nil {
		return found // the coordinator of a new group is still loading
	}
	for p, o := range group[of.source] {
		if o.Err == nil && o.At >= 0 {
			found[p] = o.At
		}
	}
	return found
}

// consumed reports whether a pipeline has committed all that its source holds.
func (c *cluster) consumed(of pipeline) (bool, string) {
	c.t.Helper()
	done, ends := c.committed(of), c.ends(of.source)
	for p, end := range ends {
		if end != done[p] {
			return false, fmt.Sprintf("committed %v of %v", done, ends)
		}
	}
	return true, ""
}

// requireNothingOpen checks that no transaction is open on a topic: its last stable offsets are its ends.
func (c *cluster) requireNothingOpen(topic string) {
	c.t.Helper()
	ctx, cancel := c.ask()
	defer cancel()
	stable, err := c.admin.ListCommittedOffsets(ctx, topic)
	require.NoError(c.t, err)
	require.Equal(c.t, c.ends(topic), offsets(c.t, stable, topic), "last stable offsets and ends of %s", topic)
}

// record is an output record as kcat prints it.
type record struct {
	partition int
	offset    int64
	device    string
	headers   string // name=value, with commas between
	value     string
}

// header returns a header's value, empty where there is none.
func (r record) header(name string) string {
	for _, h := range strings.Split(r.headers, ",") {
		if value, ok := strings.CutPrefix(h, name+"="); ok {
			return value
		}
	}
	return ""
}

// read lets kcat, which shares no code with weir, read the committed records of a topic. Within a partition they are in order.
func (c *cluster) read(topic string) []record {
	c.t.Helper()
	command := exec.CommandContext(c.t.Context(), realbrokers.Kcat(c.t), "-b", c.addr, "-C", "-t", topic, "-o", "beginning", "-e", "-q",
		"-X", "isolation.level=read_committed", "-f", `%p\t%o\t%k\t%h\t%s\n`)
	var complaints bytes.Buffer
	command.Stderr = &complaints
	out, err := command.StdoutPipe()
	require.NoError(c.t, err)
	require.NoError(c.t, command.Start())
	var all []record
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 4<<20)
	for lines.Scan() {
		f := strings.SplitN(lines.Text(), "\t", 5)
		require.Len(c.t, f, 5, lines.Text())
		partition, err := strconv.Atoi(f[0])
		require.NoError(c.t, err)
		offset, err := strconv.ParseInt(f[1], 10, 64)
		require.NoError(c.t, err)
		all = append(all, record{partition: partition, offset: offset, device: f[2], headers: f[3], value: f[4]})
	}
	require.NoError(c.t, lines.Err())
	require.NoError(c.t, command.Wait(), complaints.String())
	return all
}

// uniqueName makes a name nobody else uses on a shared broker.
func uniqueName(prefix string) string {
	return prefix + "-" + strconv.FormatInt(time.Now().UnixNano(), 36)
}
