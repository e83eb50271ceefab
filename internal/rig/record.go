package rig

import (
	"bufio"
	"bytes"
	"os/exec"
	"strconv"
	"strings"

	"github.com/weirstream/weir/internal/realbrokers"
)

// Record is an output record as kcat prints it.
type Record struct {
	Partition int
	Offset    int64
	Device    string // the key
	Headers   string // name=value, with commas between
	Value     string
}

// Header returns a header's value, empty where there is none.
func (r Record) Header(name string) string {
	for _, h := range strings.Split(r.Headers, ",") {
		if value, ok := strings.CutPrefix(h, name+"="); ok {
			return value
		}
	}
	return ""
}

// Read lets kcat, which shares no code with weir, read the committed records of a topic. Within a partition they are in order.
func (c *Cluster) Read(topic string) []Record {
	c.t.Helper()
	var all []Record
	c.kcat(topic, `%p\t%o\t%k\t%h\t%s\n`, func(line string) {
		f := strings.SplitN(line, "\t", 5)
		if len(f) != 5 {
			c.t.Fatalf("kcat printed %q", line)
		}
		partition, err := strconv.Atoi(f[0])
		check(c.t, "partition of "+line, err)
		offset, err := strconv.ParseInt(f[1], 10, 64)
		check(c.t, "offset of "+line, err)
		all = append(all, Record{Partition: partition, Offset: offset, Device: f[2], Headers: f[3], Value: f[4]})
	})
	return all
}

// Count lets kcat count the committed records of a topic.
func (c *Cluster) Count(topic string) int {
	c.t.Helper()
	n := 0
	c.kcat(topic, `%o\n`, func(string) { n++ })
	return n
}

func (c *Cluster) kcat(topic, format string, take func(line string)) {
	c.t.Helper()
	command := exec.CommandContext(c.t.Context(), realbrokers.Kcat(c.t), "-b", c.Addr, "-C", "-t", topic, "-o", "beginning", "-e", "-q",
		"-X", "isolation.level=read_committed", "-f", format)
	var complaints bytes.Buffer
	command.Stderr = &complaints
	out, err := command.StdoutPipe()
	check(c.t, "kcat", err)
	check(c.t, "kcat", command.Start())
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 4<<20)
	for lines.Scan() {
		take(lines.Text())
	}
	check(c.t, "read what kcat prints", lines.Err())
	if err := command.Wait(); err != nil {
		c.t.Fatalf("kcat: %v\n%s", err, complaints.String())
	}
}
