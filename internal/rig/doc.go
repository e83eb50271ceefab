// Package rig holds what tests of the weir program against real brokers have in common: it builds and runs the program as a process
// that may be killed, stopped and started again, looks at a Kafka cluster from beside weir, and sends a fleet in the background.
//
//	BuildWeir    the program under test
//	Process      one pipeline file and state directory; its lives follow each other
//	Cluster      topics, offsets, and records as kcat reads them
//	Send         a fleet, to Kafka or MQTT
//	Await        waiting with a limit, without sleeping
//
// Everything it starts ends with the test, and with the test binary should that die.
package rig
