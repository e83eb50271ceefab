package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// seat is what a commit has to show to prove that its sender still owns the
// partition: the member and the newest generation through which the partition
// was retained. The generation at assignment would fail after any later
// cooperative rebalance.
type seat struct {
	member, instance string
	generation       int32
}

// membership is this process's place in the consumer group. Its client never
// fetches: it only learns which partitions the process owns.
type membership struct {
	group, topic, instance string
	client                 *kgo.Client
	log                    *slog.Logger

	// assigned and dropped start and stop runners. dropped returns when the
	// partitions may go to somebody else.
	assigned func(partitions []int32)
	dropped  func(partitions []int32, how leave)
	// spoke is called at every assignment, also of nothing; expelled when this process is
	// no member any more.
	spoke, expelled func()

	counts *groupCounts
	url    string // what the others hear of this process

	mu      sync.Mutex
	seats   map[int32]seat
	changed chan struct{} // closed at every change of seats
	fatal   chan error
}

// leave says how a partition is given up.
type leave int

const (
	handOver leave = iota // the next owner waits: finish, checkpoint, seal
	lost                  // somebody else may own it already: drop
)

func newMembership(group, topic, instance string, log *slog.Logger) *membership {
	return &membership{
		group: group, topic: topic, instance: instance, log: log,
		counts: &groupCounts{}, seats: map[int32]seat{}, changed: make(chan struct{}), fatal: make(chan error, 1),
	}
}

// join enters the group. Assignments arrive by the callbacks from then on.
func (m *membership) join(opts []kgo.Opt) error {
	opts = append(append([]kgo.Opt{}, opts...),
		kgo.ConsumerGroup(m.group), kgo.ConsumeTopics(m.topic), kgo.InstanceID(m.instance),
		kgo.Balancers(advertising{kgo.CooperativeStickyBalancer(), m.url}), kgo.DisableAutoCommit(),
		kgo.SessionTimeout(sessionTimeout), kgo.HeartbeatInterval(heartbeatInterval), kgo.MetadataMaxAge(metadataMaxAge),
		kgo.OnPartitionsAssigned(m.onAssigned), kgo.OnPartitionsRevoked(m.onRevoked), kgo.OnPartitionsLost(m.onLost),
		kgo.WithHooks(groupErrors{m}),
	)
	client, err := kgo.NewClient(opts...)
	if err != nil {
		return fmt.Errorf("join group %q: %w", m.group, err)
	}
	client.PauseFetchTopics(m.topic)
	m.client = client
	return nil
}

func (m *membership) onAssigned(_ context.Context, client *kgo.Client, added map[string][]int32) {
	member, generation := client.GroupMetadata()
	now := seat{member: member, instance: m.instance, generation: generation}
	m.counts.rebalances.Add(1)
	m.mu.Lock()
	for p := range m.seats {
		m.seats[p] = now // retained through this generation
	}
	for _, p := range added[m.topic] {
		m.seats[p] = now
	}
	m.change()
	m.mu.Unlock()
	m.spoke()
	if len(added[m.topic]) > 0 {
		m.log.Info("partitions assigned", "partitions", added[m.topic], "generation", generation)
		m.assigned(added[m.topic])
	}
}

// onRevoked hands partitions over. The cooperative protocol gives them to nobody
// before this member has joined again, so its last commit may and must show the
// generation that took them away.
func (m *membership) onRevoked(_ context.Context, client *kgo.Client, gone map[string][]int32) {
	member, generation := client.GroupMetadata()
	m.mu.Lock()
	for _, p := range gone[m.topic] {
		if _, ok := m.seats[p]; ok {
			m.seats[p] = seat{member: member, instance: m.instance, generation: generation}
		}
	}
	m.change()
	m.mu.Unlock()
	m.leave(gone[m.topic], handOver)
}

func (m *membership) onLost(_ context.Context, _ *kgo.Client, gone map[string][]int32) {
	m.expelled()
	m.leave(gone[m.topic], lost)
}

// leave ends runners. On a hand-over they may still commit, so their seats stand
// until they have ended.
func (m *membership) leave(partitions []int32, how leave) {
	if len(partitions) == 0 {
		return
	}
	m.log.Info("partitions leave", "partitions", partitions, "lost", how == lost)
	if how == lost {
		m.counts.lost.Add(int64(len(partitions)))
		m.vacate(partitions)
	}
	m.dropped(partitions, how)
	m.vacate(partitions)
}

func (m *membership) vacate(partitions []int32) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, p := range partitions {
		delete(m.seats, p)
	}
	m.change()
}

// change tells all waiters; the caller holds mu.
func (m *membership) change() {
	close(m.changed)
	m.changed = make(chan struct{})
}

// seat returns the proof of ownership for a partition, and a channel that is
// closed when any seat changes.
func (m *membership) seat(p int32) (seat, bool, <-chan struct{}) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, ok := m.seats[p]
	return s, ok, m.changed
}

// leaveGroup gives the seat up at once. Closing a static member does not: its
// partitions would wait for the session timeout.
func (m *membership) leaveGroup(ctx context.Context) error {
	adm := kadm.NewClient(m.client)
	responses, err := adm.LeaveGroup(ctx, kadm.LeaveGroup(m.group).Reason("stopped").InstanceIDs(m.instance))
	if err != nil {
		return fmt.Errorf("leave group %q: %w", m.group, err)
	}
	if err := responses.Error(); err != nil && !errors.Is(err, kerr.UnknownMemberID) {
		return fmt.Errorf("leave group %q: %w", m.group, err)
	}
	return nil
}

// groupErrors notices when another process took this one's seat.
type groupErrors struct{ m *membership }

// OnGroupManageError implements kgo.HookGroupManageError.
func (g groupErrors) OnGroupManageError(err error) {
	g.m.log.Warn("group", "error", right{"Read", "group", g.m.group}.need(err))
	g.m.expelled()
	if errors.Is(err, kerr.FencedInstanceID) {
		g.m.fail(refuse("another process has the identity %q in group %q: two processes must not share a state directory or a copy of it", g.m.instance, g.m.group))
	}
}

func (m *membership) fail(err error) {
	select {
	case m.fatal <- err:
	default:
	}
}
