package realbrokers

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// Promtool is the path of Prometheus's promtool.
func Promtool(t TB) string {
	t.Helper()
	path, err := exec.LookPath("promtool")
	if err != nil {
		missing(t, "promtool not found: install it (Debian: prometheus)")
	}
	return path
}

// PrometheusOptions say what a Prometheus does.
type PrometheusOptions struct {
	// Config is its file. Paths in it are relative to a directory of its own.
	Config string
	// Port of 127.0.0.1; 0: a free one.
	Port int
}

// Prometheus starts one for a test, whose end stops it, and returns its URL once it serves.
func Prometheus(t TB, o PrometheusOptions) string {
	t.Helper()
	binary, err := exec.LookPath("prometheus")
	if err != nil {
		missing(t, "prometheus not found: install it (Debian: prometheus)")
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "prometheus.yml"), []byte(o.Config), 0o600); err != nil {
		t.Fatal(err)
	}
	// Between choosing a free port and listening on it another process may take it.
	for range 5 {
		addr := fmt.Sprintf("127.0.0.1:%d", o.Port)
		if o.Port == 0 {
			addr = freeAddr(t)
		}
		if err = startPrometheus(t, binary, dir, addr); err == nil {
			return "http://" + addr
		}
	}
	t.Fatalf("start prometheus: %v", err)
	return ""
}

func startPrometheus(t TB, binary, dir, addr string) error {
	log, err := os.OpenFile(filepath.Join(dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	command := exec.Command(binary, "--config.file="+filepath.Join(dir, "prometheus.yml"), "--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+addr)
	command.Stdout, command.Stderr = log, log
	if err := command.Start(); err != nil {
		return err
	}
	guard, err := guardProcess(command.Process.Pid)
	if err != nil {
		_ = command.Process.Kill()
		return err
	}
	ended := make(chan struct{})
	go func() {
		_ = command.Wait()
		close(ended)
	}()
	kill := func() {
		_ = command.Process.Kill() // it may have ended by itself
		<-ended
		_ = guard.Close()
	}
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	giveUp := time.After(20 * time.Second)
	for {
		if resp, err := http.Get("http://" + addr + "/-/ready"); err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				t.Cleanup(kill)
				return nil
			}
		}
		select {
		case <-ended:
			kill()
			text, _ := os.ReadFile(log.Name())
			return fmt.Errorf("it ended at once: %s", text)
		case <-giveUp:
			kill()
			return fmt.Errorf("it is not ready on %s", addr)
		case <-again.C:
		}
	}
}
