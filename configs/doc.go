// Package configs turns the bytes of a pipeline file into a validated plan.
//
//	bytes -> YAML tree -> document (every key with its position) -> checks -> Pipeline
//	                          |                                       |
//	                          +--> JSON Schema                        +--> Explain
//
// The document types in document.go describe the file once: names, kinds,
// defaults and help of every key are their fields and tags. The decoder, the
// JSON Schema and the settings of `weir explain --full` are derived from them.
//
// The package is pure: it reads no file, no environment and no clock. What a
// file refers to with ${NAME} and ${file:/path} is asked of the caller.
//
// Strictness is the point. A key that is not known, a key that is planned but
// not built, a window nobody uses: each is an error that names its place and
// says what to do, and all of them are reported at once.
package configs
