// Package window keeps rolling windows over the readings of one series in words
// that somebody else owns.
//
// Tumbling and hopping windows share a [Ring] of panes: a pane is a stretch of
// event time as long as the greatest common divisor of the windows' sizes, steps
// and the differences of their offsets, or a calendar day of a time zone, and a
// window is merged from its panes when it speaks. A [Count] window keeps its last
// N readings, a [Rolling] window the panes before its newest reading, a [Session]
// the readings between two pauses.
//
//	         end + wait_for_late     + allow_backfill
//	---------------+-----------------------+------------->  device clock
//	  open         | closed for good       | late: refused
//	  Provisional: | Close: final=true     |
//	  final=false, | Revise: final=true,   |
//	  revision+1   | revision+1            |
//
// Windows are [start, end) and counted from the Unix epoch. Time comes in as an
// argument, results go out through a callback, and nothing is allocated once a
// ring is built.
package window
