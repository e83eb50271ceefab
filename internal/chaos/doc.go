// Package chaos breaks everything around the weir program on real Kafka, one fault after the other, and then asks two readers whether
// each output is there once: `weir verify`, and kcat, which shares no code with weir.
//
//	make chaos                               the cheap faults and a choice by seed, in less than four minutes
//	FAULT=kill-random make chaos             one fault
//	ROUNDS=3 FAULTS=all make chaos           every fault three times
//	KILLS=200 FAULT=kill-random make chaos   kill -9 200 times
//	SEED=7 ...                               the same choice and the same moments again
//
// The faults, and what each has to end with, are in the table that Faults returns; docs/EXACTLY_ONCE.md shows it. What a fault does
// is a function of the same name in a file with the build tag "real".
//
// # A round
//
//	topics and pipeline of its own -> weir processes -> load -> fault -> recovery -> end of the load -> caught up -> SIGTERM
//	  verified: weir verify finds no difference, kcat counts the same records, no transaction is open
//	  refused:  the process ends with exit code 1 and the message that the table says, and no transaction is open
//
// The load is a fleet with repeats, late readings, readings out of order or from the future, devices that overheat and devices that
// fall silent for some seconds. Event times are the present, idle_after is short, so wall time enters the output in every round.
//
// The rules are of every kind, with timers that come due within seconds (rules_test.go), and from the load's begin to its end an operator
// reads the alerts and acknowledges, silences and takes back, by records of the topic of commands or over the API of a process that may
// just be dying (operator_test.go). A run in which one kind of event never came about fails: it would show nothing of it. For these times
// weir is built with the tag chaos, which lets repeat_every be a second.
package chaos
