package engine

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"github.com/weirstream/weir/engine/task"
	"github.com/weirstream/weir/operators/roster"
)

// lookEvery is how often the roster's file is looked at.
const lookEvery = time.Second

// rosterFile is the roster in force, and the file it comes from. One goroutine
// looks at the file; tasks read what is in force.
type rosterFile struct {
	plan  *task.Plan
	path  string
	log   *slog.Logger
	force atomic.Pointer[roster.Roster] // nil: the pipeline has none

	taken  version // of the file that was read last, for better or worse
	seen   version // of the file at the last look
	faults atomic.Int64
}

// version tells files apart without reading them. The zero value is no file.
type version struct {
	changed time.Time
	size    int64
}

func newRosterFile(plan *task.Plan, log *slog.Logger) *rosterFile {
	f := &rosterFile{plan: plan, log: log}
	if r := plan.Pipeline.Roster; r != nil {
		f.path = r.File
	}
	return f
}

// load reads the roster that the tasks start with.
func (f *rosterFile) load() error {
	if f.path == "" {
		return nil
	}
	f.taken = f.version()
	f.seen = f.taken
	r, err := f.read()
	if err != nil {
		return err
	}
	f.force.Store(r)
	return nil
}

func (f *rosterFile) read() (*roster.Roster, error) {
	content, err := os.ReadFile(f.path)
	if err != nil {
		return nil, fmt.Errorf("devices.roster: %w", err)
	}
	r, err := roster.Parse(content)
	if err == nil {
		r, err = f.plan.FitRoster(r)
	}
	if err != nil {
		return nil, fmt.Errorf("devices.roster %q: %w", f.path, err)
	}
	return r, nil
}

func (f *rosterFile) version() version {
	info, err := os.Stat(f.path)
	if err != nil {
		return version{}
	}
	return version{info.ModTime(), info.Size()}
}

// look returns a new version of the file; nil: there is none. It is read
// once it looks the same twice in a row, so that one still being written is not
// taken for all of it. One that cannot be used is warned of once, and the roster in
// force stays.
func (f *rosterFile) look() *roster.Roster {
	now := f.version()
	settled := now == f.seen
	f.seen = now
	if now == f.taken || !settled {
		return nil
	}
	r, err := f.read()
	if f.version() != now {
		return nil // written meanwhile: the next looks will tell
	}
	f.taken = now
	if err != nil {
		f.faults.Add(1)
		f.log.Warn("new roster not taken, the one before stays in force", "reason", err)
		return nil
	}
	if f.force.Load().Fingerprint() == r.Fingerprint() {
		return nil
	}
	return r
}

func fingerprint(r *roster.Roster) string { return fmt.Sprintf("%016x", r.Fingerprint()) }

// watchRoster takes new versions of the roster and tells the tasks.
func (e *Engine) watchRoster(ctx context.Context) {
	ticker := time.NewTicker(e.o.RosterEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		newest := e.roster.look()
		if newest == nil {
			continue
		}
		e.log.Info("new roster", "devices", newest.Len(), "fingerprint", fingerprint(newest))
		e.mu.Lock()
		e.roster.force.Store(newest)
		for _, h := range e.runners {
			select {
			case h.roster <- struct{}{}:
			default: // it has been told already
			}
		}
		e.mu.Unlock()
	}
}

// takeRoster puts the newest roster in force for the task, which stands between two
// records.
func (r *runner) takeRoster() {
	newest := r.e.roster.force.Load()
	if newest == nil || newest == r.roster {
		return
	}
	r.roster = newest
	r.task.SetRoster(newest, r.position)
}

// RosterStatus is what the outside sees of the roster.
type RosterStatus struct {
	Devices     int
	Fingerprint string // of the version in force, 16 hexadecimal digits; empty before there is one
	Faults      int64  // versions of the file since the start that could not be used
}

// Roster returns the state of the roster; false where the pipeline has none.
func (e *Engine) Roster() (RosterStatus, bool) {
	s := RosterStatus{Faults: e.roster.faults.Load()}
	if r := e.roster.force.Load(); r != nil {
		s.Devices, s.Fingerprint = r.Len(), fingerprint(r)
	}
	return s, e.roster.path != ""
}
