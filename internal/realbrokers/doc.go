// Package realbrokers finds or starts real brokers for tests: Apache Kafka through deploy/kafka/kafka.sh, and Mosquitto, kcat,
// Alertmanager and Prometheus as installed on the machine.
//
// Tests that use it carry the build tag "real"; `make test-real` installs what they need, starts one Kafka for all of them and runs
// them. They also run alone: `go test -tags real -run NAME ./some/package`.
//
//	what            found as
//	Kafka           $WEIR_KAFKA, else the one `make kafka-up` started, else a fresh one that ends with the test binary
//	PrivateKafka    always a fresh one of the test's own, whose nodes it may kill
//	Mosquitto       always a process of the test's own
//	Alertmanager    the same
//	Prometheus      the same; Promtool: in PATH
//	Kcat            in PATH
//
// Where a component is missing the test is skipped with a message that says what to install, unless CI=true or WEIR_REQUIRE_REAL=1:
// there it fails, because a test that is silently skipped proves nothing.
package realbrokers
