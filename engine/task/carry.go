package task

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/statestore"
)

// What the names of columns begin with that are read again: by them the state of a
// former file is carried over.
const (
	headName      = "head" // of whatever length: its words are what they always were
	rulePrefix    = "rule "
	silencePrefix = "no_data "
	anomalyPrefix = "anomaly "
	repeatsBySeq  = "dedupe"
	repeatsByTime = "dedupe by time"
	wideRepeats   = "dedupe"
	lastValues    = "last"

	// What a rule has beside its machine: the name of that one's column follows, and
	// neither goes on without the other.
	repeatPrefix   = "repeat "
	flappingPrefix = "flapping "
	escalatePrefix = "escalate "
	seriesPrefix   = "series "
	valuesPrefix   = "values "
)

// ofMetrics is the name of a column that has as many cells for each of some
// metrics.
func ofMetrics(what string, metrics []string) string {
	for _, m := range metrics {
		what += " " + strconv.Quote(m)
	}
	return what
}

// metricsOf takes such a name apart; no metrics: it is none.
func metricsOf(column string) (what string, metrics []string) {
	at := strings.Index(column, ` "`)
	if at < 0 {
		return column, nil
	}
	what = column[:at]
	for rest := column[at:]; rest != ""; {
		quoted, err := strconv.QuotedPrefix(strings.TrimPrefix(rest, " "))
		if err != nil {
			return column, nil
		}
		m, err := strconv.Unquote(quoted)
		if err != nil {
			return column, nil
		}
		metrics, rest = append(metrics, m), rest[1+len(quoted):]
	}
	return what, metrics
}

// byName ends the name of a column that is of groups: another slot has the same
// devices put together in another way.
func byName(w *configs.Window) string {
	if !w.Grouped() {
		return ""
	}
	return " by " + w.By
}

// ruleName is the name of a rule's column. Of a rule on silence it says which devices
// are watched, of one on anomalies what it looks at: what was learned from one series is
// worth nothing for another.
func (c *Plan) ruleName(spec *configs.Rule) string {
	levels := make([]string, len(spec.Levels))
	for i := range spec.Levels {
		levels[i] = spec.Levels[i].Name
	}
	prefix := rulePrefix
	switch {
	case spec.NoData != nil:
		prefix = silencePrefix
	case spec.Anomaly != nil:
		prefix = anomalyPrefix
	}
	name := fmt.Sprintf("%s%s %s", prefix, spec.Name, strings.Join(levels, ","))
	if w := spec.Window(); c.grouped && w >= 0 {
		name += byName(&c.Pipeline.Windows[w])
	}
	switch {
	case spec.NoData != nil:
		return ofMetrics(name, []string{spec.NoData.Expect})
	case spec.Anomaly != nil:
		return ofMetrics(name, []string{c.sayWhen(spec)})
	}
	return name
}

// isRule reports whether a column is the machine of a rule.
func isRule(column string) bool {
	return strings.HasPrefix(column, rulePrefix) || strings.HasPrefix(column, silencePrefix) || strings.HasPrefix(column, anomalyPrefix)
}

// ruleOfColumn is the name of the column of the rule that a column belongs to which
// is not a machine itself; empty: it belongs to none.
func ruleOfColumn(column string) string {
	for _, prefix := range []string{repeatPrefix, flappingPrefix, escalatePrefix, seriesPrefix} {
		if rule, ok := strings.CutPrefix(column, prefix); ok {
			return rule
		}
	}
	if rest, ok := strings.CutPrefix(column, valuesPrefix); ok {
		rule, _ := metricsOf(rest) // behind it there is what the expression names
		return rule
	}
	return ""
}

// Former says what of the state under a former layout goes on in the plan's: a
// column of the same name and shape as it is, a column that has cells for metrics
// metric by metric. What a rule has beside its machine goes on only with that. What
// machines keep otherwise goes aside, for Succeed to end. Windows that close by the
// clock of their device begin anew where they wait otherwise for what is late: which of
// them have closed is not in the state, it follows from that clock and how long they wait.
func (c *Plan) Former(l statestore.Layout) statestore.Former {
	f := statestore.Former{Layout: l, Cells: make([]int, 1, l.Cells())}
	rules := map[string]bool{}
	for _, old := range l.Columns {
		if isRule(old.Name) && slices.Contains(c.Layout.Columns, old) {
			rules[old.Name] = true
		}
	}
	restart := c.waitsOtherwise(l)
	for _, old := range l.Columns {
		from := len(f.Cells)
		f.Cells = f.Cells[:from+old.Cells]
		into := f.Cells[from:]
		otherwise := statestore.Gone
		if isRule(old.Name) {
			otherwise = statestore.Aside
		}
		for k := range into {
			into[k] = otherwise
		}
		if rule := ruleOfColumn(old.Name); rule != "" && !rules[rule] {
			continue
		}
		if restart && closesByClock(old.Name) {
			continue
		}
		first := 1
		for _, now := range c.Layout.Columns {
			carry(columnAt{old, 0}, columnAt{now, first}, into)
			first += now.Cells
		}
	}
	return f
}

// columnAt is a column and the number of its first cell.
type columnAt struct {
	statestore.Column
	first int
}

// carry notes which cells of a column go on in another.
func carry(old, now columnAt, into []int) {
	if old.Column == now.Column || old.Name == headName && now.Name == headName {
		for k := range into {
			into[k] = now.first + k
		}
		return
	}
	what, had := metricsOf(old.Name)
	same, has := metricsOf(now.Name)
	if what != same || len(had) == 0 || len(has) == 0 || old.Words != now.Words || old.Cells/len(had) != now.Cells/len(has) {
		return
	}
	each := now.Cells / len(has)
	for i, m := range had {
		for j, n := range has {
			for k := 0; m == n && k < each; k++ {
				into[i*each+k] = now.first + j*each + k
			}
		}
	}
}
