// Package topics reads what the oracle compares from the brokers: the source, the
// outputs and the journal of a pipeline, read_committed, one partition at a time.
//
//	Await ──▶ nothing moves, nothing is open, all is folded ──▶ Standing
//	Standing + partition ──▶ Read ──▶ oracle.Input
package topics
