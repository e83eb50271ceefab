package realbrokers

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// AlertmanagerProcess is one Prometheus Alertmanager on a loopback port, for one test; the test's end stops it.
type AlertmanagerProcess struct {
	// URL is "http://127.0.0.1:port". It stays the same over restarts.
	URL string

	t       TB
	binary  string
	addr    string
	dir     string
	process *alertmanagerLife
}

type alertmanagerLife struct {
	command *exec.Cmd
	ended   chan struct{}
	guard   *guard
}

// Alertmanager starts one that tells a webhook of each alert by itself, at once, and of its end. It returns when it serves.
func Alertmanager(t TB, webhook string) *AlertmanagerProcess {
	t.Helper()
	binary, err := exec.LookPath("prometheus-alertmanager")
	if err != nil {
		binary, err = exec.LookPath("alertmanager") // as upstream calls it
	}
	if err != nil {
		missing(t, "prometheus-alertmanager not found: install it (Debian: prometheus-alertmanager)")
	}
	a := &AlertmanagerProcess{t: t, binary: binary, dir: t.TempDir()}
	config := fmt.Sprintf("route: {receiver: hook, group_by: ['...'], group_wait: 100ms, group_interval: 200ms, repeat_interval: 24h}\n"+
		"receivers: [{name: hook, webhook_configs: [{url: %q}]}]\n", webhook)
	if err := os.WriteFile(filepath.Join(a.dir, "alertmanager.yml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	// Between choosing a free port and listening on it another process may take it.
	for range 5 {
		a.addr = freeAddr(t)
		a.URL = "http://" + a.addr
		if err = a.start(); err == nil {
			t.Cleanup(a.Kill)
			return a
		}
	}
	t.Fatalf("start alertmanager: %v", err)
	return nil
}

// Kill ends it with SIGKILL and waits: it forgets every alert, and whom it has told. A stopped one stays stopped.
func (a *AlertmanagerProcess) Kill() {
	if a.process == nil {
		return
	}
	_ = a.process.command.Process.Signal(syscall.SIGKILL) // it may have ended by itself
	<-a.process.ended
	_ = a.process.guard.Close()
	a.process = nil
}

// Restart kills it if it runs, and starts it on the same address.
func (a *AlertmanagerProcess) Restart() {
	a.t.Helper()
	a.Kill()
	if err := a.start(); err != nil {
		a.t.Fatalf("restart alertmanager: %v", err)
	}
}

func (a *AlertmanagerProcess) start() error {
	log, err := os.OpenFile(filepath.Join(a.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	command := exec.Command(a.binary, "--config.file="+filepath.Join(a.dir, "alertmanager.yml"), "--storage.path="+filepath.Join(a.dir, "data"),
		"--web.listen-address="+a.addr, "--cluster.listen-address=")
	command.Stdout, command.Stderr = log, log
	if err := command.Start(); err != nil {
		return err
	}
	guard, err := guardProcess(command.Process.Pid)
	if err != nil {
		_ = command.Process.Kill()
		return err
	}
	life := &alertmanagerLife{command: command, ended: make(chan struct{}), guard: guard}
	go func() {
		_ = command.Wait()
		close(life.ended)
	}()
	a.process = life

	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	giveUp := time.After(20 * time.Second)
	for {
		if resp, err := http.Get(a.URL + "/-/ready"); err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-life.ended:
			a.Kill()
			text, _ := os.ReadFile(log.Name())
			return fmt.Errorf("it ended at once: %s", text)
		case <-giveUp:
			a.Kill()
			return fmt.Errorf("it is not ready on %s", a.addr)
		case <-again.C:
		}
	}
}
