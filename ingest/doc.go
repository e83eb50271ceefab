// Package ingest is where readings come in. Its subpackages decode messages
// (codec), bridge MQTT topics into the source topic (mqtt) and write to it
// (kafka):
//
//	device -> mqtt -> kafka -> source topic -> engine, with codec -> event.Reading
//
// The codec is pure, bytes in and readings out; mqtt and kafka are adapters and
// never import each other. What cannot be decoded is not an error: it becomes a
// reading with a reason, which the engine counts and sends to quarantine.
package ingest

// DeviceHeader is the header of a Kafka record that carries the device's name
// where the MQTT topic told it. A reader takes it before any field of the
// payload.
const DeviceHeader = "weir-device"

// TraceHeader is the header of a Kafka record that carries its trace context, as W3C's
// Trace Context has it and OpenTelemetry writes it: 00-TRACE-PARENT-FLAGS.
const TraceHeader = "traceparent"
