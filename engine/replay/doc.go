// Package replay drives a task through history under virtual time, for tests of
// rules and for looking back:
//
//	records ──▶ Replay.Fold ── timers that are due first ──▶ task.Fold ──▶ alerts, aggregates
//	time    ──▶ Replay.Advance ──────────────────────────▶ task.Advance
//	           Replay.Restart ── seal, throw away, rebuild from the journal
//
//	records, time, commands ──▶ Works ── all tasks of a pipeline, those of groups as well, and what they send each other
//
//	configs.Scenario ──▶ Run ──▶ Verdict, with the differences as text
//	alerts of all tasks ──▶ Log ──▶ Episodes ──▶ Summarize, Compare
//
// It is pure like the task: append times come with the records, and nothing else
// moves its clock. Timers fire at their very millisecond, which is what a live task
// comes near to that has caught up.
package replay
