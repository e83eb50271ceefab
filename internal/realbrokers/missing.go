package realbrokers

import "os"

// TB is what this package needs of a test: *testing.T, *testing.B and *testing.F have it.
type TB interface {
	Helper()
	Skip(args ...any)
	Fatal(args ...any)
	Fatalf(format string, args ...any)
	TempDir() string
	Cleanup(func())
}

// required tells whether a missing component fails a test: on CI and where the caller says so.
func required() bool {
	return os.Getenv("CI") == "true" || os.Getenv("WEIR_REQUIRE_REAL") == "1"
}

// missing ends the test for want of a component; reason says which, and how to get it.
func missing(t TB, reason string) {
	t.Helper()
	if required() {
		t.Fatalf("%s (it is required here: CI=true or WEIR_REQUIRE_REAL=1)", reason)
	}
	t.Skip(reason)
}
