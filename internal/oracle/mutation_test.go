package oracle

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/event"
)

// fault is something that was broken on purpose, and what must be said about it:
// the kind and the source offset of one difference, and no kinds but these.
type fault struct {
	kind   string
	source int64
	others []string
}

// mutation breaks a history. ok is false where it finds nothing to break.
type mutation func(h *history) (f fault, ok bool)

func mutations() map[string]mutation {
	return map[string]mutation{
		"drop": func(h *history) (fault, bool) {
			topic, i := h.output()
			h.in.Outputs[topic] = slices.Delete(h.in.Outputs[topic], i, i+1)
			return fault{Missing, h.cause(topic, i), []string{Sequence, Value}}, true
		},
		"duplicate": func(h *history) (fault, bool) {
			topic, i := h.output()
			again := h.in.Outputs[topic][i]
			again.Offset = 1_000_000
			h.in.Outputs[topic] = append(h.in.Outputs[topic], again)
			return fault{Repeated, h.cause(topic, i), []string{Sequence}}, true
		},
		"swap within device": func(h *history) (fault, bool) {
			topic, i := h.output()
			records := h.in.Outputs[topic]
			for j := i + 1; j < len(records); j++ {
				first, second := h.want(topic, i), h.want(topic, j)
				if first.device == second.device && first.step != second.step && !bytes.Equal(records[i].Value, records[j].Value) {
					records[i], records[j] = records[j], records[i]
					records[i].Offset, records[j].Offset = records[j].Offset, records[i].Offset
					return fault{Order, first.source, []string{Sequence}}, true
				}
			}
			return fault{}, false
		},
		"wrong value": func(h *history) (fault, bool) {
			topic, i := h.output()
			w := h.want(topic, i)
			name := "value"
			switch {
			case w.aggregate != nil:
				name = h.in.Pipeline.Windows[w.aggregate.window].Compute[0]
				if w.aggregate.merged || w.aggregate.results[0].vague {
					return fault{}, false
				}
			case w.restart != nil, w.refusal != nil && w.refusal.unusable():
				return fault{}, false
			case w.alert != nil && h.vague(w):
				return fault{}, false
			}
			h.change(topic, i, func(o object) { o[name] = o[name].(float64)*(1+1e-8) + 1e-7 })
			return fault{Value, w.source, nil}, true
		},
		"wrong revision": func(h *history) (fault, bool) {
			topic, i := h.output()
			w := h.want(topic, i)
			if w.aggregate == nil || h.in.Pipeline.Windows[w.aggregate.window].Kind == configs.Count || h.in.Pipeline.Windows[w.aggregate.window].Kind == configs.Rolling {
				return fault{}, false
			}
			h.change(topic, i, func(o object) { o["revision"] = 77 })
			return fault{Value, w.source, nil}, true
		},
		"changed id": func(h *history) (fault, bool) {
			topic, i := h.alert()
			h.in.Outputs[topic][i].ID += "0"
			return fault{ID, h.cause(topic, i), nil}, true
		},
		"changed episode": func(h *history) (fault, bool) {
			topic, i := h.alert()
			h.change(topic, i, func(o object) { o["id"] = "xx" + o["id"].(string)[2:] })
			return fault{ID, h.cause(topic, i), nil}, true
		},
		"seq gap": func(h *history) (fault, bool) {
			topic, i := h.alert()
			for j := range h.in.Outputs[topic][i:] {
				r := &h.in.Outputs[topic][i+j]
				n, _ := strconv.Atoi(r.Seq)
				r.Seq = strconv.Itoa(n + 1)
			}
			return fault{Sequence, h.spoken(topic, i), nil}, true
		},
		"wrong key": func(h *history) (fault, bool) {
			topic, i := h.output()
			h.in.Outputs[topic][i].Key = []byte("somebody")
			return fault{Value, h.cause(topic, i), nil}, true
		},
		"unexplained": func(h *history) (fault, bool) {
			topic, i := h.alert()
			h.change(topic, i, func(o object) { o["rule"] = "unheard-of" })
			return fault{Unexpected, h.spoken(topic, i), []string{Missing}}, true
		},
		"wall beyond a later record": func(h *history) (fault, bool) {
			for i := range h.entries {
				for j := range h.entries[i].facts {
					f := &h.entries[i].facts[j]
					if later := h.appendedFrom(f.position); later > 0 && !f.isRoster && !f.isCommands && h.IntN(4) == 0 {
						f.wall = later + tolerance + 1
						return fault{Fact, f.position, []string{Commands, Missing, Unexpected, Repeated, Order, Value, Journal}}, true
					}
				}
			}
			return fault{}, false
		},
		"forgotten too early": func(h *history) (fault, bool) {
			for i := range h.entries {
				for j := range h.entries[i].facts {
					if f := &h.entries[i].facts[j]; len(f.forgotten) > 0 && h.IntN(2) == 0 {
						f.wall = h.due[f.wall] - 1
						return fault{Fact, f.position, []string{Commands, Missing, Unexpected, Repeated, Order, Value, Journal}}, true
					}
				}
			}
			return fault{}, false
		},
		"forgotten unknown": func(h *history) (fault, bool) {
			e := &h.entries[h.IntN(len(h.entries)-1)]
			if len(e.facts) == 0 || e.facts[0].isRoster || e.facts[0].isCommands {
				return fault{}, false
			}
			e.facts[0].forgotten = append(e.facts[0].forgotten, "nobody")
			return fault{Fact, e.facts[0].position, nil}, true
		},
		"fact outside of its record": func(h *history) (fault, bool) {
			e := &h.entries[h.IntN(len(h.entries)-1)]
			e.facts = append(e.facts, fact{position: e.to + 1, wall: 3})
			return fault{Fact, e.to + 1, []string{Journal}}, true // the record behind it is folded first
		},
		"journal gap": func(h *history) (fault, bool) {
			if len(h.entries) < 4 {
				return fault{}, false // the last is open, and a gap needs a record on either side
			}
			i := 1 + h.IntN(len(h.entries)-3)
			before := h.entries[i].from
			h.entries = slices.Delete(h.entries, i, i+1)
			return fault{Journal, before, []string{Commands, Missing, Unexpected, Repeated, Order, Value, Fact}}, true
		},
		"journal ends early": func(h *history) (fault, bool) {
			last := len(h.entries) - 2
			if last < 1 || h.entries[last].from == h.entries[last].to {
				return fault{}, false // nothing of the source is missing then
			}
			h.entries = slices.Delete(h.entries, last, last+1)
			return fault{Journal, h.entries[last-1].to, []string{Missing, Unexpected, Repeated, Value, Order}}, true
		},
		"journal clock": func(h *history) (fault, bool) {
			e := &h.entries[h.IntN(len(h.entries)-1)]
			e.wall++
			return fault{Journal, e.to, nil}, true
		},
	}
}

// vague reports whether an alert goes by a result that only the alert itself tells.
func (h *history) vague(w *want) bool {
	when := h.in.Pipeline.Rules[w.alert.rule].When
	return when.Window >= 0 && isVague(when.Result) && h.in.Pipeline.Windows[when.Window].Emit.On == "never"
}

func (h *history) topics() []string { return slices.Sorted(maps.Keys(h.in.Outputs)) }

// output picks one output. No other has its name: a device that was forgotten may
// say all anew.
func (h *history) output() (topic string, i int) {
	topics := h.topics()
	for {
		topic = topics[h.IntN(len(topics))]
		if i = h.IntN(len(h.in.Outputs[topic])); h.alone(topic, i) {
			return topic, i
		}
	}
}

func (h *history) alert() (topic string, i int) {
	topic = h.in.Pipeline.Alerts.Topic
	for {
		if i = h.IntN(len(h.in.Outputs[topic])); h.alone(topic, i) {
			return topic, i
		}
	}
}

// alone reports whether no other output has the name of this one.
func (h *history) alone(topic string, i int) bool {
	name, _ := h.want(topic, i).names(&h.in)
	same := 0
	for _, w := range h.model.wants {
		if other, _ := w.names(&h.in); w.topic == topic && other == name {
			same++
		}
	}
	return same == 1
}

// want is what output i of a topic was written for.
func (h *history) want(topic string, i int) *want {
	for j := range h.model.wants {
		if w := h.model.wants[j]; w.topic == topic {
			if i == 0 {
				return w
			}
			i--
		}
	}
	panic("no output of this index in " + topic)
}

func (h *history) cause(topic string, i int) int64 { return h.want(topic, i).source }

// spoken is the source offset that the record itself tells; -1: none.
func (h *history) spoken(topic string, i int) int64 {
	if c := h.want(topic, i).alert.cause; c.reason == "" {
		return c.offset
	}
	return -1
}

func (h *history) change(topic string, i int, edit func(object)) {
	r := &h.in.Outputs[topic][i]
	var o object
	if err := json.Unmarshal(r.Value, &o); err != nil {
		panic(err)
	}
	edit(o)
	r.Value = encode(o)
}

// appendedFrom is the append time of the first record at or behind an offset; 0:
// there is none.
func (h *history) appendedFrom(offset int64) event.Time {
	for _, r := range h.in.Source {
		if r.Offset >= offset {
			return r.Append
		}
	}
	return 0
}

// size is that of the histories that are broken.
const size = 60

// In a history in which all is well there is nothing to say.
func TestHistoriesAreVerified(t *testing.T) {
	for name, file := range map[string]string{"many": manyKinds, "new": newKinds, "manners": manners, "awaited": awaited, "suppressed": suppressed} {
		t.Run(name, func(t *testing.T) {
			p := extended(t, file)
			for seed := range uint64(200) {
				h := newHistory(p, seed, size, 4)
				report := Check(h.in)
				require.Empty(t, report.Differences, "seed %d", seed)
				require.Positive(t, report.Alerts+report.Aggregates)
				require.Equal(t, size, report.Readings)
			}
		})
	}
}

// A record may stand for one that was too large for its topic, and then the message it held is missing with it.
func TestOversizedRecordsStandForOthers(t *testing.T) {
	p := pipelineOf(t, manyKinds)
	replaced := 0
	for seed := range uint64(50) {
		h := newHistory(p, seed, size, 4)
		for topic, records := range h.in.Outputs {
			for i := range records {
				if !strings.Contains(string(records[i].Value), `"payload"`) {
					continue
				}
				c := h.copied(seed)
				c.in.Outputs[topic][i].Value = fmt.Appendf(nil, `{"schema":"weir.oversize/1","pipeline":%q,"source":{"topic":%q,"partition":3,"before_offset":%d}}`,
					p.Name, p.Source.Topic, c.in.Committed)
				report := Check(c.in)
				require.Empty(t, report.Differences, "seed %d, %s %d", seed, topic, i)
				require.Equal(t, 1, report.Oversized)
				replaced++
			}
		}
	}
	require.Positive(t, replaced)
}

// copied can be broken without harm to the original.
func (h *history) copied(seed uint64) *history {
	c := *h
	c.Rand = rand.New(rand.NewPCG(seed, 8))
	c.in.Outputs = map[string][]OutputRecord{}
	for _, topic := range h.topics() {
		c.in.Outputs[topic] = slices.Clone(h.in.Outputs[topic])
	}
	c.in.Commands = slices.Clone(h.in.Commands)
	c.entries = slices.Clone(h.entries)
	for i := range c.entries {
		c.entries[i].facts = slices.Clone(c.entries[i].facts)
		for j := range c.entries[i].facts {
			f := &c.entries[i].facts[j]
			f.forgotten = slices.Clone(f.forgotten)
		}
	}
	return &c
}

// One thing broken is found, with its kind and source offset, in each of many
// histories, and nothing else is said but what follows from it.
func TestMutationsAreFound(t *testing.T) {
	t.Run("many", func(t *testing.T) { find(t, pipelineOf(t, manyKinds), mutations(), 200) })
	t.Run("new", func(t *testing.T) {
		all := mutations()
		maps.Copy(all, newMutations())
		find(t, extended(t, newKinds), all, 50)
	})
	t.Run("awaited", func(t *testing.T) {
		all := mutations()
		maps.Copy(all, awaitedMutations())
		find(t, extended(t, awaited), all, 20)
	})
	t.Run("suppressed", func(t *testing.T) {
		all := mutations()
		maps.Copy(all, suppressedMutations())
		find(t, extended(t, suppressed), all, 20)
	})
}

// find breaks so many histories in each way.
func find(t *testing.T, p *configs.Pipeline, all map[string]mutation, histories int) {
	names := slices.Sorted(maps.Keys(all))
	broken := map[string]int{}
	for seed := uint64(0); len(names) > 0; seed++ {
		require.Less(t, seed, uint64(3000), "nothing to break for %v", names)
		whole := newHistory(p, seed, size, 4)
		for _, name := range names {
			h := whole.copied(seed)
			f, ok := all[name](h)
			if !ok {
				continue
			}
			broken[name]++
			h.in.Journal = renderJournal(h.entries[:len(h.entries)-1], h.IntN(3)+1)
			report := Check(h.in)
			found := false
			for _, d := range report.Differences {
				found = found || d.Kind == f.kind && d.Source == f.source
				if d.Kind != f.kind {
					require.Contains(t, f.others, d.Kind, "%s, seed %d: %s", name, seed, d)
				}
			}
			require.True(t, found, "%s, seed %d: wanted %s at %d in\n%s", name, seed, f.kind, f.source, report)
		}
		names = slices.DeleteFunc(names, func(name string) bool { return broken[name] == histories })
	}
}

// Damage to the bytes of a journal part is found.
func TestJournalDamageIsFound(t *testing.T) {
	h := newHistory(pipelineOf(t, manyKinds), 1, 100, 3)
	clean := renderJournal(h.entries[:len(h.entries)-1], 2)
	for i := range clean {
		h.in.Journal = slices.Clone(clean)
		h.in.Journal[i].Value = slices.Clone(clean[i].Value)
		at := h.IntN(len(clean[i].Value))
		h.in.Journal[i].Value[at] ^= 1 << h.IntN(8)
		kinds := fmt.Sprint(Check(h.in).Differences)
		assert.Contains(t, kinds, "journal in weir.history.journal at "+strconv.Itoa(2*i), "part %d byte %d", i, at)

		if i == 0 {
			continue // a trimmed journal may begin within a record
		}
		h.in.Journal = slices.Delete(slices.Clone(clean), i, i+1)
		assert.Contains(t, fmt.Sprint(Check(h.in).Differences), "journal in", "part %d left out", i)
	}
}
