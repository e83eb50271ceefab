//go:build !chaos

package configs

import "github.com/weirstream/weir/event"

// shortestRepeat is the least that repeat_every can be, in milliseconds: people read
// what is repeated.
const shortestRepeat = event.Time(60_000)
