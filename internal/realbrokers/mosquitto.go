package realbrokers

import (
	"fmt"
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

// MosquittoOptions says how a Mosquitto is set up.
type MosquittoOptions struct {
	// MaxInflight is how many unacknowledged messages Mosquitto sends to one client; 0 means 1000, the largest is 65535.
	MaxInflight int
	// SaveEachChange writes the whole store to disk at every change, so that Kill loses nothing Mosquitto has acknowledged. It costs
	// time that grows with the store. Without it the store is written only by Stop.
	SaveEachChange bool
	// Config are lines in place of "allow_anonymous true": who may connect, and TLS of the only listener.
	Config []string
}

// MosquittoBroker is one Mosquitto process on a loopback port, for one test; the test's end stops it.
//
// Queues are unlimited, anyone may connect, and sessions persist over Stop and Restart.
type MosquittoBroker struct {
	// Addr is "127.0.0.1:port". It stays the same over restarts.
	Addr string

	t       TB
	binary  string
	dir     string
	process *mosquittoProcess
}

// mosquittoProcess is one life of it.
type mosquittoProcess struct {
	command *exec.Cmd
	ended   chan struct{}
	guard   io.Closer
}

// Mosquitto starts a broker with the default options.
func Mosquitto(t TB) *MosquittoBroker {
	t.Helper()
	return MosquittoWith(t, MosquittoOptions{})
}

// MosquittoWith starts a broker and returns when it accepts connections.
func MosquittoWith(t TB, options MosquittoOptions) *MosquittoBroker {
	t.Helper()
	binary, err := exec.LookPath("mosquitto")
	if err != nil {
		binary, err = exec.LookPath("/usr/sbin/mosquitto") // where Debian puts it, outside the PATH of ordinary users
	}
	if err != nil {
		missing(t, "mosquitto not found: install it (Debian: mosquitto)")
	}
	b := &MosquittoBroker{t: t, binary: binary, dir: t.TempDir()}
	// Between choosing a free port and listening on it another process may take it.
	for range 5 {
		b.Addr = freeAddr(t)
		b.configure(options)
		if err = b.start(); err == nil {
			t.Cleanup(b.Kill)
			return b
		}
	}
	t.Fatalf("start mosquitto: %v\n%s", err, b.log())
	return nil
}

// URL is the address as MQTT clients want it: "tcp://127.0.0.1:port".
func (b *MosquittoBroker) URL() string { return "tcp://" + b.Addr }

// Stop ends the broker with SIGTERM, at which it saves its store, and waits. A stopped one stays stopped.
func (b *MosquittoBroker) Stop() { b.end(syscall.SIGTERM) }

// Kill ends the broker with SIGKILL and waits. A stopped one stays stopped.
func (b *MosquittoBroker) Kill() { b.end(syscall.SIGKILL) }

// Restart stops the broker if it runs, and starts it on the same address and store.
func (b *MosquittoBroker) Restart() {
	b.t.Helper()
	b.Stop()
	if err := b.start(); err != nil {
		b.t.Fatalf("restart mosquitto: %v\n%s", err, b.log())
	}
}

func (b *MosquittoBroker) end(signal syscall.Signal) {
	if b.process == nil {
		return
	}
	_ = b.process.command.Process.Signal(signal) // it may have ended by itself
	<-b.process.ended
	_ = b.process.guard.Close()
	b.process = nil
}

func (b *MosquittoBroker) configure(options MosquittoOptions) {
	b.t.Helper()
	_, port, _ := strings.Cut(b.Addr, ":")
	inflight := options.MaxInflight
	if inflight == 0 {
		inflight = 1000
	}
	lines := []string{
		"listener " + port + " 127.0.0.1",
		"persistence true",
		"persistence_location " + b.dir + "/",
		"max_inflight_messages " + strconv.Itoa(inflight),
		"max_queued_messages 0",
		"set_tcp_nodelay true",
		"log_dest file " + filepath.Join(b.dir, "mosquitto.log"),
		"log_type error",
		"log_type warning",
		"log_type notice",
	}
	if options.Config == nil {
		lines = append(lines, "allow_anonymous true")
	}
	lines = append(lines, options.Config...)
	if options.SaveEachChange {
		lines = append(lines, "autosave_on_changes true", "autosave_interval 1")
	}
	if os.Geteuid() == 0 {
		// Else it becomes the user mosquitto, who may not write into the test's folder.
		lines = append(lines, "user root")
	}
	err := os.WriteFile(b.configFile(), []byte(strings.Join(lines, "\n")+"\n"), 0o600)
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *MosquittoBroker) configFile() string { return filepath.Join(b.dir, "mosquitto.conf") }

func (b *MosquittoBroker) start() error {
	command := exec.Command(b.binary, "-c", b.configFile())
	if err := command.Start(); err != nil {
		return err
	}
	guard, err := guardProcess(command.Process.Pid)
	if err != nil {
		_ = command.Process.Kill()
		return err
	}
	process := &mosquittoProcess{command: command, ended: make(chan struct{}), guard: guard}
	go func() {
		_ = command.Wait()
		close(process.ended)
	}()
	b.process = process

	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	giveUp := time.After(10 * time.Second)
	for {
		if conn, err := net.DialTimeout("tcp", b.Addr, time.Second); err == nil {
			return conn.Close()
		}
		select {
		case <-process.ended:
			b.Kill()
			return fmt.Errorf("it ended at once: %v", command.ProcessState)
		case <-giveUp:
			b.Kill()
			return fmt.Errorf("it does not listen on %s", b.Addr)
		case <-again.C:
		}
	}
}

func (b *MosquittoBroker) log() string {
	text, err := os.ReadFile(filepath.Join(b.dir, "mosquitto.log"))
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// guard is a shell that kills a process when its standard input ends: a test binary that panics or times out runs no cleanup, but
// its end of the pipe is closed all the same.
type guard struct {
	command *exec.Cmd
	stdin   io.Closer
}

func guardProcess(pid int) (*guard, error) {
	command := exec.Command("sh", "-c", `read -r _; kill -9 "$0"`, strconv.Itoa(pid))
	stdin, err := command.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := command.Start(); err != nil {
		return nil, err
	}
	return &guard{command: command, stdin: stdin}, nil
}

// Close ends the guard without a kill.
func (g *guard) Close() error {
	_ = g.command.Process.Kill()
	_ = g.command.Wait()
	return g.stdin.Close()
}

func freeAddr(t TB) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}
