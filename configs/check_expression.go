package configs

import (
	"fmt"
	"slices"
	"strings"

	"github.com/weirstream/weir/operators/expr"
)

// derivation is where a derived metric stands in the file, and what it needs.
type derivation struct {
	at     place
	from   string
	fields []string
}

// expressions checks where and derive. Windows and rules have been checked before:
// from them it follows what a derived metric is for, and from which it is made.
func (c *checker) expressions() {
	if w := &c.doc.Where; w.ok() {
		if program := c.compiled(w, expr.Condition); program != nil {
			c.p.Where = &Expression{Source: w.value}
			c.filters = c.fieldsOf(program)
		}
	}
	for i := range c.doc.Derive.items {
		c.derive(i)
	}
}

// derive checks the i-th derived metric.
func (c *checker) derive(i int) {
	doc, name := &c.doc.Derive.items[i], &c.doc.Derive.names[i]
	c.title(name)
	d := derivation{at: name.at}
	if name.ok() && c.wideNames(name.value) {
		c.errorf(name.at, "%s is a field of the messages, by source.reading.metrics; give what is derived a name of its own", name.path)
		name.bad = true
	}
	if program := c.compiled(&doc.Value, expr.Number); program != nil {
		d.fields = c.fieldsOf(program)
		c.deriveFrom(doc, &d)
	}
	c.derivations = append(c.derivations, d)
	c.p.Derive = append(c.p.Derive, Derived{
		Name: name.value, Value: Expression{Source: doc.Value.value}, Fields: make([]int, len(d.fields)),
	})
	c.derivedUsed(doc, name)
}

// deriveFrom finds the metric whose readings a derived one is made from.
func (c *checker) deriveFrom(doc *derivedDoc, d *derivation) {
	f := &doc.From
	c.title(f)
	switch {
	case f.bad:
	case f.set && c.isDerived(f.value):
		c.errorf(f.at, "%s is derived itself; a metric is derived from readings of the source only", f)
	case f.set:
		if problem := c.noSuchMetric(f.value); problem != "" {
			c.errorf(f.at, "%s %s", f, problem)
		}
	case len(d.fields) > 0:
		f.fill(d.fields[len(d.fields)-1])
	default:
		used := c.sourceMetrics()
		switch len(used) {
		case 1:
			f.fill(used[0])
		case 0:
			c.errorf(d.at, "%s does not say from which metric: no window, rule or from: names one of the source; write {from: METRIC, value: EXPRESSION}", doc.path)
		default:
			c.errorf(d.at, "%s does not say from which metric, and windows, rules and from: use %s; write {from: %s, value: EXPRESSION}", doc.path, andList(used), used[0])
		}
	}
	d.from = f.value
}

// sourceMetrics are the metrics of the source that windows, rules and derivations
// with from use, each once.
func (c *checker) sourceMetrics() []string {
	all := c.windowMetrics()
	for i := range c.p.Rules {
		when, f := &c.doc.Rules.items[i].When, c.p.Rules[i].Formula
		if when.ok() && f == nil && c.p.Rules[i].When.Window < 0 {
			all = append(all, when.value)
		}
		for k := 0; f != nil && k < len(f.Inputs); k++ {
			if in := &f.Inputs[k]; in.Window < 0 {
				all = append(all, in.Name)
			}
		}
	}
	for i := range c.doc.Derive.items {
		if f := &c.doc.Derive.items[i].From; f.set && f.ok() {
			all = append(all, f.value)
		}
	}
	var used []string
	for _, m := range all {
		if m != "" && !c.isDerived(m) && !slices.Contains(used, m) {
			used = append(used, m)
		}
	}
	return used
}

// derivedUsed refuses a derived metric that nothing looks at.
func (c *checker) derivedUsed(doc *derivedDoc, name *text) {
	unsure := c.doc.Windows.bad || c.doc.Rules.bad || doc.Value.bad || !name.ok()
	for i := range c.doc.Windows.items {
		m := &c.doc.Windows.items[i].Metric
		unsure = unsure || m.bad || m.value == name.value
	}
	for i := range c.doc.Rules.items {
		when := &c.doc.Rules.items[i].When
		unsure = unsure || when.bad || when.value == name.value
		if f := c.p.Rules[i].Formula; f != nil {
			unsure = unsure || slices.ContainsFunc(f.Inputs, func(in Input) bool { return in.Name == name.value })
		}
	}
	if !unsure {
		c.errorf(name.at, "%s does nothing: no window and no rule uses it; write metric: %s in a window, or when: %s in a rule", doc.path, name.value, name.value)
	}
}

// isDerived reports whether derive makes a metric of that name.
func (c *checker) isDerived(name string) bool { return slices.Contains(c.derivedNames(), name) }

func (c *checker) derivedNames() []string {
	var names []string
	for i := range c.doc.Derive.names {
		names = append(names, c.doc.Derive.names[i].value)
	}
	return names
}

// fieldsOf returns the fields of a wide message that a program names, in their order.
func (c *checker) fieldsOf(p *expr.Program) []string {
	var names []string
	for _, i := range p.Fields() {
		names = append(names, c.p.Source.Reading.Metrics[i])
	}
	return names
}

// compiled compiles an expression; nil where it cannot, after saying why.
func (c *checker) compiled(t *text, want expr.Want) *expr.Program {
	if !t.ok() {
		return nil
	}
	t.raw = strings.TrimSpace(strings.ReplaceAll(t.raw, "\n", " ")) // Explain shows it on one line
	program, err := expr.Compile(t.value, c.p.Environment(want))
	if err == nil {
		return program
	}
	c.notCompiled(t, err)
	return nil
}

// within is the place in the file of a place in an expression. Where the text
// does not stand in the file as it is, on one line, that is the expression's own
// place, and the second result says where in it.
func (c *checker) within(t *text, e *expr.Error) (place, string) {
	if e.Line == 0 {
		return t.at, ""
	}
	lines := strings.Split(strings.TrimPrefix(string(c.src), "\ufeff"), "\n")
	if t.at.line <= len(lines) {
		line := []rune(lines[t.at.line-1])
		for _, quote := range []int{0, 1} {
			if begin := t.at.col - 1 + quote; begin <= len(line) && strings.HasPrefix(string(line[begin:]), t.value) {
				return place{t.at.line, begin + e.Col}, ""
			}
		}
	}
	if e.Line == 1 {
		return t.at, fmt.Sprintf(", character %d", e.Col)
	}
	return t.at, fmt.Sprintf(", line %d, character %d", e.Line, e.Col)
}

// sayWrong is an error of an expression, with what may have been meant.
func (c *checker) sayWrong(e *expr.Error) string {
	switch {
	case e.Label && c.p.Roster == nil:
		return fmt.Sprintf("labels.%s needs devices.roster, the file with the labels of the devices", shorten(e.Name))
	case e.Label:
		return e.Message + suggestOr(e.Name, e.Known, "; the roster has "+orWord(andList(e.Known), "none"))
	case e.Name != "" && c.isDerived(e.Name):
		return e.Name + " is derived itself; an expression is worked out from what the source says"
	case e.Name != "":
		return e.Message + suggestOr(e.Name, e.Known, "; known are "+andList(e.Known))
	case strings.HasPrefix(e.Message, "the expression ends"):
		return e.Message + "; within { } put one that holds a comma in quotes"
	default:
		return e.Message
	}
}

// expressionUses are the metrics that where and derive need of the source.
func (c *checker) expressionUses() []use {
	var uses []use
	for _, name := range c.filters {
		uses = append(uses, use{c.doc.Where.at, name, new(int)})
	}
	for i := range c.derivations {
		d, to := &c.derivations[i], &c.p.Derive[i]
		uses = append(uses, use{d.at, d.from, &to.From})
		for k, name := range d.fields {
			uses = append(uses, use{d.at, name, &to.Fields[k]})
		}
	}
	return uses
}
