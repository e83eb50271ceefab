package codec

import (
	"bytes"
	"encoding/json"
	"slices"
)

// MetricsIn returns the names of the metrics that a payload speaks of, declared or not, each once: what the metric field of a narrow
// message holds, all other fields of a wide one. It takes the payload apart by encoding/json and is for people, not for every reading.
func (o *Options) MetricsIn(payload []byte) (names []string) {
	payload = bytes.TrimSpace(payload)
	var objects []map[string]json.RawMessage
	if len(payload) > 0 && payload[0] == '[' {
		if json.Unmarshal(payload, &objects) != nil {
			return nil
		}
	} else {
		var one map[string]json.RawMessage
		if json.Unmarshal(payload, &one) != nil {
			return nil
		}
		objects = append(objects, one)
	}
	for _, fields := range objects {
		if len(o.Wide) == 0 {
			var name string
			if json.Unmarshal(fields[o.Metric], &name) == nil && name != "" {
				names = append(names, name)
			}
			continue
		}
		for name := range fields { // unordered: sorted below
			if name != o.Device && name != o.Time && name != o.Seq {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
