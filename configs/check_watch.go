package configs

// mostOutcomes is how many outcomes of its rules a window can tell apart: what they
// saw at its first emission is kept in 8 bits.
const mostOutcomes = 256

// watched bounds the rules on one window that closes: each can find it at any of its
// levels or at none, and a later revision is compared with what all of them found.
func (c *checker) watched() {
	outcomes := make([]int, len(c.p.Windows))
	for i := range c.p.Rules {
		r, when := &c.p.Rules[i], &c.doc.Rules.items[i].When
		if r.When.Window < 0 || r.Anomaly != nil || !when.ok() || c.p.Windows[r.When.Window].speaksAlways() {
			continue
		}
		n := &outcomes[r.When.Window]
		before := max(*n, 1)
		if *n = before * (len(r.Levels) + 1); *n > mostOutcomes {
			w := c.p.Windows[r.When.Window].Name
			c.errorf(when.at, "%s is one rule too many for window %s: with their levels the rules on it have %d outcomes, of which it remembers at most %d to tell a revision that would have changed an alert; add a window like %s under another name for it",
				when, w, *n, mostOutcomes, w)
			*n = before
		}
	}
}
