package configs

import "strings"

// suggest returns `; did you mean X?` for the candidate nearest to word, or
// nothing where none is near.
func suggest(word string, candidates []string) string {
	if c := nearest(word, candidates); c != "" {
		return "; did you mean " + c + "?"
	}
	return ""
}

// nearest returns the candidate with the smallest edit distance to word, the
// earlier of equals, or nothing where that is more than a third of the word.
// Case, hyphens and underscores do not count, so that waitForLate is
// wait_for_late; neither does what the word leaves out at the end, so that idle
// is idle_after, nor another word for the same thing.
func nearest(word string, candidates []string) string {
	w := plainWord(word)
	best, bestDistance := "", max(1, len(w)/3)+1
	for _, c := range candidates {
		if d := editDistance(w, plainWord(c)); d < bestDistance {
			best, bestDistance = c, d
		}
	}
	if best != "" {
		return best
	}
	same := synonym(w, candidates)
	for _, c := range candidates {
		if c == same || len(w) > 2 && strings.HasPrefix(plainWord(c), w) {
			return c
		}
	}
	return ""
}

func plainWord(s string) string {
	return strings.ToLower(strings.NewReplacer("-", "", "_", "", " ", "").Replace(s))
}

// editDistance counts the bytes to insert, delete, replace or swap with their
// neighbour to make b of a: the optimal string alignment distance.
func editDistance(a, b string) int {
	const longest = 64 // beyond that nobody made a typing error
	if len(a) > longest || len(b) > longest {
		return longest
	}
	var rows [3][longest + 1]int
	before, above, row := &rows[0], &rows[1], &rows[2]
	for j := range len(b) + 1 {
		above[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(above[j]+1, row[j-1]+1, above[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, above, row = above, row, before
	}
	return above[len(b)]
}

// orList writes words as a, b or c.
func orList(words []string) string { return joinLast(words, " or ") }

// andList writes words as a, b and c.
func andList(words []string) string { return joinLast(words, " and ") }

func joinLast(words []string, last string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	n := len(words) - 1
	return strings.Join(words[:n], ", ") + last + words[n]
}
