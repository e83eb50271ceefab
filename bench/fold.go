package main

import (
	"context"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
)

const foldCommand = "go test -run '^$' -bench '^BenchmarkFold$/^devices=10000$' -benchmem ./engine/task"

// fold runs the Go benchmark of weir's fold, from the bytes of a reading to the results of its windows: what the engine does without a
// broker, where allocations can be told from those of a Kafka client.
func (h *harness) fold(ctx context.Context, _ engine, r *result) error {
	command := exec.CommandContext(ctx, "sh", "-c", foldCommand)
	command.Dir = h.root
	out, err := command.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", foldCommand, err, out)
	}
	r.Figures = benchmarkFigures(string(out))
	if len(r.Figures) == 0 {
		return fmt.Errorf("%s: no figure in\n%s", foldCommand, out)
	}
	return nil
}

// benchmarkFigures reads the numbers of the first benchmark that `go test` printed, by their units; "/" in a unit becomes "_per_".
func benchmarkFigures(out string) map[string]float64 {
	found := map[string]float64{}
	line := regexp.MustCompile(`(?m)^Benchmark\S+\s+\d+\s+(.*)$`).FindStringSubmatch(out)
	if line == nil {
		return found
	}
	for _, pair := range regexp.MustCompile(`([0-9.]+) ([A-Za-z]+)/op`).FindAllStringSubmatch(line[1], -1) {
		if n, err := strconv.ParseFloat(pair[1], 64); err == nil {
			found[pair[2]+"_per_op"] = n
		}
	}
	return found
}
