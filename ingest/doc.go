// Package ingest is where readings come in. Its subpackages decode messages
// (codec), bridge MQTT topics into the source topic (mqtt) and read that topic
// (kafka):
//
//	device -> mqtt -> source topic -> kafka -> codec -> event.Reading -> engine
//
// The codec is pure, bytes in and readings out; mqtt and kafka are adapters and
// never import each other. What cannot be decoded is not an error: it becomes a
// reading with a reason, which the engine counts and sends to quarantine.
package ingest
