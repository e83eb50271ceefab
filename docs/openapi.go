// Package docs has the documents that the program itself shows.
package docs

import _ "embed" // of what follows

//go:embed openapi.yaml
var openAPI []byte

// OpenAPI is the OpenAPI document of the HTTP API, as YAML. It is not to be written.
func OpenAPI() []byte { return openAPI }
