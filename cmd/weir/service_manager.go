package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"github.com/weirstream/weir/engine"
)

const (
	startLook  = 100 * time.Millisecond // between two looks whether all is live
	statusPace = 5 * time.Second        // between two lines of status
	// startExtension is what a start with tasks that recover is given anew at every line of status: brokers have answered, and a
	// state takes the time it takes.
	startExtension = time.Minute
)

// serviceManager tells systemd how the process is (sd_notify(3)): ready once every
// pipeline is, what it does, that its tasks move, that it reloads, that it stops. nil
// tells nobody.
type serviceManager struct {
	instances []*instance
	log       *slog.Logger
	watchdog  time.Duration // 0: nobody waits for signs of life

	mu    sync.Mutex
	ready bool // it has been said
}

// newServiceManager returns nil where the process was not started by one.
func newServiceManager(instances []*instance, log *slog.Logger) *serviceManager {
	if os.Getenv("NOTIFY_SOCKET") == "" {
		return nil
	}
	watchdog, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		log.Warn("watchdog of the service manager", "error", err)
	}
	return &serviceManager{instances: instances, log: log, watchdog: watchdog}
}

// run tells until ctx ends, and then that the process stops.
func (m *serviceManager) run(ctx context.Context) {
	if m == nil {
		return
	}
	every := statusPace
	if m.watchdog > 0 {
		every = min(every, m.watchdog/4)
	}
	look := time.NewTicker(startLook)
	defer look.Stop()
	next := time.Now().Add(every)
	for {
		now := time.Now()
		if m.becomesReady() {
			look.Reset(every)
		}
		if !now.Before(next) {
			next = now.Add(every - startLook) // a tick that is early by a hair is not to wait for the next one
			m.tell(m.signs()...)
		}
		select {
		case <-ctx.Done():
			m.tell(daemon.SdNotifyStopping, "STATUS=finishing, sealing and leaving the group")
			return
		case <-look.C:
		}
	}
}

// becomesReady says that the process is ready when it has become so.
func (m *serviceManager) becomesReady() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.ready {
		return false
	}
	for _, i := range m.instances {
		if !i.work().ready() {
			return false
		}
	}
	m.ready = true
	m.tell(daemon.SdNotifyReady, "STATUS="+m.status())
	return true
}

// signs are what is told now and then: the status, and that tasks move if they do.
func (m *serviceManager) signs() []string {
	out := []string{"STATUS=" + m.status()}
	m.mu.Lock()
	ready := m.ready
	m.mu.Unlock()
	if !ready && m.recovering() {
		out = append(out, fmt.Sprintf("EXTEND_TIMEOUT_USEC=%d", startExtension.Microseconds()))
	}
	if m.watchdog == 0 {
		return out
	}
	for _, i := range m.instances {
		if stalled := i.work().stalled(); stalled >= m.watchdog/2 {
			m.log.Error("a task has not moved, the watchdog hears nothing", "pipeline", i.work().pipeline.Name, "for", stalled)
			return out
		}
	}
	return append(out, daemon.SdNotifyWatchdog)
}

// reload runs f, which reloads, between the words for it. Before the process was ready
// it says nothing: the end of a reload would pass for the end of the start.
func (m *serviceManager) reload(f func()) {
	if m == nil {
		f()
		return
	}
	m.mu.Lock()
	ready := m.ready
	m.mu.Unlock()
	if ready {
		m.tell(daemon.SdNotifyReloading, daemon.SdNotifyMonotonicUsec(), "STATUS=reloading")
		defer func() { m.tell(daemon.SdNotifyReady, "STATUS="+m.status()) }()
	}
	f()
}

func (m *serviceManager) recovering() bool {
	for _, i := range m.instances {
		for _, t := range i.work().tasks() {
			if t.State == engine.Recovering {
				return true
			}
		}
	}
	return false
}

// status is a line for systemctl status.
func (m *serviceManager) status() string {
	var parts []string
	for _, i := range m.instances {
		w := i.work()
		live, all, lag := 0, 0, int64(0)
		for _, t := range w.tasks() {
			all++
			lag += t.Lag()
			if t.State == engine.Live {
				live++
			}
		}
		parts = append(parts, fmt.Sprintf("%s: %d of %d tasks live, %d records behind", w.pipeline.Name, live, all, lag))
	}
	return strings.Join(parts, "; ")
}

func (m *serviceManager) tell(lines ...string) {
	if _, err := daemon.SdNotify(false, strings.Join(lines, "\n")); err != nil {
		m.log.Warn("tell the service manager", "error", err)
	}
}

// tasks are those of devices and of groups.
func (w *work) tasks() []engine.TaskStatus {
	all := w.engine.Status()
	if w.groups != nil {
		all = append(all, w.groups.engine.Status()...)
	}
	return all
}

// stalled is for how long the slowest task has not looked up from its work.
func (w *work) stalled() time.Duration {
	longest := w.engine.Stalled()
	if w.groups != nil {
		longest = max(longest, w.groups.engine.Stalled())
	}
	return longest
}
