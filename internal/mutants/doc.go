// Package mutants takes rules out of the code, those of the exactly-once protocol
// and those of what a pipeline means, one by one, and wants a test to fail for
// each: `make mutants`. A rule whose
// loss no test notices is a rule nobody keeps.
package mutants
