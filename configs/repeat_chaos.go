//go:build chaos

package configs

import "github.com/weirstream/weir/event"

// shortestRepeat is the least that repeat_every can be, in milliseconds, for
// internal/chaos: what it does to weir is over in half a minute.
const shortestRepeat = event.Time(1_000)
