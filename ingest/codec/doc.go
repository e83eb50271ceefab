// Package codec turns the payload of one record into readings. It is pure:
// bytes in, readings out, and whatever is wrong with a message is said by the
// reading itself (event.Reading.Bad) rather than by an error.
//
// # Messages
//
// A message is a JSON document (RFC 8259): an object, or an array of objects.
//
//	{"device":"p-1","metric":"temp","ts":"2026-03-01T12:00:00Z","value":21.5,"seq":7}   narrow: one reading
//	{"id":"p-1","ts":1772366400000,"temp":21.5,"door":true}                             wide: one reading per field
//	[{...},{...}]                                                                       the readings of each, in order
//
// The whole payload is checked against the grammar, declared or not, before any
// of it is believed:
//
//	not JSON, nested deeper than MaxDepth, not an object or array at the top   one reading, Malformed
//	an element of the array that is not an object                              one reading of its own, Malformed
//	an empty array                                                             no reading
//
// Invalid UTF-8 inside strings passes the grammar. Of a key that occurs twice
// the last one counts. Keys may be written with escapes, and an escaped lone
// surrogate stands for U+FFFD, as in encoding/json.
//
// # Fields
//
// Each reading is judged by itself, in the order of the table. The first fault
// is its Bad; what was judged before is kept in the reading, what comes after is
// left zero (and Metric stays event.Undeclared if the metric was not reached).
//
//	device   string or integer (its digits are the name); not empty, valid UTF-8, at most event.MaxDevice bytes   NoDevice
//	metric   string; one that is not declared is Undeclared, and its value is not looked at                       NoMetric
//	value    number, bool or string; missing or null is NoValue, an object or array                               ValueType
//	         and a number beyond float64, such as 1e999                                                           ValueRange
//	time     string: RFC 3339 as time.Parse reads it; number: epoch in Options.Unit; anything else                TimeFormat
//	         from 1970 to the end of 2200, else                                                                   TimeRange
//	seq      integer in [0, 2^63) without sign, fraction or exponent: 5.0, 1e3 and -0 are refused                 SeqFormat
//
// A missing or null time or seq is no fault: HasTime or HasSeq is false. In a
// wide message a field that is missing or null gives no reading; an object with
// none of the fields gives a single Undeclared one, so that no object vanishes.
//
// # Two decoders
//
// Scanner is the hot path: one pass, no allocation per reading. Fallback says
// the same by way of fastjson, encoding/json, math/big and time.Parse. They
// agree on every input; the fuzz test FuzzScannerAgrees holds them to it.
package codec
