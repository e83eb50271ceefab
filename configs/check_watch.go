package configs

// mostOutcomes is how many outcomes of its rules a window can tell apart for certain:
// what they saw at its first emission is kept in 8 bits.
const mostOutcomes = 256

// watched tells of windows with so many rules that a revision which would have changed
// an alert is not always known for one.
func (c *checker) watched() {
	outcomes := make([]int, len(c.p.Windows))
	for i := range c.p.Rules {
		r, when := &c.p.Rules[i], &c.doc.Rules.items[i].When
		if r.When.Window < 0 || r.Anomaly != nil || !when.ok() || c.p.Windows[r.When.Window].speaksAlways() || r.Evaluate == "change" || outcomes[r.When.Window] > mostOutcomes {
			continue
		}
		n := &outcomes[r.When.Window]
		if *n = max(*n, 1) * (len(r.Levels) + 1); *n > mostOutcomes {
			w := c.p.Windows[r.When.Window].Name
			c.warnf(when.at, "%s and the rules before it have %d outcomes together on window %s, more than the %d it can tell apart: of 251 revisions that would have changed an alert one will not be marked; another window like %s under another name tells all of them",
				when, *n, w, mostOutcomes, w)
		}
	}
}
