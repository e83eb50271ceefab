// Package kafka writes to the source topic and knows how producers of other
// makes choose a partition, so that a reader can tell whether a record lies
// where its device belongs.
package kafka
