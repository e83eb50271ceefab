// The command bench measures weir and its peers side by side: one job, one topic, one machine, one engine at a time.
//
//	generator ──▶ Kafka source topic (8 partitions, LogAppendTime) ──▶ engine ──▶ OUT-ten, OUT-hop, OUT-alerts
//	    │                                                                │                    │
//	    └──────────▶ naive model ◀── compared as sets ───────────────────┼────────────────────┘
//	                                                                     └─ CPU, memory, bytes, offsets: from outside
//
// Everything is measured from outside the engine: CPU and memory from /proc, progress from the offsets that its group has
// committed, results by a read_committed consumer. What an engine says of itself is not used, with one exception that is named
// where it is: weir's live heap and allocations come from its own runtime.
//
//	what happens                           where
//	input, a function of its options       generator.go, load.go, flow.go
//	what must come out                     model.go, compare.go; how engines write it: decode.go
//	engines and how they are started       engines.go, weir.go, ceiling.go, process.go
//	what the machine says of them          proc.go, sampler.go, kafka.go, outputs.go, watch.go
//	the measures                           catchup.go, openloop.go, restart.go, mqtt.go, fold.go; sizes: trials.go
//	what is kept and shown                 result.go, tally.go, report.go, sections.go, goals.go, plot.go
//
// `go run ./bench -help` lists the flags; `make bench-peers` runs everything.
package main
