package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"pgregory.net/rapid"

	"github.com/weirstream/weir/engine/task"
	"github.com/weirstream/weir/statestore"
)

func TestDeviceOfARunningEngine(t *testing.T) {
	b := newBench(t, benchOptions{partitions: 2, pipeline: patient})
	o := b.options(newMemoryStore())
	o.PartitionOf = func(device []byte, n int) int { return int(device[len(device)-1]-'0') % n }
	ctx := context.Background()
	e, err := New(o)
	require.NoError(t, err)
	_, err = e.Device(ctx, "d0")
	require.ErrorIs(t, err, ErrNotReady, "it does not run yet")

	run := b.start(o)
	run.settled(0, 0)
	run.settled(1, 0)
	now := time.Now().UnixMilli()
	b.produce(0, reading{"d0", now, 20, 1}.String(), reading{"d2", now, 90, 1}.String())
	b.produce(1, reading{"d1", now, 21, 1}.String())
	run.settled(0, 2)
	run.settled(1, 1)
	a, err := run.engine.Device(ctx, "d2")
	require.NoError(t, err)
	require.Equal(t, int32(0), a.Partition)
	require.Equal(t, int64(2), a.Offset)
	require.Equal(t, "firing", a.Rules[0].State)
	_, err = run.engine.Device(ctx, "d3")
	require.ErrorIs(t, err, ErrNoDevice)

	names, err := run.engine.Devices(ctx, NamesQuestion{Prefix: "d", Limit: 2})
	require.NoError(t, err)
	require.Equal(t, Names{Names: []string{"d0", "d1"}, More: true}, names)
	names, err = run.engine.Devices(ctx, NamesQuestion{Limit: 3})
	require.NoError(t, err)
	require.Equal(t, Names{Names: []string{"d0", "d1", "d2"}}, names)
	places, err := run.engine.Elsewhere(ctx)
	require.NoError(t, err)
	require.Empty(t, places)

	// A task that is busy makes nobody wait for longer than he will.
	entered, leave := make(chan struct{}), make(chan struct{})
	answered := make(chan error, 1)
	go func() { answered <- run.engine.ask(ctx, 0, func(*runner) { close(entered); <-leave }) }()
	<-entered
	short, cancel := context.WithTimeout(ctx, 10*time.Millisecond)
	defer cancel()
	_, err = run.engine.Device(short, "d0")
	require.ErrorIs(t, err, context.DeadlineExceeded)
	close(leave)
	require.NoError(t, <-answered)

	// A page that cannot be read ends the look, and not the task.
	err = run.engine.ask(ctx, 0, func(*runner) { panic(&statestore.PageError{Err: errors.New("bad sector")}) })
	require.ErrorContains(t, err, "bad sector")
	// Nor does a fault of the look.
	err = run.engine.ask(ctx, 0, func(*runner) { panic("index out of range") })
	require.ErrorContains(t, err, "look at the task of partition 0: index out of range")
	_, err = run.engine.Device(ctx, "d0")
	require.NoError(t, err)

	require.NoError(t, run.wait())
	_, err = run.engine.Device(ctx, "d0")
	require.ErrorIs(t, err, ErrNotReady)
}

func TestGroupsOfARunningEngine(t *testing.T) {
	w := newWorks(t, groupsPipeline, 1)
	devices, groups := w.deviceOptions(newMemoryStore()), w.groupOptions(newMemoryStore())
	first := w.start(devices)
	second := w.start(groups)
	all := convoy(1, 400)
	w.produce(0, linesOf(all[0])...)
	first.settled(0, 400)
	ctx := context.Background()
	eventually(t, "groups", func() bool {
		n, err := second.engine.Groups(ctx, GroupsQuestion{NamesQuestion: NamesQuestion{Limit: 10}})
		return err == nil && len(n.Groups) == 3
	})
	n, err := second.engine.Groups(ctx, GroupsQuestion{NamesQuestion: NamesQuestion{Limit: 1, Prefix: "H"}, By: "labels.site"})
	require.NoError(t, err)
	require.Equal(t, GroupNames{Groups: []task.GroupName{{By: "labels.site", Group: "Hamburg"}}}, n)
	g, err := second.engine.Group(ctx, GroupQuestion{GroupName: n.Groups[0], PartitionOf: devices.GroupPartition})
	require.NoError(t, err)
	require.Equal(t, "Hamburg", g.Group)
	_, err = second.engine.Group(ctx, GroupQuestion{GroupName: task.GroupName{By: "labels.site", Group: "Rome"}, PartitionOf: devices.GroupPartition})
	require.ErrorIs(t, err, ErrNoDevice)
}

// What a member says of itself is what the balancer says of it, and the URL; and a URL that is not there is not found.
func TestAdvertisedURLs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		url := rapid.String().Filter(func(s string) bool { return len(s) < 1000 }).Draw(t, "url")
		owned := map[string][]int32{"readings": rapid.SliceOf(rapid.Int32Range(0, 100)).Draw(t, "owned")}
		generation := rapid.Int32Range(-1, 100).Draw(t, "generation")
		balancer := kgo.CooperativeStickyBalancer()
		plain := balancer.JoinGroupMetadata([]string{"readings"}, owned, generation)
		said := advertising{balancer, url}.JoinGroupMetadata([]string{"readings"}, owned, generation)
		var bare, with kmsg.ConsumerMemberMetadata
		require.NoError(t, bare.ReadFrom(plain))
		require.NoError(t, with.ReadFrom(said))
		require.Equal(t, url, urlIn(with.UserData))
		require.Empty(t, urlIn(bare.UserData))
		require.True(t, bytes.HasPrefix(with.UserData, bare.UserData))
		with.UserData = bare.UserData
		require.Equal(t, bare, with)
		urlIn(rapid.SliceOf(rapid.Byte()).Draw(t, "anything"))
		urlIn(append(rapid.SliceOf(rapid.Byte()).Draw(t, "something"), urlMark...))
	})
	require.Equal(t, "10.0.0.7", hostOf("/10.0.0.7"))
	require.Equal(t, "10.0.0.7", hostOf("10.0.0.7:5123"))
	require.Equal(t, "::1", hostOf("[::1]:99"))
}

// Members that say URLs are balanced like those that say none, also beside such ones.
func TestAdvertisingBalances(t *testing.T) {
	for _, urls := range [][]string{{"", ""}, {"http://a", ""}, {"http://a", "http://b"}} {
		var members []kmsg.JoinGroupResponseMember
		owned := []map[string][]int32{{"readings": {0, 1, 2, 3}}, nil}
		generation := []int32{4, -1}
		for i, url := range urls {
			m := kmsg.NewJoinGroupResponseMember()
			m.MemberID = fmt.Sprint("member-", i)
			m.ProtocolMetadata = advertising{kgo.CooperativeStickyBalancer(), url}.JoinGroupMetadata([]string{"readings"}, owned[i], generation[i])
			members = append(members, m)
		}
		b, topics, err := kgo.CooperativeStickyBalancer().MemberBalancer(members) // of an older version
		require.NoError(t, err)
		require.Contains(t, topics, "readings")
		plan, err := b.(kgo.GroupMemberBalancerOrError).BalanceOrError(map[string]int32{"readings": 4})
		require.NoError(t, err)
		for _, g := range plan.IntoSyncAssignment() {
			assigned, err := kgo.ParseConsumerSyncAssignment(g.MemberAssignment)
			require.NoError(t, err)
			want := map[string]int{"member-0": 2, "member-1": 0}[g.MemberID] // the two that move are free in the next round
			require.Len(t, assigned["readings"], want, "%v %s", urls, g.MemberID)
		}
	}
}

func TestLeastNames(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := rapid.SliceOfDistinct(rapid.StringMatching(`[a-c]{0,4}`), rapid.ID[string]).Draw(t, "names")
		limit := rapid.IntRange(1, 8).Draw(t, "limit")
		least := leastNames{}
		for _, name := range all {
			least.add([]byte(name), limit+1)
		}
		got := least.names(limit)
		slices.Sort(all)
		require.Equal(t, append([]string{}, all[:min(limit, len(all))]...), got.Names)
		require.Equal(t, len(all) > limit, got.More)
	})
}

// BenchmarkLook is how long a look at the names of a state of a million devices holds its task up.
func BenchmarkLook(b *testing.B) {
	table, err := statestore.NewTable(statestore.Layout{Columns: []statestore.Column{{Name: "head", Cells: 1, Words: 6}}}, statestore.Options{})
	require.NoError(b, err)
	for i := range 1_000_000 {
		table.Add(fmt.Appendf(nil, "device-%07d", i*618_041%1_000_000))
	}
	page := make([][]byte, 0, namesPerLook)
	at := statestore.Slot(0)
	b.ResetTimer()
	for range b.N {
		page = page[:0]
		if at+namesPerLook > table.Bound() {
			at = 0
		}
		for until := at + namesPerLook; at < until; at++ {
			if table.Live(at) {
				page = append(page, table.Name(at))
			}
		}
	}
}

// Before a process has heard of its group it does not say that nobody else is in it.
func TestElsewhereBeforeTheGroupIsKnown(t *testing.T) {
	_, err := (&Engine{}).Elsewhere(context.Background())
	require.ErrorIs(t, err, ErrNotReady)
}
