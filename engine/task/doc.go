// Package task is the fold of one task: one pipeline on one source partition.
//
//	records ──decode──▶ readings ──▶ bad? filtered? future? duplicate? late?
//	                                      │ no
//	                                      ▼
//	             device clock moves ──▶ windows due close ──▶ rules ──▶ outputs
//	                                      │
//	                                      ▼
//	                          the reading is folded into panes
//
// A Task is single-threaded and pure: records and time come in as arguments,
// outputs wait in a buffer, changed cells wait in the state table. It never
// looks at a clock, so a year of history folds as fast as it can be read, and a
// crash can be simulated between any two calls.
package task
