package task

import (
	"os"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"
)

// alertSchemas are docs/alert.schema.json as consumers see it, and as weir has to
// keep to it: every field that is written is described there.
var alertSchemas = sync.OnceValues(func() (*jsonschema.Schema, error) {
	text, err := os.ReadFile("../../docs/alert.schema.json")
	if err != nil {
		return nil, err
	}
	strict := strings.Replace(string(text), `"additionalProperties": true`, `"additionalProperties": false`, 1)
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(strict))
	if err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	if err := c.AddResource("alert.json", doc); err != nil {
		return nil, err
	}
	return c.Compile("alert.json")
})

// asDescribed holds an alert event against the schema.
func asDescribed(t require.TestingT, record string) {
	schema, err := alertSchemas()
	require.NoError(t, err)
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(record))
	require.NoError(t, err, record)
	require.NoError(t, schema.Validate(value), record)
}
