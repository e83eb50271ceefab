// Package kafkaproxy stands between Kafka clients and brokers and lets requests and replies get lost one by one.
//
//	client ──▶ listener for broker 1 ──▶ broker 1
//	       ──▶ listener for broker 2 ──▶ broker 2
//
// It understands of the protocol what it takes to see each request and each reply as a whole, and to put its own addresses into the
// replies that name brokers (Metadata, FindCoordinator, DescribeCluster, and the leaders that Produce and Fetch tell): a client that
// has one of its addresses to begin with never learns another.
//
// A rule looks at every request on its way to the broker and at every reply on its way back, and decides:
//
//	verdict   request                                     reply
//	Pass      forwarded                                   forwarded, after the delay
//	Cut       the broker never sees it; hung up           the broker has done it and nobody knows; hung up
//	Swallow   nothing more passes on this connection, which stays open: only the client's timeout ends it
package kafkaproxy
