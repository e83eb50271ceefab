//go:build !chaos

package main

import "github.com/weirstream/weir/engine"

// withFaults is where a program built with the tag chaos lets faults in from outside. This one lets none in.
func withFaults(o engine.Options) (engine.Options, error) { return o, nil }
