package commands

import (
	"encoding/json"
	"maps"
	"os"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// The schema for other writers says what is written here, and has the same limits.
func TestSchema(t *testing.T) {
	text, err := os.ReadFile("../../docs/commands.schema.json")
	require.NoError(t, err)
	type object struct {
		Required   []string
		Properties map[string]json.RawMessage
	}
	var schema struct {
		Title string
		Defs  map[string]object `json:"$defs"`
	}
	require.NoError(t, json.Unmarshal(text, &schema))
	require.Equal(t, Schema, schema.Title)

	whole := silence("x", 10)
	whole.Reason = "why"
	ack := Ack{ID: someID, Rule: "r", Whose: Whose{Device: "d"}, Author: "kim", Reason: "why", At: 5}
	group := Ack{ID: someID, Rule: "r", Whose: Whose{Group: "g", By: "all"}, Author: "kim", Reason: "why", At: 5}
	inhibit := Inhibit{Rule: "r", Level: "l", Label: "s", Text: "t", Whose: Whose{Device: "d"}}
	for _, c := range []struct {
		def   string
		value []byte
	}{{"ack", ack.AppendValue(nil)}, {"ack", group.AppendValue(nil)}, {"silence", whole.AppendValue(nil)}, {"inhibit", inhibit.AppendValue(nil)}} {
		var record map[string]json.RawMessage
		require.NoError(t, json.Unmarshal(c.value, &record))
		def := schema.Defs[c.def]
		known := slices.Collect(maps.Keys(def.Properties))
		if c.def != "silence" {
			known = append(known, slices.Collect(maps.Keys(schema.Defs["whose"].Properties))...)
		}
		require.Subset(t, known, slices.Collect(maps.Keys(record)), c.def)
		require.Subset(t, slices.Collect(maps.Keys(record)), def.Required, c.def)
	}
	var matchers struct{ MaxItems int }
	require.NoError(t, json.Unmarshal(schema.Defs["silence"].Properties["matchers"], &matchers))
	require.Equal(t, MaxMatchers, matchers.MaxItems)
}

// Nothing that the schema requires may be missing.
func TestSchemaRequiresWhatParseDoes(t *testing.T) {
	text, err := os.ReadFile("../../docs/commands.schema.json")
	require.NoError(t, err)
	var schema struct {
		Defs map[string]struct{ Required []string } `json:"$defs"`
	}
	require.NoError(t, json.Unmarshal(text, &schema))
	s := silence("x", 10)
	a := Ack{ID: someID, Rule: "r", Whose: Whose{Device: "d"}, Author: "kim", Reason: "why", At: 5}
	i := Inhibit{Rule: "r", Level: "l", Label: "s", Text: "t", Whose: Whose{Device: "d"}}
	for _, c := range []struct {
		def, key string
		value    []byte
	}{{"ack", a.Key(), a.AppendValue(nil)}, {"silence", s.Key(), s.AppendValue(nil)}, {"inhibit", i.Key(), i.AppendValue(nil)}} {
		var record map[string]json.RawMessage
		require.NoError(t, json.Unmarshal(c.value, &record))
		for name := range record {
			less := maps.Clone(record)
			delete(less, name)
			value, err := json.Marshal(less)
			require.NoError(t, err)
			_, err = Parse(c.key, value)
			required := slices.Contains(schema.Defs[c.def].Required, name) || name == "device"
			require.Equal(t, required, err != nil, "%s without %s: %v", c.def, name, err)
		}
	}
}
