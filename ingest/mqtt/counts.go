package mqtt

import "sync/atomic"

// Counts says what a bridge has done since it was made. Every message counted
// in Received ends in exactly one of RetainedDropped, Produced, Failed and
// Abandoned; what is missing from the sum is still on its way, or was when Run
// ended, and then comes again.
type Counts struct {
	Received        int64 // messages the MQTT broker delivered
	RetainedDropped int64 // of those, retained ones that were dropped
	Produced        int64 // of those, confirmed by Kafka
	Failed          int64 // of those, refused by Kafka; the MQTT broker sends them again
	Abandoned       int64 // of those, given up unsent behind a refused one or at a stop; they come again
	Redelivered     int64 // of those, marked as a repeat by the MQTT broker
	NoDevice        int64 // of those, without a device that could be told
	Acked           int64 // acknowledgements sent, QoS 1 and 2 only
	Reconnects      int64 // connections after the first
	Connected       bool  // subscribed and receiving
}

// counters is the live form of Counts.
type counters struct {
	received, retainedDropped, produced, failed, abandoned atomic.Int64
	redelivered, noDevice, acked, connections              atomic.Int64
	connected                                              atomic.Bool
}

func (c *counters) read() Counts {
	return Counts{
		Received:        c.received.Load(),
		RetainedDropped: c.retainedDropped.Load(),
		Produced:        c.produced.Load(),
		Failed:          c.failed.Load(),
		Abandoned:       c.abandoned.Load(),
		Redelivered:     c.redelivered.Load(),
		NoDevice:        c.noDevice.Load(),
		Acked:           c.acked.Load(),
		Reconnects:      max(0, c.connections.Load()-1),
		Connected:       c.connected.Load(),
	}
}
