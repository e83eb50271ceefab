package simulation

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/engine/task"
	"github.com/weirstream/weir/internal/oracle"
)

// edition is one of the files that a pipeline has, one after the other.
type edition struct {
	at       time.Duration // since the beginning of the world; a process has it a while later
	what     string
	text     string
	pipeline *configs.Pipeline
}

// editions draws the files of a world, the first one first: in one world of two there are several. A roster that some of them could not use would have to be known for each.
func editions(s *shape, span time.Duration, rng *rand.Rand) []edition {
	all := []edition{{what: "first", text: s.text, pipeline: s.pipeline}}
	if rng.IntN(2) > 0 || s.hasBadRoster() {
		return all
	}
	var times []time.Duration
	for range 1 + rng.IntN(3) {
		times = append(times, time.Duration(rng.Int64N(int64(span))))
	}
	slices.Sort(times)
	for _, at := range times {
		if e, ok := nextEdition(s, all, rng); ok {
			e.at = at
			all = append(all, e)
		}
	}
	return all
}

// nextEdition draws a change of the last edition, or goes back to the first.
func nextEdition(s *shape, before []edition, rng *rand.Rand) (edition, bool) {
	last := before[len(before)-1]
	if len(before) > 1 && rng.IntN(3) == 0 {
		e := before[0]
		e.what = "the first again"
		return e, true
	}
	for range 20 {
		draw := change
		if s.pipeline.Grouped() && rng.IntN(2) == 0 {
			draw = changeOfGroups
		}
		e := draw(last.text, s, rng)
		if e.text == last.text {
			continue
		}
		if p, diagnostics := configs.Parse("sim.yaml", []byte(e.text), configs.Options{ReadFile: s.readFile}); !diagnostics.HasErrors() && oracle.Unknown(p) == "" {
			p.State.Memory = s.pipeline.State.Memory
			e.pipeline = p
			return e, true
		}
	}
	return edition{}, false
}

// change draws a change of a file. It may be one that no file can have.
func change(text string, s *shape, rng *rand.Rand) edition {
	rules := regexp.MustCompile(`(?m)^  - \{name: ([^ ,]*), (?:when|no_data|anomaly)[^\n]*\n`).FindAllStringSubmatch(text, -1)
	windows := regexp.MustCompile(`(?m)^  - \{name: ([^ ,]*), metric:[^\n]*\n`).FindAllStringSubmatch(text, -1)
	rule := rules[rng.IntN(len(rules))]
	fresh := fmt.Sprintf("new-%d", rng.IntN(1000))
	switch rng.IntN(9) {
	case 0, 1:
		return edition{what: "a rule less", text: withoutRule(text, rule[0], rule[1])}
	case 2:
		return edition{what: "a rule has another name", text: regexp.MustCompile(`: `+regexp.QuoteMeta(rule[1])+`([,}])`).ReplaceAllString(text, ": "+fresh+"$1")}
	case 3, 4:
		other := strings.Replace(rule[0], "above: ", fmt.Sprintf("above: %d", rng.IntN(2)), 1) // 55 becomes 055 or 155
		if rng.IntN(2) == 0 {
			other = regexp.MustCompile(`(above|below): (\d)`).ReplaceAllString(rule[0], fmt.Sprintf("$1: %d", 3+rng.IntN(6)))
			other = strings.NewReplacer("clear_above: ", "clear_above: 9", "clear_below: ", "clear_below: -").Replace(other)
		}
		return edition{what: "a threshold is another", text: strings.Replace(text, rule[0], other, 1)}
	case 5:
		return edition{what: "a window more", text: strings.Replace(text, "rules:\n", newWindow(fresh, s, rng)+"rules:\n", 1)}
	case 6:
		w := windows[rng.IntN(len(windows))]
		return edition{what: "a window less", text: strings.Replace(text, w[0], "", 1)}
	case 7:
		return edition{what: "a rule more", text: strings.Replace(text, "rules:\n", "rules:\n"+newRule(fresh, rng), 1)}
	default:
		text = strings.Replace(text, "rules:\n", newWindow(fresh, s, rng)+"rules:\n  - {name: on-"+fresh+", when: "+fresh+".mean, levels: {warning: {above: 52.2, clear_below: 44.4}}, keep_firing: 3s}\n", 1)
		return edition{what: "a window and a rule on it more", text: text}
	}
}

// withoutRule takes a rule out of a file, and what it inhibits or is inhibited by.
func withoutRule(text, line, name string) string {
	text = strings.Replace(text, line, "", 1)
	text = regexp.MustCompile(`(?m)^  - \{source: [^\n]*\{rule: `+regexp.QuoteMeta(name)+`[,}][^\n]*\n`).ReplaceAllString(text, "")
	return strings.Replace(text, "inhibit:\nalerts:", "alerts:", 1)
}

func newWindow(name string, s *shape, rng *rand.Rand) string {
	emit := ", emit: {on: never}"
	for i := range s.pipeline.Windows {
		if topic := s.pipeline.Windows[i].Emit.Topic; topic != "" {
			emit = ", emit: {topic: " + topic + "}"
		}
	}
	kind := []string{"tumbling: 2s", "tumbling: 3s", "hopping: {size: 4s, every: 2s}", "count: 3", "session: {gap: 2s}", "rolling: {size: 3s, resolution: 500ms}"}[rng.IntN(6)]
	return fmt.Sprintf("  - {name: %s, metric: %s, %s, compute: [mean, max, count]%s}\n", name, []string{"temperature", "temperature", "pressure"}[rng.IntN(3)], kind, emit)
}

func newRule(name string, rng *rand.Rand) string {
	looks := []string{
		"when: temperature, levels: {warning: {above: 52.2, clear_below: 48.1, hold: 1s}, critical: {above: 71}}",
		"when: tumble.mean, levels: {warning: {above: 48.8}, critical: {above: 61.3, hold: 2s}}, keep_firing: 2s",
		"no_data: {after: 3s, expect: seen, severity: critical}",
		"anomaly: {of: temperature, sensitivity: one false alarm per hour}",
	}
	return fmt.Sprintf("  - {name: %s, %s%s}\n", name, looks[rng.IntN(len(looks))], said(rng))
}

// editionAt is the newest file that a process has by now.
func (p *process) editionAt() int {
	now := 0
	for i := range p.w.shape.editions {
		if p.hasEdition(i) <= time.Since(p.w.trace.began) {
			now = i
		}
	}
	return now
}

// hasEdition is when the process gets a file, since the beginning of the world.
func (p *process) hasEdition(i int) time.Duration {
	if i == 0 {
		return 0
	}
	select {
	case <-p.w.over: // who begins now has what there is
		return p.w.shape.editions[i].at
	default:
	}
	lag := time.Duration(p.w.rng(uint64(700 + 10*p.index + i)).Int64N(int64(6 * time.Second)))
	return p.w.shape.editions[i].at + lag
}

// nextEdition is a channel that tells when the process gets its next file; nil: it does not.
func (p *process) nextEdition() <-chan time.Time {
	var soonest time.Duration
	for i := range p.w.shape.editions {
		if at := p.hasEdition(i) - time.Since(p.w.trace.began); at > 0 && (soonest == 0 || at < soonest) {
			soonest = at
		}
	}
	if soonest == 0 {
		return nil
	}
	return time.After(soonest)
}

// takeEdition compiles a file of the world for the process.
func (p *process) takeEdition(i int) error {
	e := &p.w.shape.editions[i]
	own := *e.pipeline
	if p.roster != "" {
		file := *own.Roster
		file.File = p.roster
		own.Roster = &file
	}
	plan, err := task.Compile(&own)
	if err != nil {
		return err
	}
	if i != p.edition {
		p.w.trace.count("file: " + e.what)
		p.w.trace.addf(p.name, "file %016x: %s\n%s", own.Fingerprint, e.what, e.text)
	}
	if p.groups, err = groupPlan(e.pipeline); err != nil {
		return err
	}
	p.plan, p.edition = plan, i
	return nil
}
