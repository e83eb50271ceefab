package main

import "runtime/debug"

// version is set by the linker (-X main.version=v1.2.3) where the source has no history
// to take it from, as in a container's build; the linker can set nothing but a variable.
var version string

// buildVersion is the version of this binary.
func buildVersion() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "unknown"
}
