// Package killtest holds tests that run the weir program against real brokers and kill it: they prove what its README promises and
// print the figures. What it shares with other tests of its kind is in internal/rig; everything carries the build tag "real".
//
//	what is shown                                                             reproduced by
//	20 x kill -9 under MQTT load changes no output record                     go test -tags real -run TestKill -v -timeout 30m ./internal/killtest
//	the same with other numbers                                               WEIR_KILL_READINGS=50000 WEIR_KILLS=5 WEIR_KILL_SEED=7 go test ... as above
//	time to the first output after kill -9, with and without local state      go test -tags real -run TestRecovery -v -timeout 30m ./internal/killtest
//	alerts reach real MQTT and Alertmanager through kills of all three       go test -tags real -run TestOutlets -v ./internal/killtest
//	examples/sensor-spill.yaml finds the steam in real data, and only there   go test -tags real -run TestSensorSpill -v ./internal/killtest
//
// On 2 cores they take about 2 minutes, 90 s, 20 s and 5 s.
//
// # TestKill
//
// A fleet of 10,000 devices publishes over Mosquitto with QoS 1; 5 % of the messages are repeats, 1 % come out of order, 0.5 % are too
// late. weir is killed with SIGKILL at random moments, spread over the run or within the first second and a half of a life, and
// started again at once. A second pipeline with the same windows and rules reads the same fleet, without the repeats and without
// MQTT, and is never killed. What kcat reads of both with isolation.level=read_committed has to be equal, record for record and in
// order, for every device, once the names of pipeline and topic, the source offset and the id that is made of the name are taken
// out. Ids, the weir-seq of alerts, counters and open transactions are checked on their own. All event times lie in the past and
// idle_after is a day: nothing in the output depends on the wall clock but the clock of the task in alerts, and the time of what is said
// again, and these are taken out as well. Operators' silences stand in the topic of commands before either pipeline begins. What follows
// wall time, such as silence, repeats and escalation, cannot be compared so; internal/chaos has it.
//
// # TestRecovery
//
// 100,000 devices in 4 partitions, whose state is on disk, and a constant flow of readings. The time runs from the exec of the new
// process to the first output record that a read_committed consumer gets and that was not there when the old process had ended. In
// the end all output is compared with a model that knows every reading; dedupe is off, so that a reading folded twice shows.
package killtest
