// Package mutants takes the rules of the exactly-once protocol out of the code,
// one by one, and wants a test to fail for each: `make mutants`. A rule whose
// loss no test notices is a rule nobody keeps.
package mutants
