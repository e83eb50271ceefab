// Package board folds the records of the alerts topic into the episodes that are open,
// for people to look at. It is pure: who has the records says when.
//
//	alert record ──Parse──▶ Event ──Board.Take──▶ open episodes, by id
//
// An episode is on the board from its first event that is read until the one that ends
// it. What nobody would end is taken off: alerts of a rule that is no longer in the
// file, and those of a state that was begun anew, whose weir-seq starts at 1 again.
package board
