package chaos

// brokerFaults are those of brokers, network and topics.
func brokerFaults() []Fault { return nil }
