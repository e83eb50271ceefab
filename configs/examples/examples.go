// Package examples holds the example pipelines, so that the demo can run one of
// them without a checkout.
package examples

import _ "embed" // for the files

// Demo is demo.yaml: the pipeline that `weir demo` runs.
//
//go:embed demo.yaml
var Demo []byte
