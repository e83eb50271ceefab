package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"
)

const stopPatience = 15 * time.Second

// command is how a process is started.
type command struct {
	Args []string
	Env  []string // added to the harness's own
	Dir  string
	Log  string // file that takes what it says
}

// process is one that was started, in a process group of its own.
type process struct {
	started time.Time
	pid     int
	log     string
	command *exec.Cmd
	ended   chan struct{}
	guard   *exec.Cmd
	hold    io.Closer
}

func start(c command) (*process, error) {
	log, err := os.OpenFile(c.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open log: %w", err)
	}
	defer log.Close()
	cmd := exec.Command(c.Args[0], c.Args[1:]...)
	cmd.Env, cmd.Dir = append(os.Environ(), c.Env...), c.Dir
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	p := &process{started: time.Now(), log: c.Log, command: cmd, ended: make(chan struct{})}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", c.Args[0], err)
	}
	p.pid = cmd.Process.Pid
	go func() {
		_ = cmd.Wait()
		close(p.ended)
	}()
	// A harness that is killed cleans nothing up, but its end of the pipe is closed all the same.
	p.guard = exec.Command("sh", "-c", `read -r _; kill -9 -- "-$0"`, strconv.Itoa(p.pid))
	p.guard.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is not for the guard
	if p.hold, err = p.guard.StdinPipe(); err == nil {
		err = p.guard.Start()
	}
	if err != nil {
		p.kill()
		return nil, fmt.Errorf("guard %s: %w", c.Args[0], err)
	}
	return p, nil
}

// alive is an error where the process has ended by itself, with the end of what it said.
func (p *process) alive() error {
	select {
	case <-p.ended:
		return fmt.Errorf("%s ended by itself: %v\n%s", p.command.Path, p.command.ProcessState, tail(p.log))
	default:
		return nil
	}
}

// kill ends all processes of the group with SIGKILL and waits for the first.
func (p *process) kill() {
	_ = syscall.Kill(-p.pid, syscall.SIGKILL)
	<-p.ended
	p.bury()
}

// stop asks the group to end, and kills it where it does not.
func (p *process) stop() error {
	_ = syscall.Kill(-p.pid, syscall.SIGTERM)
	select {
	case <-p.ended:
		_ = syscall.Kill(-p.pid, syscall.SIGKILL) // children that outlived it
		p.bury()
		return nil
	case <-time.After(stopPatience):
		p.kill()
		return errors.New("did not stop at SIGTERM")
	}
}

func (p *process) bury() {
	if p.guard.Process != nil {
		_ = p.guard.Process.Kill()
		_ = p.guard.Wait()
	}
	if p.hold != nil {
		_ = p.hold.Close()
	}
}

// tail is the last of a log.
func tail(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	if cut := len(text) - 4_000; cut > 0 {
		text = text[cut:]
	}
	return string(text)
}
