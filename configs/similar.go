package configs

import (
	"slices"
	"strings"
)

// Similar returns the names among candidates that may be meant by word, most of them at most, sorted: those at an edit distance of a
// third of the word or less, and those of which one is the beginning or the end of the other. Case, hyphens, dots and underscores do not count.
func Similar(word string, candidates []string, most int) []string {
	type found struct {
		name     string
		distance int
	}
	var near []found
	w := strings.ReplaceAll(plainWord(word), ".", "")
	for _, name := range candidates {
		c := strings.ReplaceAll(plainWord(name), ".", "")
		d := editDistance(w, c)
		short, long := w, c
		if len(short) > len(long) {
			short, long = c, w
		}
		part := len(short) > 2 && (strings.HasPrefix(long, short) || strings.HasSuffix(long, short))
		if part || d <= max(1, len(w)/3) {
			near = append(near, found{name, d})
		}
	}
	slices.SortStableFunc(near, func(a, b found) int { return a.distance - b.distance })
	names := make([]string, 0, most)
	for _, f := range near[:min(most, len(near))] {
		names = append(names, f.name)
	}
	slices.Sort(names)
	return names
}
