package simulation

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/weirstream/weir/engine/task"
)

// mountRoster gives a process a file of its own with the version that is in the world's hands, and a plan that names it.
func (p *process) mountRoster(v *version) error {
	w := p.w
	var err error
	if p.groups, err = groupPlan(w.shape.pipeline); err != nil {
		return err
	}
	if v == nil {
		p.plan = w.plan
		return nil
	}
	p.roster = filepath.Join(w.folder, p.name+".csv")
	own, file := *w.shape.pipeline, *w.shape.pipeline.Roster
	file.File = p.roster
	own.Roster = &file
	if p.plan, err = task.Compile(&own); err != nil {
		return err
	}
	return p.putRoster(v)
}

// rosterAt is a version, -1 the last; nil where there is no roster.
func (s *shape) rosterAt(i int) *version {
	if s.rosters == nil {
		return nil
	}
	return &s.rosters[(i+len(s.rosters))%len(s.rosters)]
}

// hasBadRoster reports whether an engine may find a file that it cannot start with.
func (s *shape) hasBadRoster() bool {
	return slices.ContainsFunc(s.rosters, func(v version) bool { return v.bad })
}

// usableRosters are the versions that engines may have taken, the first one first.
func (s *shape) usableRosters() [][]byte {
	var all [][]byte
	for i := range s.rosters {
		if !s.rosters[i].bad {
			all = append(all, s.rosters[i].content)
		}
	}
	return all
}

// putRoster puts a version in the place of the file, whole, and as new as the world's clock says: an engine tells versions apart by time
// and size.
func (p *process) putRoster(v *version) error {
	w := p.w
	w.trace.addf(p.name, "roster: %s, %s", v.fingerprint(), v.what)
	w.trace.count("roster: " + v.what)
	next := p.roster + ".next"
	if err := os.WriteFile(next, v.content, 0o600); err != nil {
		return err
	}
	if err := os.Chtimes(next, time.Now(), time.Now()); err != nil {
		return err
	}
	return os.Rename(next, p.roster)
}

// changeRoster brings a process the versions of the world, each a while late.
func (p *process) changeRoster() {
	w := p.w
	all := w.shape.rosters
	rng := w.rng(uint64(600 + p.index))
	for i := range all[1:] {
		v := &all[1+i]
		w.pause(v.at + time.Duration(rng.Int64N(int64(3*time.Second))) - time.Since(w.trace.began))
		time.Sleep(time.Millisecond) // no two at one time
		if err := p.putRoster(v); err != nil {
			_ = w.complain("roster of %s: %w", p.name, err)
		}
	}
}

// rosterInForce reports whether the engine has come to the last version.
func (w *world) rosterInForce(l *life) error {
	if w.shape.rosters == nil {
		return nil
	}
	last := &w.shape.rosters[len(w.shape.rosters)-1]
	if s, _ := l.run.Roster(); s.Fingerprint != last.fingerprint() {
		return fmt.Errorf("the last engine goes by roster %s, and the newest is %s", s.Fingerprint, last.fingerprint())
	}
	return nil
}
