package task

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/weirstream/weir/statestore"
)

// What a window remembers of the rules that looked at it is one number, and which
// rules that are and in which order makes it up. So the layout has a remark of them:
//
//	outcomes WINDOW RULE/N RULE/N ...    each with how many things it can find
//	wait N                               how long windows of devices wait for what is late, in ms
//
// Where the next file has others, each number is made up anew of what it stood for.
const (
	outcomesRemark = "outcomes"
	waitRemark     = "wait"
)

// planRemarks notes what of the plan is in no column and matters to the state.
func (c *Plan) planRemarks() {
	for i := range c.rings {
		c.remarkOutcomes(&c.rings[i].outlet, c.rings[i].windows)
	}
	for i := range c.sessions {
		c.remarkOutcomes(&c.sessions[i].outlet, c.sessions[i].windows)
	}
	if !c.grouped && len(c.rings)+len(c.sessions) > 0 {
		c.Layout.Remarks = append(c.Layout.Remarks, fmt.Sprintf("%s %d", waitRemark, c.wait))
	}
	slices.Sort(c.Layout.Remarks) // the order of windows in the file means nothing
}

func (c *Plan) remarkOutcomes(o *outlet, windows []int) {
	for i, k := range windows {
		r := strings.Builder{}
		fmt.Fprintf(&r, "%s %s", outcomesRemark, c.Pipeline.Windows[k].Name)
		for _, one := range c.outcomesOf(o, i) {
			fmt.Fprintf(&r, " %s/%d", one.rule, one.outcomes)
		}
		c.Layout.Remarks = append(c.Layout.Remarks, r.String())
	}
}

// finding is a rule that looks at a window, and how many things it can find.
type finding struct {
	rule     string
	outcomes int
}

// outcomesOf are the rules of which a window of the outlet remembers what they found.
func (c *Plan) outcomesOf(o *outlet, window int) (all []finding) {
	for _, in := range o.rules[window] {
		if spec := c.rules[in.rule].spec; outcomes(spec) > 1 {
			all = append(all, finding{spec.Name, outcomes(spec)})
		}
	}
	return all
}

// outcomesIn are those that a layout tells of a window; known is false for a layout
// that tells nothing of it.
func outcomesIn(l statestore.Layout, window string) (all []finding, known bool) {
	for _, r := range l.Remarks {
		words := strings.Fields(r)
		if len(words) < 2 || words[0] != outcomesRemark || words[1] != window {
			continue
		}
		for _, word := range words[2:] {
			name, number, _ := strings.Cut(word, "/")
			n, err := strconv.Atoi(number)
			if err != nil || n < 2 {
				return nil, false
			}
			all = append(all, finding{name, n})
		}
		return all, true
	}
	return nil, false
}

// waitsOtherwise reports whether the windows of a layout close sooner or later than
// those of the plan.
func (c *Plan) waitsOtherwise(l statestore.Layout) bool {
	now := fmt.Sprintf("%s %d", waitRemark, c.wait)
	return !c.grouped && slices.ContainsFunc(l.Remarks, func(r string) bool { return strings.HasPrefix(r, waitRemark+" ") && r != now })
}

// closesByClock reports whether a column is of windows that close.
func closesByClock(column string) bool {
	return strings.HasPrefix(column, "panes ") || strings.HasPrefix(column, "sessions ")
}

// recode makes up anew what windows remember, where the table succeeds that of a file
// by which other rules look at them, or in another order.
func (t *Task) recode() {
	was, ok := t.table.FormerLayout()
	if !ok {
		return
	}
	for i := range t.plan.rings {
		r := &t.plan.rings[i]
		codes := t.plan.codes(was, &r.outlet, r.windows)
		if slices.ContainsFunc(codes, func(c *[256]uint8) bool { return c != nil }) {
			t.eachRow(r.col, func() { r.Recode(&t.row, codes) })
		}
	}
	for i := range t.plan.sessions {
		s := &t.plan.sessions[i]
		if codes := t.plan.codes(was, &s.outlet, s.windows)[0]; codes != nil {
			t.eachRow(s.col, func() { s.Recode(&t.row, codes) })
		}
	}
}

// eachRow calls do with t.row at each device, or group.
func (t *Task) eachRow(col int, do func()) {
	for s := range t.table.Bound() {
		if t.table.Live(s) && !(t.plan.grouped && t.table.Name(s)[0] <= aheadMark) {
			t.row.col, t.row.slot = col, s
			do()
		}
	}
}

// codes has, by window of an outlet, what is to be in place of each number that a
// window of the former layout remembers; nil where nothing is to change.
func (c *Plan) codes(was statestore.Layout, o *outlet, windows []int) []*[256]uint8 {
	all := make([]*[256]uint8, len(windows))
	for i, k := range windows {
		before, known := outcomesIn(was, c.Pipeline.Windows[k].Name)
		now := c.outcomesOf(o, i)
		reset := func(f finding) bool { return !slices.Contains(was.Columns, c.ruleColumn(f.rule)) }
		if known && (!slices.Equal(before, now) || slices.ContainsFunc(now, reset)) {
			all[i] = c.code(was, before, now)
		}
	}
	return all
}

// code is what becomes of each number. A rule that goes on has found what it did; one
// that is new or begins anew has found nothing. Where there were too many rules for the
// number to tell what each of them found, none has found anything.
func (c *Plan) code(was statestore.Layout, before, now []finding) *[256]uint8 {
	code := &[256]uint8{}
	total, bound := 1, 1
	for _, one := range before {
		total = min(total*one.outcomes, mostOutcomes+1)
	}
	for _, one := range now {
		if bound *= one.outcomes; bound > mostOutcomes {
			bound = foldedOutcomes
		}
	}
	if total > mostOutcomes {
		return code
	}
	for number := range total {
		found, rest := map[string]int{}, number
		for i := len(before) - 1; i >= 0; i-- {
			found[before[i].rule], rest = rest%before[i].outcomes, rest/before[i].outcomes
		}
		digest := 0
		for _, one := range now {
			digest *= one.outcomes
			if slices.Contains(was.Columns, c.ruleColumn(one.rule)) {
				digest += found[one.rule]
			}
			digest %= bound
		}
		code[number] = uint8(digest)
	}
	return code
}
