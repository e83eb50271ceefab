// Package fleet simulates devices that send readings, with the faults real
// ones have: repeats, late readings, clocks ahead of time, readings that
// overtake each other, and devices that overheat. What it says depends on its
// options alone, so a run can be repeated and its truth is known.
package fleet
