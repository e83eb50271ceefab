// Package history reads what devices said in the past as the records of a source
// topic: from NDJSON, from CSV, or from a range of a Kafka topic.
//
//	file ──▶ lines (NDJSON as it is, CSV turned into messages) ──▶ Lines: append time, partition ──▶ Batch
//	topic ────────────────────────────────────────────────────────▶ Range ──────────────────────▶ Batch
package history
