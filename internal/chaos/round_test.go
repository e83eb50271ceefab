//go:build real

package chaos

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/internal/realbrokers"
	"github.com/weirstream/weir/internal/rig"
)

// round is one execution of a fault.
type round struct {
	t      *testing.T
	fault  Fault
	binary string // built with the tag chaos
	rng    *rand.Rand
	seed   uint64

	kafka     *rig.Cluster
	pipe      pipeline
	processes []*rig.Process
	load      *load
	operator  *operator
	refusal   string  // what a process refused with
	verdict   verdict // of the oracle
	seen      happened
	result    string // what the check of the end said
}

// prepare makes the topics on the cluster that all rounds share.
func (r *round) prepare(s setting) {
	r.t.Helper()
	r.prepareOn(realbrokers.Kafka(r.t), s)
}

// prepareOn makes the topics on a cluster of the fault's own.
func (r *round) prepareOn(addr string, s setting) {
	r.t.Helper()
	r.kafka = rig.OpenCluster(r.t, addr)
	s.untold = s.untold || r.losesJournal()
	r.pipe = newPipeline(r.fault.Name, s)
	r.openRosters()
	settings := map[string]string{"message.timestamp.type": "LogAppendTime"}
	for name, value := range s.topics {
		settings[name] = value
	}
	r.operator = &operator{pipe: r.pipe, rng: rand.New(rand.NewPCG(r.seed, 3))}
	r.kafka.Topic(r.pipe.Source, r.pipe.partitions, settings)
	r.kafka.Forget(r.pipe.written()...)
}

// process makes a weir process with a state directory of its own; it is not started.
func (r *round) process() *rig.Process {
	r.t.Helper()
	return r.processAt(r.kafka.Addr, "")
}

// processAt makes a weir process that reaches the brokers at an address, such as that of a proxy, and has a state directory; empty:
// one of its own.
func (r *round) processAt(addr, state string) *rig.Process {
	r.t.Helper()
	w := rig.NewProcess(r.t, rig.Program{Binary: r.binary, Pipeline: r.pipe.Name, File: r.pipe.file(addr), State: state})
	r.processes = append(r.processes, w)
	r.operator.meet(w)
	return w
}

// start makes and starts a process and waits until it owns all partitions.
func (r *round) start() *rig.Process {
	r.t.Helper()
	w := r.process()
	w.Start()
	r.live()
	return w
}

// live waits until every partition has a live task in one of the processes.
func (r *round) live() {
	r.t.Helper()
	rig.Await(r.t, "all tasks live", time.Minute, func() (bool, string) {
		live, groups, bridged := 0, 0, r.pipe.mqtt == ""
		for _, w := range r.processes {
			if w.Runs() && !w.Frozen() {
				m := w.Metrics()
				live += rig.Live(m)
				groups += rig.LiveGroups(m)
				bridged = bridged || m["weir_mqtt_connected"] == 1
			}
		}
		return live == r.pipe.partitions && groups == live && bridged, fmt.Sprintf("%d tasks are live, %d of groups", live, groups)
	})
}

// flow waits until so many more source records are committed. Then there is a new roster.
func (r *round) flow(records int64) {
	r.t.Helper()
	before := rig.Total(r.kafka.Committed(r.pipe.Pipeline))
	rig.Await(r.t, fmt.Sprintf("%d more records", records), time.Minute, func() (bool, string) {
		done := rig.Total(r.kafka.Committed(r.pipe.Pipeline))
		return done >= before+records, fmt.Sprintf("%d are", done-before)
	})
	r.newRoster()
}

// pass lets time pass while readings flow: it is the moment of a fault or its length, and nothing is waited for.
func (r *round) pass(d time.Duration) {
	r.t.Helper()
	select {
	case <-time.After(d):
	case <-r.t.Context().Done():
		r.t.FailNow()
	}
}

// between is a duration by the seed, in [low, high).
func (r *round) between(low, high time.Duration) time.Duration {
	return low + time.Duration(r.rng.Int64N(int64(high-low)))
}

// caughtUp ends the load and waits until all of it is committed.
func (r *round) caughtUp() {
	r.t.Helper()
	r.operator.leave()
	total := r.load.end()
	require.Positive(r.t, total.Sent)
	rig.Await(r.t, "all committed", time.Minute, func() (bool, string) {
		for _, w := range r.processes {
			if w.Runs() {
				w.Alive()
			}
		}
		done, missing := r.kafka.Consumed(r.pipe.Pipeline)
		return done, missing
	})
}

// stop ends all processes with SIGTERM, one after the other.
func (r *round) stop() {
	r.t.Helper()
	var last *rig.Process
	for _, w := range r.processes {
		if w.Runs() {
			w.Stop()
			last = w
		}
	}
	r.foldRest(last)
}

// verified ends a round that all outputs have to survive: it waits until everything is committed, stops and checks.
func (r *round) verified() {
	r.t.Helper()
	require.Equal(r.t, r.fault.Refused != "", r.refusal != "", "the table says %s", r.fault.Expected())
	r.caughtUp()
	// Silence speaks after the load: idle_after, and the look at the clock after that.
	r.pass(idleMillis*time.Millisecond + 500*time.Millisecond)
	r.stop()
	r.check()
}

// nothingOpen checks that no transaction is open where weir writes. One of a process that was killed ends by its timeout at the latest.
func (r *round) nothingOpen() {
	r.t.Helper()
	rig.Await(r.t, "no transaction open", 40*time.Second, func() (bool, string) {
		for _, topic := range r.pipe.written() {
			if stable, ends := rig.Total(r.kafka.Stable(topic)), rig.Total(r.kafka.Ends(topic)); stable != ends {
				return false, fmt.Sprintf("%s is stable up to %d of %d", topic, stable, ends)
			}
		}
		return true, ""
	})
}

// refuses waits until a process ends by itself, with exit code 1 and the message of the table.
func (r *round) refuses(w *rig.Process) {
	r.t.Helper()
	require.NotEmpty(r.t, r.fault.Refused, "the table says that this is verified")
	code := w.AwaitEnd("it has to refuse", time.Minute)
	require.Equal(r.t, 1, code, "exit code\n%s", w.LogTail())
	require.True(r.t, r.fault.Says(w.LastLine()), "it says %q, and has to say %q", w.LastLine(), r.fault.Refused)
	r.refusal = w.LastLine()
}

// refused ends a round that weir has to refuse for good. What it has committed stays whole: no transaction is left open.
func (r *round) refused(w *rig.Process) {
	r.t.Helper()
	require.False(r.t, r.fault.Recovers, "the table says that all is verified in the end")
	r.refuses(w)
	for _, other := range r.processes {
		if other.Runs() {
			other.Kill()
		}
	}
	r.operator.leave()
	if r.load != nil {
		r.load.end()
	}
	r.nothingOpen()
	r.result = "refused, " + r.refusal
}
