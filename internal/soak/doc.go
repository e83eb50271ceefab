// Package soak runs the weir program for a long time under a steady load of devices that come and go, and finds out whether anything
// grows that should not: memory, goroutines, open files, threads, the journal, the local store, the state, the log.
//
//	make soak                          30 minutes at 20,000 readings/s
//	make soak FOR=2h RATE=5000         as long and as fast as wanted
//
// It needs what the other tests against real brokers need (build tag "real"). Without WEIR_SOAK_FOR it runs for half a minute, which
// shows that it works and says nothing about growth.
//
// # The load
//
// Most readings go straight to Kafka, a twentieth through Mosquitto and the bridge; 2 % are repeats, 1 % out of order, 0.5 % late. At
// any moment 10,000 devices speak. Each lives for three minutes and gives way to one of another name; a device that has been silent
// for a minute and a half is forgotten. So in half an hour more than 100,000 devices pass through state that has room for a few of them at a time.
// The pipeline has a window of each kind, one of them over the whole fleet, percentiles, rules with hold, repeats and escalation, and a rule on
// silence that every device sets off when it leaves. Kafka keeps only the newest readings and outputs: not its disk is tested.
//
// # The verdict
//
// A sample is taken every five seconds. The first third of the run is for warming up: the journal fills to what it may keep, windows and
// tables to their sizes. Of each measure the median over the last sixth is compared with that over the sixth after the warm-up, and the
// trend between them is the median of the slopes between all pairs of samples (Theil 1950, Sen 1968), which single peaks do not move.
// A measure that is more than a tenth (and more than its own noise floor) higher at the end fails the test.
package soak
