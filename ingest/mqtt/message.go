package mqtt

import "context"

// TopicHeader is the header that carries the MQTT topic of a message whose
// device could not be told, so that a person can find the sender.
const TopicHeader = "weir-mqtt-topic"

// Header is a header of a Kafka record. It is an alias of an unnamed struct,
// like Message, so that an adapter can implement Producer without importing
// this package.
type Header = struct {
	Key   string
	Value []byte
}

// Message is what becomes one record of the source topic. Nothing in it is
// changed after it was handed to a Producer.
type Message = struct {
	Key     []byte // the device; empty where it could not be told
	Value   []byte // the MQTT payload, untouched
	Route   []byte // what chooses the partition where Key is empty
	Headers []Header
}

// Producer appends messages to the source topic.
type Producer interface {
	// Produce takes the message and returns; it may block while too much is
	// buffered, until ctx is done. It calls promise exactly once, from any
	// goroutine, with nil when the append is durable. Messages of one key are
	// appended in the order of the calls.
	Produce(ctx context.Context, m Message, promise func(error))
}
