package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/engine/task"
)

const (
	// reloadEvery is how often a file is looked at. What is taken has stood still from
	// one look to the next: nobody is amid writing it.
	reloadEvery = time.Second
	// reloadPatience is how long whoever asks for a reload waits until all tasks are live.
	reloadPatience = time.Minute
)

// reload is work that is to take the place of that at hand, and what becomes of it.
type reload struct {
	work    *work
	said    string        // what weir diff says of it
	decided chan struct{} // closed when result and err are known
	result  reloadResult
	err     error
}

func (r *reload) isDecided() bool {
	select {
	case <-r.decided:
		return true
	default:
		return false
	}
}

// reloadResult is how an attempt to reload ended.
type reloadResult int

// The results of a reload.
const (
	reloadDone      reloadResult     = iota // all tasks were live
	reloadUnchanged                         // the file is the one in force
	reloadRefused                           // the file in force goes on
	reloadFailed                            // the new one did not come up, and gave way to the one before it
	reloadReplaced                          // another version took its place before it was up
	reloadStarting                          // none yet: some task is not live
	reloadResults   = reloadStarting        // so many are counted
)

func (r reloadResult) String() string {
	return [...]string{"done", "unchanged", "refused", "failed", "replaced", "starting"}[r]
}

// reloading is what an instance remembers of its file.
type reloading struct {
	path     string        // empty: it has none
	patience time.Duration // how long whoever asks for a reload waits until it is decided

	one    sync.Mutex // held by who looks at the file and hands work over
	last   *reload    // that was handed over; nil: none was
	tried  uint64     // the version that was tried last
	counts [reloadResults]atomic.Uint64
}

func (r *reloading) reloadCounts() (n [reloadResults]uint64) {
	for k := range n {
		n[k] = r.counts[k].Load()
	}
	return n
}

// follow names the file that the instance was made of.
func (i *instance) follow(path string) { i.path = path }

// wanted is the version of the file that is to be in force: that of a reload which is not decided yet, or else the one at work. The caller
// holds one.
func (i *instance) wanted() (p *configs.Pipeline, starting bool) {
	if r := i.last; r != nil && !r.isDecided() {
		return r.work.pipeline, true
	}
	return i.work().pipeline, false
}

// reload takes the file as it is now, and returns what weir diff says of that. After an error the file that was in force is so still. It
// waits for a minute at most; a reload that is starting then goes on, and is counted and logged when it is decided. Who asks for the same
// version meanwhile waits for that.
func (i *instance) reload(ctx context.Context) (said string, result reloadResult, err error) {
	r, err := i.take(ctx)
	switch {
	case errors.Is(err, errOver) || err != nil && ctx.Err() != nil:
		return "", reloadFailed, err
	case err != nil:
		i.note(reloadRefused, "", err)
		return "", reloadRefused, err
	case r == nil:
		i.note(reloadUnchanged, "", nil)
		return "nothing has changed\n", reloadUnchanged, nil
	}
	return i.await(ctx, r)
}

// take hands the work of the file as it is now over to be run; nil: it is that which runs already.
func (i *instance) take(ctx context.Context) (*reload, error) {
	i.one.Lock()
	defer i.one.Unlock()
	src, err := os.ReadFile(i.path)
	if err != nil {
		return nil, err
	}
	i.tried = fingerprint(src)
	switch wanted, starting := i.wanted(); {
	case i.tried != wanted.Fingerprint:
	case starting:
		return i.last, nil
	default:
		return nil, nil
	}
	r, err := i.propose(src)
	if err != nil {
		return nil, err
	}
	select {
	case i.reloads <- r:
		i.last = r
		return r, nil
	case <-i.over:
		return nil, errOver
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// propose makes the work of a version of the file, if a reload can bring it. The caller holds one.
func (i *instance) propose(src []byte) (*reload, error) {
	next, err := parsePipeline(i.path, src, func(d configs.Diagnostic) { i.log.Warn(d.String()) })
	if err != nil {
		return nil, err
	}
	before, starting := i.wanted()
	if needs := needRestart(before, next); len(needs) > 0 {
		return nil, fmt.Errorf("%s: restart weir for %s", i.path, strings.Join(needs, ", "))
	}
	evolution, err := task.EvolvePipelines(before, next)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", i.path, err)
	}
	var said bytes.Buffer
	if err := printEvolution(&said, evolution, false); err != nil {
		return nil, err
	}
	if starting {
		said.WriteString("this is against the version before, which was still starting: tasks that were not live with it go on from the one before that\n")
	}
	r := &reload{said: said.String(), decided: make(chan struct{})}
	if r.work, err = i.prepare(next); err != nil {
		return nil, fmt.Errorf("%s: %w", i.path, err)
	}
	return r, nil
}

// errOver is the end of a reload that the process did not live to see.
var errOver = errors.New("weir stops")

// errReplaced is the end of a reload that another one did not wait for.
var errReplaced = errors.New("another version of the file took its place before all of its tasks were live")

// await returns how a reload was decided, or after a while that it is starting.
func (i *instance) await(ctx context.Context, r *reload) (said string, result reloadResult, err error) {
	patience := time.NewTimer(i.patience)
	defer patience.Stop()
	select {
	case <-r.decided:
	case <-i.over:
		if !r.isDecided() {
			return "", reloadFailed, errOver
		}
	case <-ctx.Done():
		return "", reloadFailed, ctx.Err()
	case <-patience.C:
		i.log.Warn("reload: not every task is live with the changed file yet, it goes on starting", "file", i.path)
		return r.said, reloadStarting, nil
	}
	if r.err != nil {
		return "", r.result, r.err
	}
	return r.said, r.result, nil
}

// decide says how a reload ended to whoever waits for it, to the log and in the counts.
func (i *instance) decide(r *reload, result reloadResult, err error) {
	r.result, r.err = result, err
	i.note(result, r.said, err)
	close(r.decided)
}

// note counts a result and logs it.
func (i *instance) note(result reloadResult, said string, err error) {
	i.counts[result].Add(1)
	switch {
	case result == reloadReplaced:
		i.log.Warn("reload replaced", "file", i.path, "reason", err)
	case err != nil:
		i.log.Error("reload "+result.String(), "file", i.path, "reason", err)
	case result == reloadUnchanged:
		i.log.Info("reload: nothing has changed", "file", i.path)
	default:
		for line := range strings.Lines(said) {
			i.log.Info("reload: "+strings.TrimRight(line, "\n"), "file", i.path)
		}
	}
}

// needRestart names the settings that differ and that no reload can change.
func needRestart(old, next *configs.Pipeline) (names []string) {
	for _, s := range []struct {
		name      string
		old, next any
	}{
		{"name", old.Name, next.Name},
		{"kafka", settledKafka(old.Kafka), settledKafka(next.Kafka)},
		{"source.topic", old.Source.Topic, next.Source.Topic},
		{"source.partitioner", old.Source.Partitioner, next.Source.Partitioner},
		{"mqtt", settledMQTT(old.MQTT), settledMQTT(next.MQTT)},
		{"alerts.topic", old.Alerts.Topic, next.Alerts.Topic},
		{"alerts.mqtt", settledAlertsMQTT(old.Alerts.MQTT), settledAlertsMQTT(next.Alerts.MQTT)},
		{"alerts.alertmanager", settledAlertmanager(old.Alerts.Alertmanager), settledAlertmanager(next.Alerts.Alertmanager)},
		{"state.dir", old.State.Dir, next.State.Dir},
	} {
		if !reflect.DeepEqual(s.old, s.next) {
			names = append(names, s.name)
		}
	}
	return names
}

// fingerprint names a version of a file as configs.Pipeline.Fingerprint does.
func fingerprint(src []byte) uint64 {
	sum := sha256.Sum256(src)
	return binary.BigEndian.Uint64(sum[:])
}

// watchFile reloads whenever the file has changed and stands still, until ctx ends. A
// version that could not be taken is not tried again before there was another one.
func (i *instance) watchFile(ctx context.Context) {
	ticker := time.NewTicker(reloadEvery)
	defer ticker.Stop()
	var attempts sync.WaitGroup // a version that is slow to come up keeps nobody from mending it
	defer attempts.Wait()
	last := i.work().pipeline.Fingerprint
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		src, err := os.ReadFile(i.path)
		if err != nil {
			continue // it may be amid being replaced; whoever wants to know sends SIGHUP
		}
		version := fingerprint(src)
		settled := version == last
		last = version
		if settled && i.isNews(version) {
			attempts.Go(func() { _, _, _ = i.reload(ctx) }) // it has been logged
		}
	}
}

// isNews reports whether a version of the file is neither in force nor was tried last, and notes that it now is.
func (i *instance) isNews(version uint64) bool {
	i.one.Lock()
	defer i.one.Unlock()
	wanted, _ := i.wanted()
	news := version != wanted.Fingerprint && version != i.tried
	i.tried = version
	return news
}
