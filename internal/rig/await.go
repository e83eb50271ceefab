package rig

import (
	"context"
	"time"
)

// TB is what this package needs of a test: *testing.T, *testing.B and *testing.F have it.
type TB interface {
	Helper()
	Skip(args ...any)
	Fatal(args ...any)
	Fatalf(format string, args ...any)
	Errorf(format string, args ...any)
	Logf(format string, args ...any)
	Failed() bool
	TempDir() string
	Cleanup(func())
	Context() context.Context
}

// Condition is something to wait for: done, or what is missing.
type Condition func() (done bool, missing string)

// Await waits until the condition holds. Where the limit passes first it fails the test with what was still missing.
func Await(t TB, what string, limit time.Duration, c Condition) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for {
		done, missing := c()
		if done {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("not in %v: %s: %s", limit, what, missing)
		case <-again.C:
		}
	}
}

// check fails the test on an error.
func check(t TB, what string, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}
