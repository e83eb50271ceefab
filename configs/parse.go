package configs

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"strings"

	"github.com/weirstream/weir/operators/roster"
)

// Options are the ways out of the file that Parse may use.
type Options struct {
	// Getenv answers ${NAME}; nil refuses every ${NAME}.
	Getenv func(name string) (string, bool)
	// ReadFile answers ${file:/path}; nil refuses every ${file:/path}.
	ReadFile func(path string) ([]byte, error)
}

// Parse reads a pipeline file. name is what diagnostics call it. It returns
// everything there is to say about the file, sorted by position; the pipeline
// is nil exactly where that has errors. It never panics.
func Parse(name string, src []byte, o Options) (*Pipeline, Diagnostics) {
	d := &decoder{file: name, o: o, src: src}
	tree := d.tree(src)
	if tree == nil {
		return nil, d.diags
	}
	c := &checker{decoder: d, doc: d.document(tree), p: new(Pipeline)}
	c.pipeline()
	d.diags.sort()
	if d.diags.HasErrors() {
		return nil, d.diags
	}
	c.p.settings = settingsOf(c.doc)
	sum := sha256.Sum256(src)
	c.p.Fingerprint = binary.BigEndian.Uint64(sum[:])
	return c.p, d.diags
}

// checker turns a decoded document into a pipeline. Its methods check one part
// each, fill that part in, and go on after an error so that all are reported;
// values that the decoder has complained about are left alone.
type checker struct {
	*decoder
	doc *document
	p   *Pipeline

	filters     []string       // the fields that where names
	derivations []derivation   // by metric of derive
	fleet       *roster.Roster // nil: there is none, or it cannot be read
}

func (c *checker) pipeline() {
	c.name()
	c.kafka()
	c.source()
	c.mqtt()
	c.time()
	c.dedupe()
	c.roster()
	c.windows()
	c.rules()
	c.watched()
	c.inhibits()
	c.alerts()
	c.used()
	c.topics()
	c.expressions()
	c.metrics()
	c.state()
}

func (c *checker) name() {
	n := &c.doc.Name
	if !n.ok() {
		return
	}
	switch {
	case len(n.value) > 100:
		c.errorf(n.at, "name has %d characters; the most is 100", len(n.value))
	case !isNameShaped(n.value):
		better := strings.Trim(mapName(n.value), "-")
		if better != "" {
			better = ", such as " + shorten(better)
		}
		c.errorf(n.at, "%s must be made of lower case letters, digits and hyphens%s", n, better)
	default:
		c.p.Name = n.value
		c.p.Group = "weir." + n.value
		c.p.JournalTopic = c.p.Group + ".journal"
		c.p.QuarantineTopic = c.p.Group + ".quarantine"
		c.p.PartialsTopic = c.p.Group + ".partials"
		c.p.CommandsTopic = c.p.Group + ".commands"
		return
	}
	n.bad = true
}

func isNameShaped(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool {
		return r != '-' && (r < '0' || r > '9') && (r < 'a' || r > 'z')
	})
}

// mapName makes a legal pipeline name of s.
func mapName(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '-' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z':
			return r
		case r == ' ' || r == '_' || r == '.' || r == '/':
			return '-'
		case r >= 'A' && r <= 'Z':
			return r - 'A' + 'a'
		default:
			return -1
		}
	}, s)
}

// isWord reports whether s can name a window, a rule or a level.
func isWord(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool {
		return r != '-' && r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	})
}

// word checks the name of a window, a rule or a level.
func (c *checker) word(t *text) {
	if !t.ok() {
		return
	}
	switch {
	case len(t.value) > 100:
		c.errorf(t.at, "%s has %d characters; the most is 100", t.path, len(t.value))
	case !isWord(t.value):
		c.errorf(t.at, "%s must be made of letters, digits, hyphens and underscores", t)
	default:
		return
	}
	t.bad = true
}

// title checks the name of a metric or of a field of a message.
func (c *checker) title(t *text) {
	if !t.ok() {
		return
	}
	switch {
	case len(t.value) > 200:
		c.errorf(t.at, "%s has %d bytes; the most is 200", t.path, len(t.value))
	case strings.ContainsFunc(t.value, isControl):
		c.errorf(t.at, "%s must be one line of text", t.path)
	default:
		return
	}
	t.bad = true
}

func (c *checker) alerts() {
	a := &c.doc.Alerts
	if c.doc.Name.ok() && !a.Topic.set {
		a.Topic.fill("weir." + c.p.Name + ".alerts")
	}
	c.topic(&a.Topic)
	c.p.Alerts.Topic = a.Topic.value
	if a.Topic.ok() && a.Topic.set && !c.doc.Rules.set {
		c.warnf(a.Topic.at, "%s gets nothing: the pipeline has no rules", &a.Topic)
	}
	c.outlets()
	c.p.CommitInterval = c.doc.CommitInterval.value
}

// topic checks the name of a Kafka topic.
func (c *checker) topic(t *text) {
	if !t.ok() {
		return
	}
	legal := !strings.ContainsFunc(t.value, func(r rune) bool {
		return r != '.' && !isWord(string(r))
	})
	switch {
	case !legal:
		c.errorf(t.at, "%s is not a Kafka topic: use letters, digits, dots, hyphens and underscores only", t)
	case t.value == "." || t.value == "..":
		c.errorf(t.at, "%s is not a Kafka topic: dots alone are not allowed", t)
	case len(t.value) > 249:
		c.errorf(t.at, "%s has %d characters; a Kafka topic has at most 249", t.path, len(t.value))
	default:
		return
	}
	t.bad = true
}

// topics checks that the topics of the pipeline do not run into each other.
func (c *checker) topics() {
	source, alerts := &c.doc.Source.Topic, &c.doc.Alerts.Topic
	outputs := []*text{}
	for i := range c.doc.Windows.items {
		outputs = append(outputs, &c.doc.Windows.items[i].Emit.Topic)
	}
	for _, t := range append(outputs, alerts) {
		switch {
		case !t.ok():
		case source.ok() && t.value == source.value:
			c.errorf(t.at, "%s is the source topic: the pipeline would read what it writes; name another topic", t)
		case c.p.Name != "" && slices.Contains(c.p.keptTopics(), t.value):
			c.errorf(t.at, "%s is a topic the pipeline keeps for itself; name another", t)
		}
	}
	if source.ok() && c.p.Name != "" && slices.Contains(c.p.keptTopics(), source.value) {
		c.errorf(source.at, "%s is a topic the pipeline writes itself; name another", source)
	}
	for _, t := range outputs {
		if t.ok() && alerts.ok() && t.value == alerts.value {
			c.warnf(t.at, "%s also gets the alerts: consumers have to tell two kinds of records apart", t)
		}
	}
}

// used refuses pipelines, and windows of them, that would do nothing.
func (c *checker) used() {
	if !c.doc.Windows.set && !c.doc.Rules.set {
		c.errorf(c.doc.at, "the pipeline does nothing: it has neither windows nor rules")
		return
	}
	c.hears()
	for i := range c.p.Windows {
		if !c.doc.Rules.bad {
			c.windowUsed(i, &c.p.Windows[i], &c.doc.Windows.items[i])
		}
	}
}

func (c *checker) windowUsed(i int, w *Window, doc *windowDoc) {
	var seen []string
	unsure := doc.Emit.bad || doc.Emit.Topic.bad || doc.Emit.On.bad || doc.Compute.bad
	for r := range c.p.Rules {
		unsure = unsure || c.doc.Rules.items[r].When.bad
		for _, when := range c.p.Rules[r].Looks() {
			if when.Window == i {
				seen = append(seen, when.Result)
			}
		}
	}
	if unsure || w.Emit.On != "never" {
		return
	}
	if len(seen) == 0 {
		c.errorf(doc.at, "%s does nothing: no rule looks at it and it is not emitted; write emit: {topic: NAME}, or a rule with when: %s.%s",
			doc.path, orWord(w.Name, "NAME"), orWord(first(w.Compute), "mean"))
		return
	}
	for j := range doc.Compute.items {
		if t := &doc.Compute.items[j]; t.ok() && !slices.Contains(seen, t.value) {
			c.warnf(t.at, "%s is computed for nothing: no rule looks at it and the window is not emitted", t)
		}
	}
}

func first(words []string) string {
	if len(words) == 0 {
		return ""
	}
	return words[0]
}

func orWord(word, otherwise string) string { return cmp.Or(word, otherwise) }

// use is a mention of a metric, and where its index goes.
type use struct {
	at     place
	metric string
	index  *int
}

// metrics declares the metrics in order of first appearance and gives windows,
// rules and derivations their indexes.
func (c *checker) metrics() {
	uses := c.expressionUses()
	for i := range c.p.Windows {
		m := &c.doc.Windows.items[i].Metric
		uses = append(uses, use{m.at, m.value, &c.p.Windows[i].MetricIndex})
	}
	for i := range c.p.Rules {
		m, w := &c.doc.Rules.items[i].When, &c.p.Rules[i].When
		if f := c.p.Rules[i].Formula; f != nil {
			uses = append(uses, c.formulaUses(m, f)...)
			continue
		}
		if w.Window < 0 && c.p.Rules[i].NoData == nil {
			uses = append(uses, use{m.at, m.value, &w.Metric})
		}
	}
	slices.SortStableFunc(uses, func(a, b use) int {
		return cmp.Or(cmp.Compare(a.at.line, b.at.line), cmp.Compare(a.at.col, b.at.col))
	})
	for _, u := range uses {
		*u.index = slices.Index(c.p.Metrics, u.metric)
		if *u.index < 0 {
			*u.index = len(c.p.Metrics)
			c.p.Metrics = append(c.p.Metrics, u.metric)
		}
	}
	for i := range c.p.Derive {
		c.p.Derive[i].Index = slices.Index(c.p.Metrics, c.p.Derive[i].Name)
	}
	for i := range c.p.Rules {
		if w := &c.p.Rules[i].When; w.Window >= 0 {
			w.Metric = c.p.Windows[w.Window].MetricIndex
		}
		if f := c.p.Rules[i].Formula; f != nil {
			for k := range f.Inputs {
				if in := &f.Inputs[k]; in.Window >= 0 {
					in.Metric = c.p.Windows[in.Window].MetricIndex
				}
			}
		}
	}
}
