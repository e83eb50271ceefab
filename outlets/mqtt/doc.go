// Package mqtt delivers alerts to an MQTT broker: each record as it stands in the alerts topic, to a topic made of a template. An alert
// counts as delivered when the broker has acknowledged it (PUBACK, with QoS 1). With trouble the connection is given up, and what it has
// not acknowledged is published again on the next one, in order and followed by all that came behind it; the id in the record tells a
// subscriber what it has seen.
//
// The session is a clean one: the client library keeps nothing to send by itself, for what has to be sent again stands in Kafka.
package mqtt
