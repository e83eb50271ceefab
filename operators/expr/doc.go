// Package expr works out the expressions of a pipeline file: conditions that
// filter readings, numbers that are derived from them, and what rules look at. The language is that of
// github.com/expr-lang/expr, which parses and types every expression.
//
//	text ─parse─▶ tree ─names, functions─▶ checked ─types─▶ ┬─ closures   numbers, comparisons, in [...], ?: ; no allocation
//	                                                        └─ VM         everything else; may allocate
//
// Both ways give the same result for every input; the fuzz test FuzzWaysAgree
// holds them to it. What an expression gives depends on its input alone: functions
// that read the clock are left out, and so is all that loops, since an expression
// is worked out for every reading.
package expr
