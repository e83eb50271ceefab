package simulation

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"testing"
	"testing/synctest"
)

// result is what a worker says of a seed.
type result struct {
	Seed    uint64
	Wrong   string
	Summary Summary
}

// TestWorker is the other half of TestSimulation: it runs the seeds it reads,
// each in a bubble. Processes of their own have two reasons: a world in which a
// goroutine panics or waits for ever takes nobody with it, and one thread per
// world makes a seed go the same way nearly every time.
func TestWorker(t *testing.T) {
	path := os.Getenv("WEIR_SIM_TRACE")
	if path == "" {
		t.Skip("runs as a process of TestSimulation")
	}
	verbose, _ := strconv.ParseBool(os.Getenv("VERBOSE"))
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		seed, err := strconv.ParseUint(in.Text(), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		trace, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		r := result{Seed: seed}
		synctest.Test(t, func(*testing.T) { r.run(trace, verbose) })
		if err := trace.Close(); err != nil {
			t.Fatal(err)
		}
		line, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Printf("%s%s\n", resultMark, line)
	}
}

const resultMark = "sim: "

func (r *result) run(trace io.Writer, verbose bool) {
	sum, err := Run(Options{Seed: r.Seed, Trace: trace, Verbose: verbose})
	r.Summary = sum
	if err != nil {
		r.Wrong = err.Error()
	}
}
