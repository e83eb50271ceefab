// Package oracle says what a pipeline must have written, and compares it with
// what it wrote.
//
//	source records ──▶ readings ──▶ model (maps, slices, loops) ──▶ expected outputs ─┐
//	journal ──▶ facts: where wall time entered ──▶ legal? ────▲                       ├──▶ differences
//	        └──▶ which roster was in force ── its file ───────┤                       │
//	aggregates, alerts, quarantine as found on the brokers ───┴───────────────────────┘
//	                      (what a sketch said, for the rules that went by it)
//
// Of windows over several devices a Fleet has the second half: what groups made of
// the partials of devices.
//
// It shares no processing code with the engine, but for the interpreter of
// expressions, which is neither's: it knows the pipeline file, the
// records that docs/RECORDS.md describes and the meaning that docs/SEMANTICS.md
// gives them, and nothing else. A window keeps its readings in a slice, and every
// result is computed from that slice at the moment it is said. It is pure: no
// clock, no I/O, no goroutine.
package oracle
