package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// engine is the process of a peer. Its run script ends in exec, so the process is the engine itself.
type engine struct {
	dir, state string
	env        []string
	wipe       bool

	cmd   *exec.Cmd
	ended chan struct{} // closed when the process of cmd is gone
}

func (e *engine) build(ctx context.Context) error {
	build := exec.CommandContext(ctx, "nice", filepath.Join(e.dir, "build"))
	build.Stdout, build.Stderr = os.Stderr, os.Stderr
	if err := build.Run(); err != nil {
		return fmt.Errorf("build %s: %w", e.dir, err)
	}
	return nil
}

func (e *engine) start() error {
	e.cmd = exec.Command(filepath.Join(e.dir, "run"))
	e.cmd.Env = append(os.Environ(), e.env...)
	log, err := os.OpenFile(e.state+".log", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	e.cmd.Stdout, e.cmd.Stderr = log, log
	if err := e.cmd.Start(); err != nil {
		return err
	}
	cmd, ended := e.cmd, make(chan struct{})
	e.ended = ended
	go func() {
		_ = cmd.Wait()
		close(ended)
	}()
	return nil
}

// restart is kill -9 and a new life.
func (e *engine) restart() error {
	_ = e.cmd.Process.Kill()
	<-e.ended
	if e.wipe {
		entries, err := os.ReadDir(e.state)
		if err != nil {
			return err
		}
		for _, entry := range entries {
			if entry.Name() == "checkpoints" {
				continue // stands for a store that outlives the machine
			}
			if err := os.RemoveAll(filepath.Join(e.state, entry.Name())); err != nil {
				return err
			}
		}
		log.Print("local state deleted")
	}
	return e.start()
}

// stop ends the engine with SIGTERM, and with SIGKILL if that does not help.
func (e *engine) stop() error {
	_ = e.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-e.ended:
		return nil
	case <-time.After(30 * time.Second):
		_ = e.cmd.Process.Kill()
		<-e.ended
		return fmt.Errorf("%s did not end within 30 s of SIGTERM", e.dir)
	}
}
