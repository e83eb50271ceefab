//go:build chaos

package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/weirstream/weir/engine"
)

// withFaults lets faults in from the environment, for internal/chaos. The ordinary program has none of this.
//
//	WEIR_FAILPOINT  point[:partition[:n]]=kill|stop|exit[+delay]   the process does this to itself when it reaches the step of the
//	                protocol for the nth time (1 if absent) in the partition (any, if absent or *); with a delay it goes on meanwhile
//	                point[:partition[:n]]=hold+delay   from the nth time on the step takes so much longer
//	WEIR_CLOCK      a file with "+24h", "-1h" or "frozen": what the wall clock is off by, or that it stands still from when that is
//	                first read. It is read at every look at the clock; where it is missing or empty the clock is right
func withFaults(o engine.Options) (engine.Options, error) {
	if text := os.Getenv("WEIR_FAILPOINT"); text != "" {
		f, err := parseFailpoint(text)
		if err != nil {
			return o, err
		}
		o.Failpoint = f.reached
	}
	if path := os.Getenv("WEIR_CLOCK"); path != "" {
		clock := &wrongClock{path: path}
		o.WallClock = clock.now
	}
	return o, nil
}

// failpoint is a fault at a step of the protocol.
type failpoint struct {
	point     string
	partition int32 // -1: any
	n         int64
	act       func()
	delay     time.Duration
	hold      bool

	count atomic.Int64
}

func parseFailpoint(text string) (*failpoint, error) {
	bad := fmt.Errorf("WEIR_FAILPOINT=%q must be point[:partition[:n]]=kill|stop|exit|hold[+delay]", text)
	where, what, ok := strings.Cut(text, "=")
	if !ok {
		return nil, bad
	}
	f := &failpoint{partition: -1, n: 1}
	parts := strings.Split(where, ":")
	f.point = parts[0]
	if len(parts) > 1 && parts[1] != "*" {
		p, err := strconv.ParseInt(parts[1], 10, 32)
		if err != nil {
			return nil, bad
		}
		f.partition = int32(p)
	}
	if len(parts) > 2 {
		n, err := strconv.ParseInt(parts[2], 10, 64)
		if err != nil || n < 1 {
			return nil, bad
		}
		f.n = n
	}
	what, delay, delayed := strings.Cut(what, "+")
	if delayed {
		d, err := time.ParseDuration(delay)
		if err != nil {
			return nil, bad
		}
		f.delay = d
	}
	switch what {
	case "kill":
		f.act = func() { _ = syscall.Kill(os.Getpid(), syscall.SIGKILL) }
	case "stop":
		f.act = func() {
			_ = syscall.Kill(os.Getpid(), syscall.SIGSTOP)
			time.Sleep(20 * time.Millisecond) // another thread may take the signal: this one must not go on before
		}
	case "exit":
		f.act = func() { os.Exit(exitFailed) }
	case "hold":
		f.hold = true
	default:
		return nil, bad
	}
	return f, nil
}

// reached is engine.Options.Failpoint.
func (f *failpoint) reached(point string, partition int32) {
	if point != f.point || f.partition >= 0 && partition != f.partition {
		return
	}
	n := f.count.Add(1)
	switch {
	case f.hold && n >= f.n:
		time.Sleep(f.delay)
	case n != f.n || f.hold:
	case f.delay > 0:
		time.AfterFunc(f.delay, f.act)
	default:
		f.act()
	}
}

// wrongClock is a wall clock that a file puts wrong.
type wrongClock struct {
	path   string
	frozen atomic.Pointer[time.Time]
}

// now is engine.Options.WallClock. A file that says something else is a mistake of the test, and panics.
func (c *wrongClock) now() time.Time {
	text, err := os.ReadFile(c.path)
	switch said := strings.TrimSpace(string(text)); {
	case err != nil || said == "":
		c.frozen.Store(nil)
		return time.Now()
	case said == "frozen":
		at := time.Now()
		c.frozen.CompareAndSwap(nil, &at)
		return *c.frozen.Load()
	default:
		offset, err := time.ParseDuration(said)
		if err != nil {
			panic(fmt.Sprintf("WEIR_CLOCK: %q is no offset: %v", said, err))
		}
		c.frozen.Store(nil)
		return time.Now().Add(offset)
	}
}
