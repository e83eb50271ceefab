// Package outlets carries alerts out of Kafka: an Outlet reads the alerts topic (read_committed) in a consumer group of its own and hands
// each alert to a receiver, at least once and in order per device. The alerts topic stays the one place where an alert is exactly once.
//
//	alerts topic --poll--> worker of its partition --Deliver--> receiver
//	     ^                        |                               |
//	     +----commit, only behind what the receiver has-----------+
//
// What is committed for a partition, and what the next life does with it:
//
//	| part               | is                                                        | records from there on    |
//	|--------------------|-----------------------------------------------------------|--------------------------|
//	| offset             | the oldest record that has to be known, or the same as    | are read                 |
//	|                    | below where nothing has to be                             |                          |
//	| delivered=N (text) | the receiver has, or refused, all before it               | are delivered; those     |
//	|                    |                                                           | before it only recalled  |
//
// An outlet shares nothing with the engine but the brokers, and nothing with another outlet: a receiver that is dead holds up the
// records for itself, in Kafka, and nothing else. In memory there is one bounded queue for each partition, and what a receiver has to
// say again (a Repeater) for as long as it has to.
package outlets
