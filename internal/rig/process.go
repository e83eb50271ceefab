package rig

import (
	"bytes"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// BuildOptions says how the program is built. The zero value is the ordinary program.
type BuildOptions struct {
	// Tags are build tags, with commas between.
	Tags string
}

// BuildWeir builds the program under test.
func BuildWeir(t TB, o BuildOptions) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "weir")
	out, err := exec.Command("go", "build", "-tags", o.Tags, "-o", binary, "github.com/weirstream/weir/cmd/weir").CombinedOutput()
	if err != nil {
		t.Fatalf("build weir: %v\n%s", err, out)
	}
	return binary
}

// Program is what to run.
type Program struct {
	// Binary is the path of the program.
	Binary string
	// Pipeline is the name in the file.
	Pipeline string
	// File is the text of the pipeline file; $STATE stands for the state directory.
	File string
	// State is the state directory; empty: one of its own.
	State string
}

// Process is a pipeline run by a process that may be killed and started again. It is for one goroutine.
type Process struct {
	// Env is added to the environment of the next life.
	Env []string
	// Wrap is a command that the next life is run with, such as one that enters a network namespace; it has to exec.
	Wrap []string
	// Args are added to those of `weir run`.
	Args []string

	program Program
	t       TB
	dir     string // holds the pipeline file, the log and the state
	http    string
	life    *life
}

// life is one process.
type life struct {
	command *exec.Cmd
	started time.Time
	ended   chan struct{}
	guard   *exec.Cmd
	hold    io.Closer
}

// NewProcess writes the pipeline file; Start starts the process. It is killed when the test ends.
func NewProcess(t TB, p Program) *Process {
	t.Helper()
	w := &Process{t: t, program: p, dir: t.TempDir(), http: freeAddr(t)}
	text := strings.ReplaceAll(p.File, "$STATE", w.StateDir())
	check(t, "write the pipeline file", os.WriteFile(w.Path(), []byte(text), 0o600))
	t.Cleanup(func() {
		if w.life != nil {
			_ = w.life.command.Process.Kill()
			w.bury()
		}
		if t.Failed() {
			t.Logf("end of the log of %s:\n%s", p.Pipeline, w.LogTail())
		}
	})
	return w
}

// Path is the pipeline file.
func (w *Process) Path() string { return filepath.Join(w.dir, "pipeline.yaml") }

// HTTP is the host and port of --http. It stays the same over all lives.
func (w *Process) HTTP() string { return w.http }

// URL is where the present life, and each other one, answers HTTP.
func (w *Process) URL() string { return "http://" + w.http }

// LogFile holds what all lives have logged.
func (w *Process) LogFile() string { return filepath.Join(w.dir, "weir.log") }

// StateDir is state.dir of the pipeline file.
func (w *Process) StateDir() string {
	if w.program.State != "" {
		return w.program.State
	}
	return filepath.Join(w.dir, "state")
}

// BadgerDir is what a lost disk takes; the identity lies beside it.
func (w *Process) BadgerDir() string {
	return filepath.Join(w.StateDir(), w.program.Pipeline, "badger")
}

// IdentityFile holds the name of this process in the group.
func (w *Process) IdentityFile() string {
	return filepath.Join(w.StateDir(), w.program.Pipeline, "identity")
}

// Start starts the process and does not wait for it.
func (w *Process) Start() {
	w.t.Helper()
	if w.life != nil {
		w.t.Fatalf("%s runs already", w.program.Pipeline)
	}
	log, err := os.OpenFile(w.LogFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	check(w.t, "open the log", err)
	defer log.Close()
	line := append([]string{}, w.Wrap...)
	line = append(line, w.program.Binary, "run", "--http", w.http)
	line = append(append(line, w.Args...), w.Path())
	command := exec.Command(line[0], line[1:]...)
	command.Dir = w.dir
	command.Env = append(os.Environ(), w.Env...)
	command.Stdout, command.Stderr = log, log
	l := &life{command: command, ended: make(chan struct{}), started: time.Now()}
	check(w.t, "start weir", command.Start())
	go func() {
		_ = command.Wait()
		close(l.ended)
	}()
	// A test binary that panics or times out runs no cleanup, but its end of the pipe is closed all the same.
	l.guard = exec.Command("sh", "-c", `read -r _; kill -9 "$0"`, strconv.Itoa(command.Process.Pid))
	l.hold, err = l.guard.StdinPipe()
	check(w.t, "guard weir", err)
	check(w.t, "guard weir", l.guard.Start())
	w.life = l
}

// Runs reports whether there is a life that has not been buried.
func (w *Process) Runs() bool { return w.life != nil }

// Age is how long ago the present life was started.
func (w *Process) Age() time.Duration { return time.Since(w.life.started) }

// Started is when the present life was started.
func (w *Process) Started() time.Time { return w.life.started }

// Signal sends a signal, such as SIGSTOP. One that has ended by itself fails the test.
func (w *Process) Signal(s syscall.Signal) {
	w.t.Helper()
	w.Alive()
	_ = w.life.command.Process.Signal(s)
}

// Frozen reports whether the process is stopped, by SIGSTOP or by itself at a failpoint. It needs /proc, so it is always false
// elsewhere than on Linux.
func (w *Process) Frozen() bool {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(w.life.command.Process.Pid) + "/stat")
	_, state, found := strings.Cut(string(text), ") ")
	return err == nil && found && strings.HasPrefix(state, "T")
}

// Kill ends the process with SIGKILL and waits until it is gone. One that has ended by itself fails the test.
func (w *Process) Kill() {
	w.t.Helper()
	w.Signal(syscall.SIGKILL)
	w.bury()
}

// Stop ends the process with SIGTERM, at which it has to seal its state and to exit cleanly.
func (w *Process) Stop() {
	w.t.Helper()
	w.Signal(syscall.SIGTERM)
	l := w.life
	select {
	case <-l.ended:
	case <-time.After(20 * time.Second):
		w.t.Errorf("%s does not stop within 20 s of SIGTERM", w.program.Pipeline)
		_ = l.command.Process.Kill()
	}
	w.bury()
	if code := l.command.ProcessState.ExitCode(); code != 0 {
		w.t.Fatalf("exit code %d after SIGTERM\n%s", code, w.LogTail())
	}
}

// AwaitEnd waits until the process has ended by itself and returns its exit code, -1 after a signal.
func (w *Process) AwaitEnd(what string, limit time.Duration) int {
	w.t.Helper()
	l := w.life
	select {
	case <-l.ended:
	case <-time.After(limit):
		w.t.Fatalf("%s has not ended in %v: %s\n%s", w.program.Pipeline, limit, what, w.LogTail())
	}
	w.bury()
	return l.command.ProcessState.ExitCode()
}

// Ended reports whether the present life has ended by itself; AwaitEnd then returns at once.
func (w *Process) Ended() bool {
	select {
	case <-w.life.ended:
		return true
	default:
		return false
	}
}

func (w *Process) bury() {
	<-w.life.ended
	_ = w.life.guard.Process.Kill()
	_ = w.life.guard.Wait()
	_ = w.life.hold.Close()
	w.life = nil
}

// Alive fails the test if the process has ended by itself: it never should.
func (w *Process) Alive() {
	w.t.Helper()
	if w.Ended() {
		state := w.life.command.ProcessState
		w.bury()
		w.t.Fatalf("%s ended by itself: %v\n%s", w.program.Pipeline, state, w.LogTail())
	}
}

// LogTail is the last of what the process logged.
func (w *Process) LogTail() string {
	text, err := os.ReadFile(w.LogFile())
	if err != nil {
		return err.Error()
	}
	if cut := len(text) - 8_000; cut > 0 {
		text = text[cut:]
	}
	return string(text)
}

// Logged counts the lines of the log that hold the text.
func (w *Process) Logged(text string) int {
	w.t.Helper()
	all, err := os.ReadFile(w.LogFile())
	check(w.t, "read the log", err)
	return bytes.Count(all, []byte(text))
}

func freeAddr(t TB) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, "find a free port", err)
	defer listener.Close()
	return listener.Addr().String()
}

// LastLine is the last line that the process logged or printed.
func (w *Process) LastLine() string {
	text := strings.TrimSpace(w.LogTail())
	return text[strings.LastIndexByte(text, '\n')+1:]
}
