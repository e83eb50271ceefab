// Package mqtt bridges MQTT topics into the source topic. MQTT cannot be
// rewound, so exactly-once starts at the Kafka append and everything before it
// is at least once: a message is acknowledged to the MQTT broker only after
// Kafka has acknowledged it.
//
//	MQTT broker --PUBLISH--> receive --queue--> produce --order--> acknowledge
//	     ^                                        |                    |
//	     |                                        v                    |
//	     |                                  source topic               |
//	     +-------------------------PUBACK, in order of arrival---------+
//
// One connection is one epoch with a client of its own:
//
//	| what happens           | the epoch                  | its unacknowledged messages      |
//	|------------------------|----------------------------|----------------------------------|
//	| Kafka confirms         | goes on                    | the oldest is acknowledged       |
//	| Kafka refuses          | is dropped, nothing more   | come again on the next epoch     |
//	|                        | of it is acknowledged      | (3.1.1 resends only on connect)  |
//	| the connection is lost | ends                       | are still produced, come again   |
//	| Run is told to stop    | takes in no more, drains,  | none, unless Kafka is too slow   |
//	|                        | disconnects                |                                  |
//
// An acknowledgement belongs to the client that received the message, so one
// for an old connection can never travel on a new one.
package mqtt
