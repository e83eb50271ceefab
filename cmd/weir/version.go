package main

import "runtime/debug"

// stamp is set by the linker (-X main.stamp=v1.2.3) where the source has no history to
// take a version from, as in a container's build; the linker sets nothing but variables.
var stamp string

// version is what the build was stamped with: a tag or a pseudo-version of the module;
// (devel) where there is neither.
func version() string {
	if stamp != "" {
		return stamp
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}
