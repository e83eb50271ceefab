// Package commands reads and writes what operators tell the alerts of a pipeline:
// acknowledgements, silences and times of maintenance, and what tasks tell each other
// of alerts that inhibit others. They are the records of one compacted topic, and what
// counts is the last record of each key:
//
//	record ──Parse──▶ Command ──Set.Apply──▶ Set ──Version──▶ *Version, which tasks read
//
// A Version is what the records below an offset leave in force. It never changes, so
// tasks may hold one for as long as they like. That it depends on nothing but the last
// record of each key is what compaction needs: a topic read again says the same.
package commands
