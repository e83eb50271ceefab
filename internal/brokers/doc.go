// Package brokers runs a Kafka broker and an MQTT broker inside the process:
// for the demo, for trying a pipeline out and for tests. Both listen on the
// loopback interface only and let everybody in, so that any client on the
// machine can look inside. They are no substitute for real brokers: the Kafka
// one has no replicas, the MQTT one keeps its sessions in memory.
package brokers
