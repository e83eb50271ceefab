package main

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/engine"
	"github.com/weirstream/weir/engine/task"
	"github.com/weirstream/weir/ingest/codec"
	"github.com/weirstream/weir/ingest/kafka"
	"github.com/weirstream/weir/statestore/badgerstore"
)

// loadPipeline reads and checks a pipeline file. Warnings go to warn; errors are
// one error with a line each.
func loadPipeline(path string, warn func(configs.Diagnostic)) (*configs.Pipeline, error) {
	src, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return parsePipeline(path, src, warn)
}

func parsePipeline(name string, src []byte, warn func(configs.Diagnostic)) (*configs.Pipeline, error) {
	p, found := configs.Parse(name, src, configs.Options{Getenv: os.LookupEnv, ReadFile: os.ReadFile})
	if found.HasErrors() {
		return nil, errors.New(strings.TrimSpace(found.String()))
	}
	for _, d := range found {
		warn(d)
	}
	return p, nil
}

// codecOptions are what the decoder has to know of the source.
func codecOptions(p *configs.Pipeline) codec.Options {
	r := p.Source.Reading
	return codec.Options{
		Device: r.Device, Metric: r.Metric, Time: r.Time, Unit: r.Unit, Value: r.Value, Seq: r.Seq,
		Wide: r.Metrics, Metrics: p.Metrics,
	}
}

// fitting names the partitioners that put a device in a partition of n.
func fitting(device []byte, partition int32, n int) []string {
	return kafka.Fitting(device, kafka.Place{Partition: int(partition), Of: n})
}

// stateDir is where a pipeline keeps its local state.
func stateDir(p *configs.Pipeline) string { return filepath.Join(p.State.Dir, p.Name) }

// identity returns the name of this process in the group, and makes one where
// the state directory has none: who has the directory is the same member.
func identity(dir string) (string, error) {
	path := filepath.Join(dir, "identity")
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("read identity (state.dir): %w", err)
	}
	if name := strings.TrimSpace(string(text)); name != "" {
		return name, nil
	}
	var id [8]byte
	if _, err := rand.Read(id[:]); err != nil {
		return "", fmt.Errorf("make identity: %w", err)
	}
	name := "weir-" + hex.EncodeToString(id[:])
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("make state directory (state.dir): %w", err)
	}
	// Renamed into place, so that a crash leaves no half of it.
	if err := os.WriteFile(path+".new", []byte(name+"\n"), 0o644); err != nil {
		return "", fmt.Errorf("write identity (state.dir): %w", err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return "", fmt.Errorf("write identity (state.dir): %w", err)
	}
	return name, nil
}

// bootID names the run of the machine: local state that was not synced is worth
// nothing after another boot. Where the system does not tell, every start counts
// as a boot.
func bootID() string {
	text, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		var id [16]byte
		_, _ = rand.Read(id[:])
		return hex.EncodeToString(id[:])
	}
	return strings.TrimSpace(string(text))
}

// openStore opens the local store of a pipeline.
func openStore(p *configs.Pipeline, boot string, log *slog.Logger) (*badgerstore.Store, error) {
	dir := filepath.Join(stateDir(p), "badger")
	store, err := badgerstore.Open(dir, badgerstore.Options{Logger: log, BootID: boot})
	if err != nil {
		return nil, fmt.Errorf("open state store %q (state.dir): %w", dir, err)
	}
	return store, nil
}

// openOrReplaceStore opens the local store to work on it. It is a cache of the
// journal: one that is damaged is set aside, for whoever wants to know why, and
// begun anew. Over some damage Badger panics where nobody can catch it, so one
// that has ended a process twice while it was opened counts as damaged too.
func openOrReplaceStore(p *configs.Pipeline, boot string, log *slog.Logger) (*badgerstore.Store, error) {
	dir := filepath.Join(stateDir(p), "badger")
	tries := dir + ".opening" // as many bytes as starts have begun to open it
	begun, err := os.ReadFile(tries)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("open state store %q (state.dir): %w", dir, err)
	}
	if len(begun) >= 2 {
		if err := setAside(dir, log, errors.New("two processes have ended while they opened it")); err != nil {
			return nil, err
		}
		begun = nil
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return nil, fmt.Errorf("make state directory (state.dir): %w", err)
	}
	if err := os.WriteFile(tries, append(begun, '.'), 0o644); err != nil {
		return nil, fmt.Errorf("open state store %q (state.dir): %w", dir, err)
	}
	store, err := openStore(p, boot, log)
	if errors.Is(err, badgerstore.ErrDamaged) {
		if err := setAside(dir, log, err); err != nil {
			return nil, err
		}
		store, err = openStore(p, boot, log)
	}
	if gone := os.Remove(tries); gone != nil && !errors.Is(gone, os.ErrNotExist) {
		log.Warn("note of opening the state store", "error", gone)
	}
	return store, err
}

// setAside takes a damaged store out of the way.
func setAside(dir string, log *slog.Logger, why error) error {
	aside := dir + ".damaged"
	log.Error("local state damaged, restoring from the journal", "reason", why, "set_aside", aside)
	if err := os.RemoveAll(aside); err != nil { // of the last time: one is enough
		return fmt.Errorf("set damaged state store aside: %w", err)
	}
	if err := os.Rename(dir, aside); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("set damaged state store aside: %w", err)
	}
	return nil
}

// localStore lets the engine use Badger without knowing it.
type localStore struct{ *badgerstore.Store }

// Task implements engine.Store.
func (s localStore) Task(partition int32) engine.LocalTask { return localTask{s.Store.Task(partition)} }

type localTask struct{ *badgerstore.Task }

// Marker implements engine.LocalTask.
func (t localTask) Marker() (engine.Marker, bool, error) {
	m, ok, err := t.Task.Marker()
	return engine.Marker{Lineage: m.Lineage, Seq: m.Seq, BootID: m.BootID, Sealed: m.Sealed, Snapshot: m.Snapshot}, ok, err
}

// Mark implements engine.LocalTask.
func (t localTask) Mark(m engine.Marker) error {
	return t.Task.Mark(badgerstore.Marker{Lineage: m.Lineage, Seq: m.Seq, BootID: m.BootID, Sealed: m.Sealed, Snapshot: m.Snapshot})
}

// newEngine puts a pipeline's parts together.
func newEngine(p *configs.Pipeline, o engine.Options) (*engine.Engine, error) {
	plan, err := task.Compile(p)
	if err != nil {
		return nil, fmt.Errorf("pipeline %q: %w", p.Name, err)
	}
	o.Plan = plan
	o.NewDecoder = func(in engine.DeviceIn) (codec.Decoder, error) {
		options := codecOptions(p)
		if in == engine.Header {
			options.Device = ""
		}
		return codec.NewScanner(options)
	}
	return engine.New(o)
}
