//go:build real

package killtest

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// buildWeir builds the program under test.
func buildWeir(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "weir")
	out, err := exec.Command("go", "build", "-o", binary, "../../cmd/weir").CombinedOutput()
	require.NoError(t, err, string(out))
	return binary
}

// weir is a pipeline run by a process that may be killed and started again.
type weir struct {
	program
	t    *testing.T
	dir  string // holds the pipeline file, the log and the state
	http string
	life *life
}

// program is what to run.
type program struct {
	binary   string
	pipeline string // the name in the file
	file     string // its text; $STATE stands for the state directory
}

// life is one process.
type life struct {
	command *exec.Cmd
	started time.Time
	ended   chan struct{}
	guard   *exec.Cmd
	hold    io.Closer
}

// newWeir writes the pipeline file; start starts the process.
func newWeir(t *testing.T, p program) *weir {
	t.Helper()
	w := &weir{t: t, program: p, dir: t.TempDir(), http: freeAddr(t)}
	text := strings.ReplaceAll(p.file, "$STATE", w.stateDir())
	require.NoError(t, os.WriteFile(w.path(), []byte(text), 0o600))
	t.Cleanup(func() {
		if w.life != nil {
			w.kill()
		}
		if t.Failed() {
			t.Logf("end of the log of %s:\n%s", p.pipeline, w.logTail())
		}
	})
	return w
}

func (w *weir) path() string     { return filepath.Join(w.dir, "pipeline.yaml") }
func (w *weir) logFile() string  { return filepath.Join(w.dir, "weir.log") }
func (w *weir) stateDir() string { return filepath.Join(w.dir, "state") }

// badgerDir is what a lost disk takes; the identity lies beside it.
func (w *weir) badgerDir() string { return filepath.Join(w.stateDir(), w.pipeline, "badger") }

// start starts the process and does not wait for it.
func (w *weir) start() {
	w.t.Helper()
	require.Nil(w.t, w.life, "it runs already")
	log, err := os.OpenFile(w.logFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	require.NoError(w.t, err)
	defer log.Close()
	command := exec.Command(w.binary, "run", "--http", w.http, w.path())
	command.Dir = w.dir
	command.Stdout, command.Stderr = log, log
	l := &life{command: command, ended: make(chan struct{}), started: time.Now()}
	require.NoError(w.t, command.Start())
	go func() {
		_ = command.Wait()
		close(l.ended)
	}()
	// A test binary that panics or times out runs no cleanup, but its end of the pipe is closed all the same.
	l.guard = exec.Command("sh", "-c", `read -r _; kill -9 "$0"`, strconv.Itoa(command.Process.Pid))
	l.hold, err = l.guard.StdinPipe()
	require.NoError(w.t, err)
	require.NoError(w.t, l.guard.Start())
	w.life = l
}

// kill ends the process with SIGKILL and waits until it is gone. One that has ended by itself fails the test.
func (w *weir) kill() {
	w.t.Helper()
	w.alive()
	_ = w.life.command.Process.Signal(syscall.SIGKILL)
	w.bury()
}

// stop ends the process with SIGTERM, at which it has to seal its state and to exit cleanly.
func (w *weir) stop() {
	w.t.Helper()
	w.alive()
	_ = w.life.command.Process.Signal(syscall.SIGTERM)
	l := w.life
	select {
	case <-l.ended:
	case <-time.After(20 * time.Second):
		w.t.Errorf("%s does not stop within 20 s of SIGTERM", w.pipeline)
		_ = l.command.Process.Kill()
	}
	w.bury()
	require.Equal(w.t, 0, l.command.ProcessState.ExitCode(), "exit code after SIGTERM\n%s", w.logTail())
}

func (w *weir) bury() {
	<-w.life.ended
	_ = w.life.guard.Process.Kill()
	_ = w.life.guard.Wait()
	_ = w.life.hold.Close()
	w.life = nil
}

// alive fails the test if the process has ended by itself: it never should.
func (w *weir) alive() {
	w.t.Helper()
	select {
	case <-w.life.ended:
		state := w.life.command.ProcessState
		w.bury()
		w.t.Fatalf("%s ended by itself: %v\n%s", w.pipeline, state, w.logTail())
	default:
	}
}

// logTail is the last of what the process logged.
func (w *weir) logTail() string {
	text, err := os.ReadFile(w.logFile())
	if err != nil {
		return err.Error()
	}
	if cut := len(text) - 8_000; cut > 0 {
		text = text[cut:]
	}
	return string(text)
}

// logged counts the lines of the log that hold the text.
func (w *weir) logged(text string) int {
	all, err := os.ReadFile(w.logFile())
	require.NoError(w.t, err)
	return bytes.Count(all, []byte(text))
}

// metrics reads /metrics: samples by name and labels as they are written there, without the label of the pipeline. It returns nil
// while nobody answers.
func (w *weir) metrics() map[string]float64 {
	w.t.Helper()
	w.alive()
	client := http.Client{Timeout: 5 * time.Second}
	defer client.CloseIdleConnections()
	resp, err := client.Get("http://" + w.http + "/metrics")
	if err != nil {
		return nil
	}
	defer resp.Body.Close()
	own := strings.NewReplacer(`,pipeline="`+w.pipeline+`"`, "", `pipeline="`+w.pipeline+`",`, "", `{pipeline="`+w.pipeline+`"}`, "")
	samples := map[string]float64{}
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		name, value, found := strings.Cut(own.Replace(lines.Text()), " ")
		if v, err := strconv.ParseFloat(value, 64); found && err == nil {
			samples[name] = v
		}
	}
	if lines.Err() != nil {
		return nil
	}
	return samples
}

// ready waits until all tasks are live and, with MQTT, the bridge is subscribed.
func (w *weir) ready(partitions int) {
	w.t.Helper()
	await(w.t, w.pipeline+" ready", time.Minute, func() (bool, string) {
		m := w.metrics()
		live := 0
		for p := range partitions {
			live += int(m[`weir_task_live{partition="`+strconv.Itoa(p)+`"}`])
		}
		connected, bridges := m["weir_mqtt_connected"]
		return live == partitions && (!bridges || connected == 1), strconv.Itoa(live) + " tasks are live"
	})
}

// outcome is how many readings ended in a class, from confirmed commits only.
func outcome(m map[string]float64, class string) int64 {
	sum := 0.0
	for name, v := range m { // unordered: a sum of whole numbers
		if strings.HasPrefix(name, "weir_readings_total{") && strings.Contains(name, `outcome="`+class+`"`) {
			sum += v
		}
	}
	return int64(sum)
}

func freeAddr(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	return listener.Addr().String()
}
