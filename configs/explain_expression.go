package configs

import (
	"fmt"
	"strings"
)

// explainExpressions tells which readings count, and what is made of them.
func (p *Pipeline) explainExpressions(b *strings.Builder) {
	if p.Where != nil {
		fmt.Fprintf(b, "A reading counts only where this holds, and is filtered where not: %s\n", p.shown("where"))
	}
	for i := range p.Derive {
		d := &p.Derive[i]
		path := "derive." + d.Name
		text := p.shown(path + ".value")
		if text == "" {
			text = p.shown(path)
		}
		where := ""
		if len(d.Fields) > 0 {
			names := make([]string, len(d.Fields))
			for k, f := range d.Fields {
				names[k] = p.Metrics[f]
			}
			where = ", in objects that hold " + andList(names) + ","
		}
		fmt.Fprintf(b, "Each reading of %s%s also makes one of %s: %s\n", p.Metrics[d.From], where, d.Name, text)
	}
}
