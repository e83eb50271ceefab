package main

import (
	"bufio"
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

//go:embed pipeline.yaml
var pipelineFile string

// table: sizes in seconds of windows beyond the job's; all divide a day.
var moreWindows = [...]int{20, 30, 40, 50, 60, 80, 90, 100}

// weir is this project's engine.
type weir struct {
	label  string
	root   string
	binary string
	silent bool
}

func (w weir) name() string { return w.label }

func (w weir) prepare(ctx context.Context) error {
	build := exec.CommandContext(ctx, "go", "build", "-o", w.binary, "./cmd/weir")
	build.Dir = w.root
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build weir: %w\n%s", err, out)
	}
	return nil
}

func (w weir) commands(j job) ([]command, error) {
	j.Silent = j.Silent || w.silent
	var all []command
	for i := range j.Processes {
		dir := w.home(j, i)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return nil, err
		}
		file := filepath.Join(dir, "pipeline.yaml")
		text, err := pipeline(j, filepath.Join(dir, "state"))
		if err != nil {
			return nil, err
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			return nil, err
		}
		address, err := httpAddress(dir)
		if err != nil {
			return nil, err
		}
		// gctrace makes the runtime say how much is live after each collection; it costs a line of text.
		all = append(all, command{Args: []string{w.binary, "run", "--http", address, file}, Env: []string{"GODEBUG=gctrace=1"},
			Dir: dir, Log: filepath.Join(dir, "log")})
	}
	return all, nil
}

func (w weir) home(j job, i int) string { return filepath.Join(j.State, strconv.Itoa(i)) }

func (w weir) group(j job) string { return "weir." + j.ID }

func (w weir) decoder() decoder { return weirDecoder() }

// losses: the group knows a process by the identity in its state folder, so that losing the pages and losing all are two things.
func (w weir) losses() []loss {
	remove := func(path ...string) func(job) error {
		return func(j job) error {
			for i := range j.Processes {
				if err := os.RemoveAll(filepath.Join(append([]string{w.home(j, i), "state", j.ID}, path...)...)); err != nil {
					return err
				}
			}
			return nil
		}
	}
	return []loss{keepsAll(), {name: "local state lost", remove: remove("badger")}, {name: "local state and identity lost", remove: remove()}}
}

// pipeline is the pipeline file of a job.
func pipeline(j job, state string) (string, error) {
	var windows, rules strings.Builder
	for _, seconds := range moreWindows[:max(j.Windows-2, 0)] {
		fmt.Fprintf(&windows, "  - {name: more-%d, metric: temperature, tumbling: %[1]ds, compute: [count, mean, min, max], emit: {topic: %s-more}}\n", seconds, j.Out)
	}
	for n := 1; n < j.Rules; n++ {
		fmt.Fprintf(&rules, "  - {name: more-%d, when: temperature, levels: {hot: {above: %d, clear_below: 70}}, message: \"{{device}}\"}\n", n, 1000+n)
	}
	if j.Silent { // a window that nobody looks at is refused
		for _, when := range []string{"ten.max", "hop.mean"} {
			fmt.Fprintf(&rules, "  - {name: on-%s, when: %s, levels: {hot: {above: 1000}}, message: \"{{device}}\"}\n", when[:3], when)
		}
	}
	emit := func(topic string) string {
		if j.Silent {
			return "{on: never}"
		}
		return "{topic: " + topic + "}"
	}
	values := map[string]string{
		"APP": j.ID, "BROKERS": j.Brokers, "SOURCE": j.Source, "OUT": j.Out, "STATE": state, "MEMORY": strings.ToUpper(j.Heap) + "iB",
		"EMIT_TEN": emit(j.Out + "-ten"), "EMIT_HOP": emit(j.Out + "-hop"), "MORE_WINDOWS": windows.String(), "MORE_RULES": rules.String(),
	}
	missing := ""
	text := os.Expand(pipelineFile, func(name string) string {
		value, ok := values[name]
		if !ok {
			missing = name
		}
		return value
	})
	if missing != "" {
		return "", fmt.Errorf("pipeline.yaml: nothing is known of $%s", missing)
	}
	if j.MQTT != "" {
		text += fmt.Sprintf("mqtt:\n  broker: tcp://%s\n  subscribe: [{filter: \"bench/#\", qos: 1}]\n  device: device\n", j.MQTT)
	}
	return text, nil
}

// httpAddress chooses a free port for a process once, and keeps it over its lives.
func httpAddress(dir string) (string, error) {
	file := filepath.Join(dir, "http")
	if known, err := os.ReadFile(file); err == nil {
		return string(known), nil
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer listener.Close()
	return listener.Addr().String(), os.WriteFile(file, []byte(listener.Addr().String()), 0o600)
}

// metric asks the processes for a number and adds up what they say over all labels; 0 where they do not answer.
func (w weir) metric(ctx context.Context, j job, name string) float64 {
	sum := 0.0
	for i := range j.Processes {
		address, err := httpAddress(w.home(j, i))
		if err != nil {
			return 0
		}
		ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/metrics", nil)
		if err != nil {
			cancel()
			return 0
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			cancel()
			return 0
		}
		lines := bufio.NewScanner(response.Body)
		for lines.Scan() {
			words := strings.Fields(lines.Text())
			if label, _, _ := strings.Cut(lines.Text(), "{"); len(words) == 2 && (words[0] == name || label == name) {
				n, _ := strconv.ParseFloat(words[1], 64)
				sum += n
			}
		}
		_ = response.Body.Close()
		cancel()
	}
	return sum
}

// liveHeap is what was live after the last collection of each process, by its own trace: "... 404->810->402 MB, ...", of which the third is
// what was marked (package runtime, GODEBUG gctrace).
func (w weir) liveHeap(j job) int64 {
	trace := regexp.MustCompile(`gc \d+ @.* \d+->\d+->(\d+) MB, `)
	sum := int64(0)
	for i := range j.Processes {
		text, err := os.ReadFile(filepath.Join(w.home(j, i), "log"))
		if err != nil {
			return 0
		}
		found := trace.FindAllSubmatch(bytes.TrimSpace(text), -1)
		if len(found) == 0 {
			return 0
		}
		n, _ := strconv.ParseInt(string(found[len(found)-1][1]), 10, 64)
		sum += n << 20
	}
	return sum
}
