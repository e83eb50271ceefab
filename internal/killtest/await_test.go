//go:build real

package killtest

import (
	"context"
	"testing"
	"time"
)

// condition is something to wait for: done, or what is missing.
type condition func() (done bool, missing string)

// await waits until the condition holds. Where the limit passes first it fails the test with what was still missing.
func await(t *testing.T, what string, limit time.Duration, c condition) {
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
