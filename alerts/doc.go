// Package alerts is the alert machine: it folds the samples one rule sees of one
// device, in order of their time, into a few 64-bit words and says which events
// follow. It knows no clock but the samples' own, starts nothing and keeps
// nothing: the words belong to the caller, who stores, copies and restores them
// as they are.
//
// A rule has one or more levels, lowest first. Each level is a latch of its own:
//
//   - it latches once its condition (value > above, or value < below) has held
//     for the level's hold, at once where hold is zero;
//   - it unlatches once the value passes its clear threshold (value < clear_below,
//     or value > clear_above), or, where it has none, once the condition no
//     longer holds.
//
// The level of the rule is the highest one latched. An episode is one life of an
// alert: it starts with the sample that leaves ok and ends with the sample that
// returns there. The states, and the events on the way:
//
//	state        a sample after which ...                     next         event
//	OK           a level is latched                           Firing       firing, level
//	OK           a condition holds, its hold not yet over     Pending      pending, level
//	Pending      a level is latched                           Firing       firing, level
//	Pending      no condition holds                           OK           ok
//	Pending      follows a hole, on_gap: reset                OK, then as  ok, then as
//	                                                          from OK      from OK
//	Firing       another level is the highest latched         Firing       firing, new level
//	Firing       none is latched, keep_firing > 0             Recovering   recovering, last level
//	Firing       none is latched, keep_firing = 0             OK, then as  resolved, last level,
//	                                                          from OK      then as from OK
//	Recovering   a condition holds up to the last level       Firing       firing, level
//	Recovering   keep_firing has passed since the first miss  OK           resolved, last level
//
// Every other sample emits nothing. A level that waits out its hold while another
// one fires emits nothing until it fires itself.
//
// # Hold and holes
//
// A hold counts the event time that samples cover: the time between two
// neighbouring samples in both of which the condition holds. Where the two lie
// further apart than IdleAfter there is a hole between them, and OnGap says what
// it is worth: Pause counts nothing of it, Hold counts all of it, Reset starts
// the hold over. A hole never recovers a firing alert.
//
// # Keep firing
//
// KeepFiring counts from the first sample after which no level is latched to the
// sample that resolves, holes included: both ends of it are samples that say the
// condition is gone. While a level has fired in the episode and none is latched,
// a condition that holds again latches its level at once, up to the level last
// fired, since its hold has been served; a higher level waits out its own.
//
// # Silence, repeats, flapping
//
// Silence sends no samples, so a rule on it (CompileAbsence) is fired and ended by
// its caller, who also says when it is time to say once more what an alert is in
// (Again): an event like the others that changes nothing. Flapping looks at the
// times of events alone and stands beside the machine.
//
// # Order
//
// Samples come in order of time. From the first sample of an episode on the
// machine remembers the newest time it has seen, and a sample that is older
// changes nothing; of those of one time each counts, the later arrival last, and
// no time passes between them. It goes on remembering the last one of an episode,
// and when that began, and in ok takes none of the time at which it did: so the
// starts of a device's episodes strictly increase and their ids never repeat. A
// device that has never left ok has no such memory, and a sample that keeps it
// in ok is not remembered either: it changes no word, so nothing is journaled
// for it. A sample that is not a number is no sample.
package alerts
