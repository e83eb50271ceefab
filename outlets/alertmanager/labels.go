package alertmanager

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// labelsOf are labels as every version of Alertmanager takes them: names of letters, digits and _, not beginning with a digit. Columns
// of a roster need not be such; what is not allowed becomes _, and of two that become the same the later in order gets one more.
func labelsOf(labels map[string]string) map[string]string {
	legal := make(map[string]string, len(labels))
	var others []string
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		if labels[name] == "" {
			continue // to Alertmanager the same as none
		}
		if labelName(name) == name {
			legal[name] = labels[name]
		} else {
			others = append(others, name)
		}
	}
	for _, name := range others {
		better := labelName(name)
		for _, taken := legal[better]; taken; _, taken = legal[better] {
			better += "_"
		}
		legal[better] = labels[name]
	}
	return legal
}

func labelName(s string) string {
	s = strings.Map(func(r rune) rune {
		if r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return '_'
	}, s)
	if s == "" || s[0] >= '0' && s[0] <= '9' {
		s = "_" + s
	}
	return s
}

// keyOf is the identity of an alert: its labels.
func keyOf(labels map[string]string) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		b.WriteString(strconv.Quote(name))
		b.WriteString(strconv.Quote(labels[name]))
	}
	return b.String()
}
