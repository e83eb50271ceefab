// Package engine is the shell around the fold: goroutines, clocks, ownership of
// partitions, Kafka transactions and recovery. Everything that can surprise a
// pipeline happens here; what to compute is decided in package task.
//
//	group ──seat──▶ runner (one per owned partition)
//	                  │  recover: fence, read K, load local state, replay journal
//	                  │  live:    fetch ▶ fold ▶ seal ▶ transaction ▶ confirm
//	                  │           checkpoint and trim beside it
//	                  └─ any doubt: drop everything in memory, recover again
//
// The Kafka transaction is the only commit point. It holds a batch's outputs,
// its journal record and its source offset; the local store is a cache of the
// journal that only makes recovery fast.
package engine
