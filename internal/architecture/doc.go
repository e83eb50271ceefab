// Package architecture holds the project to its layers. It has tests only: they
// parse every Go file of the module, and a finding says where, which rule, and
// what to do instead. The rules, in the order of the files that check them:
//
//	table      which package may import which; every package has its place
//	imports    drivers stay in their adapters, internal in programs and tests,
//	           testing in tests
//	purity     the layers 0 and 1, ingest/codec and engine/task read no clock, start
//	           no goroutine, use no channel, touch nothing outside the process
//	order      and no order of a map reaches their output, unless the line says
//	           // unordered: reason
//	documents  every package says what it is for
//	variables  no package-level state in the layers 0 to 2; tables that nothing writes
//	           are marked // table: what it holds
//
// Files of tests are free of all of them. The checker is itself checked on small
// sources that break one rule each.
package architecture
