package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// job is one engine's work on one source topic.
type job struct {
	ID         string // of group, transactions, internal topics: lower case, digits and hyphens
	Brokers    string
	Source     string
	Out        string // prefix of the output topics
	State      string // folder, empty or from an earlier life
	Heap       string // most memory for state, as a JVM writes it: 4g
	Processes  int
	Partitions int

	// What only weir is asked for.
	Windows int  // at least the two of the job
	Rules   int  // at least the one of the job
	Silent  bool // windows are kept and not emitted
	MQTT    string
}

func (j job) outputs() []string { return []string{j.Out + "-ten", j.Out + "-hop", j.Out + "-alerts"} }

func (j job) alerts() string { return j.Out + "-alerts" }

// engine is something that can do the job.
type engine interface {
	name() string
	// prepare builds it; it is quick when nothing has changed.
	prepare(ctx context.Context) error
	// commands start it: one for each process.
	commands(j job) ([]command, error)
	// group is where its progress can be seen; empty: nowhere, it ends by itself at the end of the source.
	group(j job) string
	decoder() decoder
	// losses are what can be lost with the local disk, each by itself.
	losses() []loss
}

// loss deletes something of a state folder between two lives.
type loss struct {
	name   string
	remove func(j job) error // nil: nothing is lost
}

func keepsAll() loss { return loss{name: "local state kept"} }

// peer is an engine of bench/peers, which says how it is started in its files build and run.
type peer struct {
	label string
	dir   string
	env   []string
	lose  func(state string) error
}

func (p peer) name() string { return p.label }

func (p peer) prepare(ctx context.Context) error {
	out, err := exec.CommandContext(ctx, filepath.Join(p.dir, "build")).CombinedOutput()
	if err != nil {
		return fmt.Errorf("build %s: %w\n%s", p.label, err, out)
	}
	return nil
}

func (p peer) commands(j job) ([]command, error) {
	var all []command
	for i := range j.Processes {
		state := filepath.Join(j.State, strconv.Itoa(i))
		if err := os.MkdirAll(state, 0o755); err != nil {
			return nil, err
		}
		env := append([]string{
			"BROKERS=" + j.Brokers, "SOURCE=" + j.Source, "OUT=" + j.Out, "APP=" + j.ID, "STATE=" + state,
			"THREADS=2", "COMMIT_MS=100", "CHECKPOINT_MS=1000", "HEAP=" + j.Heap,
		}, p.env...)
		all = append(all, command{Args: []string{filepath.Join(p.dir, "run")}, Env: env, Dir: p.dir, Log: filepath.Join(j.State, fmt.Sprintf("log-%d", i))})
	}
	return all, nil
}

func (p peer) group(j job) string { return j.ID }

func (p peer) decoder() decoder { return peerDecoder() }

func (p peer) losses() []loss {
	return []loss{keepsAll(), {name: "local state lost", remove: func(j job) error {
		for i := range j.Processes {
			if err := p.lose(filepath.Join(j.State, strconv.Itoa(i))); err != nil {
				return err
			}
		}
		return nil
	}}}
}

// engines are all that can be asked for, in the order of the tables. The first is the one that the others are compared with.
func engines(root, work string) []engine {
	peers := filepath.Join(root, "bench", "peers")
	binary := filepath.Join(work, "weir")
	local := func(state string) error { return os.RemoveAll(filepath.Join(state, "local")) }
	return []engine{
		weir{label: "weir", root: root, binary: binary},
		weir{label: "weir-silent", root: root, binary: binary, silent: true},
		// Its default of 10 s for a transaction is too short for a million devices on two cores: commits that take longer fence the thread.
		peer{label: "kafka-streams", dir: filepath.Join(peers, "kafka-streams"), env: []string{"TRANSACTION_TIMEOUT_MS=60000"}, lose: os.RemoveAll},
		peer{label: "flink-rocksdb", dir: filepath.Join(peers, "flink"), env: []string{"BACKEND=rocksdb"}, lose: local},
		peer{label: "flink-heap", dir: filepath.Join(peers, "flink"), env: []string{"BACKEND=heap"}, lose: local},
		peer{label: "quix", dir: filepath.Join(peers, "quix"), lose: os.RemoveAll},
		ceiling{label: "ceiling-fetch"},
		ceiling{label: "ceiling-scan"},
	}
}

// choose finds engines by name.
func choose(all []engine, names []string) ([]engine, error) {
	var chosen []engine
	for _, name := range names {
		found := false
		for _, e := range all {
			if e.name() == name {
				chosen, found = append(chosen, e), true
			}
		}
		if !found {
			var known []string
			for _, e := range all {
				known = append(known, e.name())
			}
			return nil, fmt.Errorf("engine %q must be one of %s", name, strings.Join(known, ", "))
		}
	}
	return chosen, nil
}

// isPeer tells those that others have written from weir and its ceilings.
func isPeer(name string) bool {
	return !strings.HasPrefix(name, "weir") && !isCeiling(name)
}

func isCeiling(name string) bool { return strings.HasPrefix(name, "ceiling-") }
