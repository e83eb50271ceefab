package replay

import (
	"cmp"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/weirstream/weir/event"
)

// alertOrder is what alerts are sorted by.
type alertOrder struct {
	at           event.Time
	rule, device string
}

func compareAlerts(a, b alertOrder) int {
	return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.rule, b.rule), cmp.Compare(a.device, b.device))
}

// aligned is a place in either of two lists, -1 where there is none.
type aligned struct {
	a, b  int
	equal bool
}

// align is a longest common subsequence of two lists (Wagner and Fischer 1974) with
// all that is not in it.
func align(n, m int, same func(i, k int) bool) []aligned {
	common := make([][]int, n+1) // of the lists behind i and k
	for i := range common {
		common[i] = make([]int, m+1)
	}
	for i := n - 1; i >= 0; i-- {
		for k := m - 1; k >= 0; k-- {
			common[i][k] = max(common[i+1][k], common[i][k+1])
			if same(i, k) {
				common[i][k] = max(common[i][k], common[i+1][k+1]+1)
			}
		}
	}
	var all []aligned
	for i, k := 0, 0; i < n || k < m; {
		switch {
		case i < n && k < m && same(i, k) && common[i][k] == common[i+1][k+1]+1:
			all = append(all, aligned{i, k, true})
			i, k = i+1, k+1
		case k == m || i < n && common[i+1][k] >= common[i][k+1]:
			all = append(all, aligned{i, -1, false})
			i++
		default:
			all = append(all, aligned{-1, k, false})
			k++
		}
	}
	return all
}

// besides puts what was expected and what was found instead on one line: within a
// run of differences the first of either, and so on.
func besides(lines []Line) (out []Line) {
	for i := 0; i < len(lines); {
		if !lines[i].Differs {
			out = append(out, lines[i])
			i++
			continue
		}
		var expected, found []string
		for ; i < len(lines) && lines[i].Differs; i++ {
			if lines[i].Expected != "" {
				expected = append(expected, lines[i].Expected)
			}
			if lines[i].Found != "" {
				found = append(found, lines[i].Found)
			}
		}
		for k := range max(len(expected), len(found)) {
			line := Line{Differs: true}
			if k < len(expected) {
				line.Expected = expected[k]
			}
			if k < len(found) {
				line.Found = found[k]
			}
			out = append(out, line)
		}
	}
	return out
}

// Diff renders the verdict of a test that failed: what was expected on the left, what
// was found on the right, and marks - + ! before what is missing, too much or other.
func (v *Verdict) Diff() string {
	var b strings.Builder
	for _, part := range []struct {
		name  string
		lines []Line
	}{{"alerts", v.Alerts}, {"aggregates", v.Aggregates}, {"readings", v.Readings}, {"steps", v.Steps}} {
		width := len("expected")
		differs := false
		for _, l := range part.lines {
			width = max(width, utf8.RuneCountInString(l.Expected))
			differs = differs || l.Differs
		}
		if !differs {
			continue
		}
		fmt.Fprintf(&b, "  %s\n", part.name)
		row := func(mark, left, right string) {
			b.WriteString(strings.TrimRight(fmt.Sprintf("    %s %-*s   %s", mark, width, left, right), " ") + "\n")
		}
		row(" ", "expected", "found")
		for _, l := range part.lines {
			row(l.mark(), l.Expected, l.Found)
		}
	}
	for _, h := range v.Hints {
		fmt.Fprintf(&b, "  hint: %s\n", h)
	}
	return b.String()
}

func (l *Line) mark() string {
	switch {
	case !l.Differs:
		return " "
	case l.Found == "":
		return "-"
	case l.Expected == "":
		return "+"
	default:
		return "!"
	}
}
