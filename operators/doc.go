// Package operators holds what happens to a reading before a window or a rule
// sees it: which time counts, how far the device's clock goes, and whether the
// reading has been here before. The windows are in package window, what they
// compute in package aggregate.
//
// Everything here is a pure function over words and times handed in.
package operators
