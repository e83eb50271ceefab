// Package consoletest holds tests that look at the console in a headless Chromium, over the DevTools protocol; they carry the build
// tag "real".
//
//	what is shown                                                             reproduced by
//	a real `weir run` and a fleet that overheats, killed and restarted        go test -tags real -run TestConsole$ -v ./internal/consoletest
//	states that are hard to come by, from a server that makes them up         go test -tags real -run TestLooks -v ./internal/consoletest
//
// With WEIR_SCREENSHOTS=DIR they leave pictures there, light and dark, on a desk and on a phone, for people to look at.
package consoletest
