package simulation

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const (
	defaultSeeds = 60 // in `make test`; `make sim` sets SEEDS
	mostFailures = 3  // after so many no seed is begun
	seedLimit    = 2 * time.Minute
	shownLines   = 4_000 // of a trace
)

// TestSimulation runs worlds. Settings, from the environment:
//
//	SEED   the first seed; alone, the only one
//	SEEDS  how many, one after the other
//	TIMES  how often each: whether a seed that has failed fails again
//	TRACE  1: the trace of a world that is right, too
func TestSimulation(t *testing.T) {
	first, count, times := settings(t)
	began := time.Now()
	s := &seeds{t: t, next: first, end: first + count, times: times, dir: t.TempDir(), sum: map[string]int{}}
	var all sync.WaitGroup
	for i := range min(runtime.NumCPU(), int(count)*times) {
		all.Go(func() { s.work(filepath.Join(s.dir, fmt.Sprintf("trace-%d", i))) })
	}
	all.Wait()
	t.Logf("%d worlds from seed %d in %v, %d wrong", s.done, first, time.Since(began).Round(time.Millisecond), s.wrong)
	s.report()
	require.Equal(t, int(count)*times, s.done-s.dead)
}

func settings(t *testing.T) (first, count uint64, times int) {
	t.Helper()
	number := func(name string, otherwise uint64) uint64 {
		text := os.Getenv(name)
		if text == "" {
			return otherwise
		}
		n, err := strconv.ParseUint(text, 10, 64)
		require.NoError(t, err, name)
		return n
	}
	one := uint64(defaultSeeds)
	if os.Getenv("SEED") != "" {
		one = 1
	}
	return number("SEED", 1), number("SEEDS", one), int(number("TIMES", 1))
}

// seeds hands out work and collects results.
type seeds struct {
	t     *testing.T
	dir   string
	times int

	mu                sync.Mutex
	next, end         uint64
	repeat            int
	done, wrong, dead int
	sum               map[string]int
}

func (s *seeds) take() (seed uint64, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.next >= s.end || s.wrong >= mostFailures && s.times == 1 {
		return 0, false
	}
	seed = s.next
	if s.repeat++; s.repeat == s.times {
		s.repeat = 0
		s.next++
	}
	return seed, true
}

// work feeds workers, a new one after each that died.
func (s *seeds) work(trace string) {
	for {
		seed, ok := s.take()
		if !ok {
			return
		}
		w, err := startWorker(trace)
		if err != nil {
			s.t.Errorf("start worker: %v", err)
			return
		}
		for ok {
			r, alive := w.run(seed)
			s.take1(r, trace)
			if !alive {
				break
			}
			seed, ok = s.take()
		}
		w.end()
	}
}

// take1 takes the result of a seed.
func (s *seeds) take1(r result, trace string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.done++
	for kind, n := range r.Summary.Happened {
		s.sum[kind] += n
	}
	for kind, n := range map[string]int{
		"readings": r.Summary.Readings, "aggregates": r.Summary.Aggregates, "alerts": r.Summary.Alerts, "quarantined": r.Summary.Quarantined,
		"facts": r.Summary.Facts, "lives": r.Summary.Lives, "deaths": r.Summary.Deaths, "journal records": r.Summary.Records,
		"groups: aggregates": r.Summary.Groups.Aggregates, "groups: alerts": r.Summary.Groups.Alerts, "groups: partials": r.Summary.Groups.Partials,
		"groups: readings": r.Summary.Groups.Readings, "groups: readings late": r.Summary.Groups.Late, "groups: watermarks": r.Summary.Groups.Watermarks,
		"files changed": r.Summary.Files, "worlds with changed files": min(1, r.Summary.Files), "alerts removed": r.Summary.Removed,
		"anomalies": r.Summary.Anomalies, "worlds with anomalies": min(1, r.Summary.Anomalies),
		"groups: facts": r.Summary.Groups.Facts, "groups: journal records": r.Summary.Groups.Records,
	} {
		s.sum["= "+kind] += n
	}
	if r.Wrong == "" && os.Getenv("TRACE") == "" {
		return
	}
	text, err := os.ReadFile(trace)
	if err != nil {
		s.t.Errorf("read trace: %v", err)
	}
	if r.Wrong == "" {
		s.t.Logf("%s", text)
		return
	}
	s.wrong++
	if s.wrong == 1 {
		s.t.Logf("trace of seed %d (virtual seconds, who, what):\n%s", r.Seed, shorten(text))
	}
	s.t.Errorf("seed %d: %s\nrun it again: SEED=%d make sim", r.Seed, r.Wrong, r.Seed)
}

// shorten leaves out the middle of a very long trace.
func shorten(text []byte) []byte {
	lines := bytes.SplitAfter(text, []byte("\n"))
	if len(lines) <= shownLines {
		return text
	}
	head := bytes.Join(lines[:shownLines/4], nil)
	tail := bytes.Join(lines[len(lines)-shownLines*3/4:], nil)
	return fmt.Appendf(head, "... %d lines ...\n%s", len(lines)-shownLines, tail)
}

// report says how much was compared and what happened how often.
func (s *seeds) report() {
	var b strings.Builder
	for _, kind := range slices.Sorted(func(yield func(string) bool) {
		for kind := range s.sum {
			if !yield(kind) {
				return
			}
		}
	}) {
		fmt.Fprintf(&b, "%9d  %s\n", s.sum[kind], kind)
	}
	s.t.Logf("what happened:\n%s", b.String())
}

// worker is a process that runs seeds.
type worker struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	lines  chan string
	stderr bytes.Buffer
}

func startWorker(trace string) (*worker, error) {
	w := &worker{cmd: exec.Command(os.Args[0], "-test.run=^TestWorker$", "-test.timeout=0"), lines: make(chan string, 16)}
	w.cmd.Env = append(os.Environ(), "WEIR_SIM_TRACE="+trace, "GOMAXPROCS=1", "GOGC=400")
	w.cmd.Stderr = &w.stderr
	var err error
	if w.in, err = w.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := w.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := w.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(w.lines)
		scan := bufio.NewScanner(out)
		scan.Buffer(nil, 1<<20)
		for scan.Scan() {
			w.lines <- scan.Text()
		}
	}()
	return w, nil
}

// run runs a seed; alive is false if the worker did not survive it.
func (w *worker) run(seed uint64) (r result, alive bool) {
	r.Seed = seed
	fmt.Fprintln(w.in, seed)
	limit := time.NewTimer(seedLimit)
	defer limit.Stop()
	var other []string
	for {
		select {
		case line, ok := <-w.lines:
			if !ok {
				_ = w.cmd.Wait()
				r.Wrong = fmt.Sprintf("the process died\n%s%s", strings.Join(other, "\n"), w.stderr.String())
				return r, false
			}
			text, found := strings.CutPrefix(line, resultMark)
			if !found {
				other = append(other, line)
				continue
			}
			if err := json.Unmarshal([]byte(text), &r); err != nil {
				r.Wrong = err.Error()
			}
			return r, true
		case <-limit.C:
			_ = w.cmd.Process.Signal(syscall.SIGQUIT) // its goroutines tell why
		}
	}
}

func (w *worker) end() {
	_ = w.in.Close()
	for range w.lines {
	}
	_ = w.cmd.Wait()
}
