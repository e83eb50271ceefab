package engine

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"sort"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Where a partition lives is known to the group alone, so a process tells the group at which URL it can be asked: in what it says
// when it joins. Whoever wants to know asks the coordinator for a description of the group. Nothing else is written or kept.

const (
	// placesAge is how long a description of the group is good for.
	placesAge = 3 * time.Second
	// placesPatience is how long the coordinator may take to describe the group.
	placesPatience = 5 * time.Second
)

// Place is where a partition lives.
type Place struct {
	Partition int32
	Instance  string // the process's static name in the group
	Host      string // as the brokers see it
	URL       string // of its API; empty where it has said none
}

// Advertise has the engine say at which URL this process answers questions; call it before Run. An empty one says nothing.
func (e *Engine) Advertise(url string) { e.advertised = url }

// advertising is a balancer that says a URL with what it says of itself.
//
// The URL stands behind the user data of the member's metadata. There the sticky balancer has its own: the last assignment, which
// nobody reads for a member that says what it owns and in which generation, as all of the cooperative protocol do; and whoever reads
// it stops at its end (Kafka's own assignor) or takes it for no history (kgo, older versions of weir), which a member that joins anew
// has not got anyway.
type advertising struct {
	kgo.GroupBalancer
	url string
}

// urlMark ends user data that a URL stands in, behind its length.
const urlMark = "weir-url"

// JoinGroupMetadata implements kgo.GroupBalancer.
func (a advertising) JoinGroupMetadata(topics []string, current map[string][]int32, generation int32) []byte {
	said := a.GroupBalancer.JoinGroupMetadata(topics, current, generation)
	var meta kmsg.ConsumerMemberMetadata
	if a.url == "" || meta.ReadFrom(said) != nil {
		return said
	}
	meta.UserData = append(meta.UserData, a.url...)
	meta.UserData = binary.BigEndian.AppendUint16(meta.UserData, uint16(len(a.url)))
	meta.UserData = append(meta.UserData, urlMark...)
	return meta.AppendTo(nil)
}

// urlIn is the URL in the user data of a member; empty: there is none.
func urlIn(userData []byte) string {
	rest, ok := bytes.CutSuffix(userData, []byte(urlMark))
	if !ok || len(rest) < 2 {
		return ""
	}
	n := int(binary.BigEndian.Uint16(rest[len(rest)-2:]))
	if rest = rest[:len(rest)-2]; n > len(rest) {
		return ""
	}
	return string(rest[len(rest)-n:])
}

// directory knows where partitions live.
type directory struct {
	admin                  *kadm.Client
	group, topic, instance string
	partitions             int32

	asking chan struct{} // holds one while the group is asked; guards what follows
	known  assignment
	asked  time.Time
}

// assignment is what the group has assigned.
type assignment struct {
	places  map[int32]Place // not to be written
	settled bool            // the group is not about to assign anew
}

func (e *Engine) newDirectory() *directory {
	p := e.o.Plan.Pipeline
	return &directory{
		admin: e.admin, group: p.Group, topic: p.Source.Topic, instance: e.o.Instance, partitions: e.topics.partitions, asking: make(chan struct{}, 1),
	}
}

// places are where the partitions live that the group has assigned, by what it has said within placesAge.
func (d *directory) places(ctx context.Context) (assignment, error) {
	select {
	case d.asking <- struct{}{}:
	case <-ctx.Done():
		return assignment{}, ctx.Err()
	}
	defer func() { <-d.asking }()
	if d.known.settled && time.Since(d.asked) < placesAge {
		return d.known, nil
	}
	ctx, cancel := context.WithTimeout(ctx, placesPatience)
	defer cancel()
	described, err := d.admin.DescribeGroups(ctx, d.group)
	if err != nil {
		return assignment{}, fmt.Errorf("describe group %q: %w", d.group, err)
	}
	group := described[d.group]
	if group.Err != nil {
		return assignment{}, fmt.Errorf("describe group %q: %w", d.group, group.Err)
	}
	found := assignment{places: map[int32]Place{}, settled: group.State == "Stable"}
	for i := range group.Members {
		d.add(found.places, &group.Members[i])
	}
	d.known, d.asked = found, time.Now() // one that is not settled is asked for again
	return found, nil
}

// add adds the partitions of a member.
func (d *directory) add(found map[int32]Place, m *kadm.DescribedGroupMember) {
	assigned, ok := m.Assigned.AsConsumer()
	if !ok {
		return
	}
	at := Place{Host: hostOf(m.ClientHost)}
	if m.InstanceID != nil {
		at.Instance = *m.InstanceID
	}
	if said, ok := m.Join.AsConsumer(); ok {
		at.URL = urlIn(said.UserData)
	}
	for _, t := range assigned.Topics {
		for _, p := range t.Partitions {
			if at.Partition = p; t.Topic == d.topic {
				found[p] = at
			}
		}
	}
}

// hostOf is the host of a client as brokers have it: /10.0.0.7, or with a port.
func hostOf(client string) string {
	client = strings.TrimPrefix(client, "/")
	if host, _, err := net.SplitHostPort(client); err == nil {
		return host
	}
	return client
}

// elsewhere is why a partition that has no task here cannot be asked.
func (d *directory) elsewhere(ctx context.Context, p int32) error {
	all, err := d.places(ctx)
	if err != nil {
		return err
	}
	at, ok := all.places[p]
	if !ok || at.Instance == d.instance {
		return fmt.Errorf("partition %d is being assigned: %w", p, ErrNotReady)
	}
	return &ElsewhereError{at}
}

// Elsewhere is where the partitions live that other processes of the pipeline own, in order, as the group has said within 3 s.
// With ErrNotReady come those that are known while the group assigns partitions anew.
func (e *Engine) Elsewhere(ctx context.Context) ([]Place, error) {
	d := e.directory.Load()
	if d == nil {
		return nil, fmt.Errorf("the pipeline has not begun: %w", ErrNotReady)
	}
	all, err := d.places(ctx)
	if err != nil {
		return nil, err
	}
	var list []Place
	for _, at := range all.places { // unordered: sorted below
		if at.Instance != d.instance {
			list = append(list, at)
		}
	}
	sort.Slice(list, func(i, j int) bool { return list[i].Partition < list[j].Partition })
	if !all.settled {
		return list, fmt.Errorf("group %q is assigning partitions: %w", d.group, ErrNotReady)
	}
	return list, nil
}
