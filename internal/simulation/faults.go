package simulation

import (
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// atPoint is what happens to a process at a step of the protocol.
type atPoint int

const (
	dies    atPoint = iota
	freezes         // the whole process stands still for a while
	dawdles         // this task alone does
)

func (a atPoint) String() string { return [...]string{"dies", "freezes", "dawdles"}[a] }

// pointFault strikes when a failpoint is reached for the nth time in a life.
type pointFault struct {
	point string
	nth   int
	what  atPoint
	span  time.Duration
	twin  bool // while it is frozen, its successor starts under its name
}

// requestFault strikes the nth request of a key in a life; key -1 counts all.
type requestFault struct {
	key  kmsg.Key
	nth  int
	fate fate
	span time.Duration
}

// clockFault changes a process's wall clock some time into its life.
type clockFault struct {
	after time.Duration
	ahead time.Duration
	stops bool
}

// lifePlan is all that will happen to one life of a process.
type lifePlan struct {
	points   []pointFault
	requests []requestFault
	clock    []clockFault
	diskOp   int // the operation that has trouble; 0: none
	disk     diskTrouble
	stop     time.Duration // after which it is stopped cleanly; 0: never
	kill     time.Duration // after which it is killed; 0: never
	pause    time.Duration // before the next life
	keepSeat bool
	disks    diskChange // before this life
}

// diskChange is what happens to a machine between two lives of its process.
type diskChange int

const (
	diskStays diskChange = iota
	diskLost
	diskStale
	powerCut
)

func (c diskChange) String() string {
	return [...]string{"as it was", "lost", "an older copy", "torn by a power cut"}[c]
}

// table: the steps of the protocol at which an engine calls its failpoint.
var failpoints = []string{"begun", "produced", "offset_sent", "ended", "confirmed", "flushed", "marked", "sealed", "restoring", "replaying"}

// table: requests that fail in ways of their own.
var keys = []kmsg.Key{
	kmsg.Produce, kmsg.TxnOffsetCommit, kmsg.EndTxn, kmsg.InitProducerID, kmsg.OffsetFetch, kmsg.Fetch, kmsg.ListOffsets, kmsg.Metadata,
	kmsg.JoinGroup, kmsg.SyncGroup, kmsg.Heartbeat, kmsg.LeaveGroup, kmsg.FindCoordinator, kmsg.DeleteRecords, kmsg.DescribeConfigs, kmsg.CreateTopics,
	kmsg.DescribeLogDirs, kmsg.ApiVersions,
}

// drawLife draws a plan. Lives that are struck in many ways at once would end
// before they have done anything worth checking.
func drawLife(rng *rand.Rand, first bool) *lifePlan {
	p := &lifePlan{pause: time.Duration(rng.Int64N(int64(6 * time.Second))), keepSeat: rng.IntN(3) == 0}
	if rng.IntN(4) == 0 {
		p.pause = 0
	}
	if rng.IntN(5) < 3 {
		p.points = append(p.points, drawPoint(rng))
	}
	for range rng.IntN(4) {
		p.requests = append(p.requests, drawRequest(rng))
	}
	switch rng.IntN(8) {
	case 0:
		p.stop = time.Second + time.Duration(rng.Int64N(int64(30*time.Second)))
	case 1:
		p.kill = time.Second + time.Duration(rng.Int64N(int64(30*time.Second)))
	}
	if rng.IntN(10) == 0 {
		p.diskOp, p.disk = 1+rng.IntN(20), []diskTrouble{diskFails, diskLast, diskLast}[rng.IntN(3)]
	}
	if rng.IntN(4) == 0 {
		p.clock = drawClock(rng)
	}
	if !first {
		p.disks = []diskChange{diskStays, diskStays, diskStays, diskStays, diskStays, diskLost, diskStale, powerCut}[rng.IntN(8)]
	}
	return p
}

func drawPoint(rng *rand.Rand) pointFault {
	f := pointFault{point: failpoints[rng.IntN(len(failpoints))], nth: 1 + rng.IntN(1+rng.IntN(40)), what: dies}
	switch f.point {
	case "flushed", "marked", "restoring":
		f.nth = 1 + rng.IntN(3)
	case "sealed":
		f.nth = 1
	}
	switch rng.IntN(5) {
	case 0:
		f.what, f.span = freezes, 12*time.Second+time.Duration(rng.Int64N(int64(15*time.Second)))
		f.twin = rng.IntN(2) == 0
	case 1:
		f.what, f.span = freezes, time.Duration(rng.Int64N(int64(12*time.Second)))
	case 2:
		f.what, f.span = dawdles, time.Duration(rng.Int64N(int64(20*time.Second)))
	}
	return f
}

func drawRequest(rng *rand.Rand) requestFault {
	f := requestFault{key: keys[rng.IntN(len(keys))], nth: 1 + rng.IntN(1+rng.IntN(30)), fate: 1 + fate(rng.IntN(int(stallsBefore)))}
	if rng.IntN(2) == 0 {
		f.key = keys[rng.IntN(4)] // those of transactions
	}
	if rng.IntN(4) == 0 {
		f.key, f.nth = -1, 1+rng.IntN(400)
	}
	f.span = time.Duration(rng.Int64N(int64(5 * time.Second)))
	if rng.IntN(3) == 0 {
		f.span = time.Duration(rng.Int64N(int64(25 * time.Second)))
	}
	return f
}

func drawClock(rng *rand.Rand) []clockFault {
	jumps := []clockFault{{ahead: 24 * time.Hour}, {ahead: -time.Hour}, {ahead: 30 * time.Second}, {ahead: -30 * time.Second}, {stops: true}, {}}
	var all []clockFault
	for range 1 + rng.IntN(3) {
		f := jumps[rng.IntN(len(jumps))]
		f.after = time.Duration(rng.Int64N(int64(30 * time.Second)))
		all = append(all, f)
	}
	if rng.IntN(2) == 0 {
		all[0].after = 0
	}
	return all
}

// wallClock is a process's clock, which may be wrong.
type wallClock struct {
	mu    sync.Mutex
	ahead time.Duration
	fixed time.Time // not zero: it stands still
}

func (c *wallClock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.fixed.IsZero() {
		return c.fixed
	}
	return time.Now().Add(c.ahead)
}

func (c *wallClock) set(f clockFault) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now().Add(c.ahead)
	c.ahead, c.fixed = f.ahead, time.Time{}
	if f.stops {
		c.fixed = now
	}
}

// brokerFault is an error code that the broker answers with for a while.
type brokerFault struct {
	at    time.Duration
	until time.Duration
	fault kfake.Fault
}

// answers are the codes a broker may answer a request with while all is well
// with the data. Codes that say a topic or an offset is gone are not among them:
// an engine must refuse then.
func answers(key kmsg.Key) []*kerr.Error {
	switch key {
	case kmsg.Produce:
		return []*kerr.Error{kerr.NotLeaderForPartition, kerr.NotEnoughReplicas, kerr.NotEnoughReplicasAfterAppend, kerr.RequestTimedOut,
			kerr.InvalidRecord, kerr.UnknownServerError, kerr.InvalidProducerEpoch, kerr.KafkaStorageError}
	case kmsg.TxnOffsetCommit:
		return []*kerr.Error{kerr.IllegalGeneration, kerr.UnknownMemberID, kerr.NotCoordinator, kerr.CoordinatorLoadInProgress, kerr.RequestTimedOut,
			kerr.TransactionAbortable, kerr.RebalanceInProgress, kerr.UnknownServerError, kerr.InvalidProducerEpoch}
	case kmsg.EndTxn:
		return []*kerr.Error{kerr.RequestTimedOut, kerr.ConcurrentTransactions, kerr.NotCoordinator, kerr.CoordinatorLoadInProgress,
			kerr.CoordinatorNotAvailable, kerr.UnknownServerError, kerr.ProducerFenced, kerr.InvalidProducerEpoch, kerr.InvalidTxnState}
	case kmsg.InitProducerID:
		return []*kerr.Error{kerr.ConcurrentTransactions, kerr.NotCoordinator, kerr.CoordinatorLoadInProgress, kerr.UnknownServerError, kerr.ProducerFenced, kerr.RequestTimedOut}
	case kmsg.OffsetFetch:
		return []*kerr.Error{kerr.UnstableOffsetCommit, kerr.NotCoordinator, kerr.CoordinatorLoadInProgress, kerr.CoordinatorNotAvailable, kerr.UnknownServerError}
	case kmsg.Fetch:
		return []*kerr.Error{kerr.NotLeaderForPartition, kerr.UnknownServerError, kerr.KafkaStorageError, kerr.CorruptMessage}
	case kmsg.ListOffsets:
		return []*kerr.Error{kerr.NotLeaderForPartition, kerr.LeaderNotAvailable, kerr.UnknownServerError, kerr.RequestTimedOut}
	case kmsg.FindCoordinator:
		return []*kerr.Error{kerr.CoordinatorNotAvailable, kerr.UnknownServerError}
	case kmsg.JoinGroup, kmsg.SyncGroup, kmsg.Heartbeat:
		return []*kerr.Error{kerr.RebalanceInProgress, kerr.UnknownMemberID, kerr.IllegalGeneration, kerr.NotCoordinator, kerr.CoordinatorNotAvailable, kerr.CoordinatorLoadInProgress}
	case kmsg.LeaveGroup:
		return []*kerr.Error{kerr.NotCoordinator, kerr.UnknownServerError}
	case kmsg.DeleteRecords:
		return []*kerr.Error{kerr.RequestTimedOut, kerr.NotLeaderForPartition, kerr.UnknownServerError}
	case kmsg.CreateTopics:
		return []*kerr.Error{kerr.RequestTimedOut, kerr.NotController}
	case kmsg.DescribeLogDirs:
		return []*kerr.Error{kerr.UnknownServerError, kerr.KafkaStorageError, kerr.ClusterAuthorizationFailed}
	case kmsg.ApiVersions:
		return []*kerr.Error{kerr.UnknownServerError, kerr.RequestTimedOut}
	case kmsg.DescribeConfigs:
		return []*kerr.Error{kerr.UnknownServerError, kerr.RequestTimedOut}
	default:
		return []*kerr.Error{kerr.LeaderNotAvailable}
	}
}

// drawBroker draws the codes of a world.
func drawBroker(rng *rand.Rand, span time.Duration, topics []string) []brokerFault {
	var all []brokerFault
	for range rng.IntN(8) {
		key := keys[rng.IntN(len(keys))]
		codes := answers(key)
		f := brokerFault{at: time.Duration(rng.Int64N(int64(span)))}
		f.until = f.at + time.Duration(rng.Int64N(int64(8*time.Second)))
		f.fault = kfake.Fault{Keys: []kmsg.Key{key}, Err: codes[rng.IntN(len(codes))], Count: 1 + rng.IntN(4)}
		if rng.IntN(4) == 0 {
			f.fault.Count = -1 // all, while it lasts
		}
		switch key {
		case kmsg.Produce:
			f.fault.Topic = topics[rng.IntN(len(topics))]
		case kmsg.EndTxn, kmsg.InitProducerID, kmsg.FindCoordinator, kmsg.ApiVersions:
			f.fault.When = ofEngine
		}
		all = append(all, f)
	}
	return all
}

// ofEngine spares the source's own producers.
func ofEngine(req kmsg.Request) bool {
	switch r := req.(type) {
	case *kmsg.ApiVersionsRequest:
		return r.ClientSoftwareName != worldClient
	case *kmsg.EndTxnRequest:
		return r.TransactionalID != upstreamTxn
	case *kmsg.InitProducerIDRequest:
		return r.TransactionalID != nil && *r.TransactionalID != upstreamTxn
	case *kmsg.FindCoordinatorRequest:
		return r.CoordinatorKey != upstreamTxn && !slices.Contains(r.CoordinatorKeys, upstreamTxn)
	}
	return true
}
