package chaos

import (
	"fmt"
	"strings"
)

// Markdown is the table as docs/EXACTLY_ONCE.md shows it.
func Markdown(faults []Fault) string {
	var b strings.Builder
	b.WriteString("| fault | what is done while readings flow | has to end |\n|---|---|---|\n")
	for _, f := range faults {
		does := f.Does
		if f.Needs != "" {
			does += " (needs " + f.Needs + ")"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", f.Name, cell(does), cell(f.Expected()))
	}
	return b.String()
}

// cell keeps a bar from ending a cell.
func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }
