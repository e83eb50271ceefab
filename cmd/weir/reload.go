package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
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
	// reloadPatience is how long a reload is waited for until its tasks are live.
	reloadPatience = time.Minute
)

// reload is work that is to take the place of that at hand.
type reload struct {
	work *work
	done chan error // has room for one; nil: all tasks are live
}

// reloadResult is how an attempt to reload ended.
type reloadResult int

// The results of a reload.
const (
	reloadDone      reloadResult = iota
	reloadUnchanged              // the file is the one in force
	reloadRefused                // the file in force goes on
	reloadFailed                 // the new one did not come up
	reloadResults
)

func (r reloadResult) String() string {
	return [...]string{"done", "unchanged", "refused", "failed"}[r]
}

// reloading is what an instance remembers of its file.
type reloading struct {
	path   string // empty: it has none
	one    sync.Mutex
	force  [sha256.Size]byte      // of the file in force
	print  atomic.Pointer[string] // the beginning of that as metrics have it; nil: no file is followed
	counts [reloadResults]atomic.Uint64
}

func (r *reloading) reloadCounts() (n [reloadResults]uint64) {
	for k := range n {
		n[k] = r.counts[k].Load()
	}
	return n
}

// follow names the file that the instance was made of, as it was then.
func (i *instance) follow(path string, src []byte) {
	i.path = path
	i.enforce(sha256.Sum256(src))
}

// enforce notes which version of the file is in force.
func (i *instance) enforce(hash [sha256.Size]byte) {
	text := hex.EncodeToString(hash[:8])
	i.force = hash
	i.print.Store(&text)
}

// reload takes the file as it is now, and returns what weir diff says of that. After
// an error the file that was in force is so still.
func (i *instance) reload(ctx context.Context) (said string, result reloadResult, err error) {
	i.one.Lock()
	defer i.one.Unlock()
	result = reloadRefused
	defer func() {
		i.counts[result].Add(1)
		switch {
		case err != nil:
			i.log.Error("reload "+result.String(), "file", i.path, "reason", err)
		case result == reloadUnchanged:
			i.log.Info("reload: nothing has changed", "file", i.path)
		default:
			for line := range strings.Lines(said) {
				i.log.Info("reload: "+strings.TrimRight(line, "\n"), "file", i.path)
			}
		}
	}()
	src, err := os.ReadFile(i.path)
	if err != nil {
		return "", result, err
	}
	hash := sha256.Sum256(src)
	if hash == i.force {
		result = reloadUnchanged
		return "nothing has changed\n", result, nil
	}
	next, err := parsePipeline(i.path, src, func(d configs.Diagnostic) { i.log.Warn(d.String()) })
	if err != nil {
		return "", result, err
	}
	if needs := needRestart(i.work().pipeline, next); len(needs) > 0 {
		return "", result, fmt.Errorf("%s: restart weir for %s", i.path, strings.Join(needs, ", "))
	}
	evolution, err := task.EvolvePipelines(i.work().pipeline, next)
	if err != nil {
		return "", result, fmt.Errorf("%s: %w", i.path, err)
	}
	r := &reload{done: make(chan error, 1)}
	if r.work, err = i.prepare(next); err != nil {
		return "", result, fmt.Errorf("%s: %w", i.path, err)
	}
	result = reloadFailed
	if err := i.replace(ctx, r); err != nil {
		return "", result, err
	}
	i.enforce(hash)
	result = reloadDone
	var text bytes.Buffer
	if err := printEvolution(&text, evolution, false); err != nil {
		return "", result, err
	}
	return text.String(), result, nil
}

// errOver is the end of a reload that the process did not live to see.
var errOver = errors.New("weir stops")

// replace puts work in the place of that at hand, and returns when its tasks are live.
func (i *instance) replace(ctx context.Context, r *reload) error {
	select {
	case i.reloads <- r:
	case <-i.over:
		return errOver
	case <-ctx.Done():
		return ctx.Err()
	}
	patience := time.NewTimer(reloadPatience)
	defer patience.Stop()
	select {
	case err := <-r.done:
		return err
	case <-i.over:
		return errOver
	case <-ctx.Done():
		return ctx.Err()
	case <-patience.C:
		i.log.Warn("the changed file is in force, and not every task is live yet")
		return nil
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

// watchFile reloads whenever the file has changed and stands still, until ctx ends. A
// version that could not be taken is not tried again.
func (i *instance) watchFile(ctx context.Context) {
	ticker := time.NewTicker(reloadEvery)
	defer ticker.Stop()
	i.one.Lock()
	tried := i.force
	i.one.Unlock()
	last := tried
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
		hash := sha256.Sum256(src)
		settled := hash == last
		last = hash
		i.one.Lock()
		inForce := hash == i.force
		i.one.Unlock()
		switch {
		case inForce:
			tried = hash
		case settled && hash != tried:
			tried = hash
			if _, _, err := i.reload(ctx); errors.Is(err, context.Canceled) {
				return
			}
		}
	}
}
