package simulation

import (
	"fmt"
	"os"
	"strconv"
	"testing"
	"testing/synctest"
	"time"
)

func TestOne(t *testing.T) {
	n, _ := strconv.Atoi(os.Getenv("SEEDS"))
	seed, _ := strconv.ParseUint(os.Getenv("SEED"), 10, 64)
	for i := range max(n, 1) {
		began := time.Now()
		var sum Summary
		var err error
		synctest.Test(t, func(t *testing.T) {
			sum, err = Run(Options{Seed: seed + uint64(i), Trace: os.Stderr, Verbose: os.Getenv("VERBOSE") != ""})
		})
		fmt.Println("RESULT", seed+uint64(i), time.Since(began), sum, err)
		if err != nil {
			t.Error(seed+uint64(i), err)
		}
	}
}
