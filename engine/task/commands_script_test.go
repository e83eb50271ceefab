package task

import (
	"slices"
	"strings"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/alerts"
	"github.com/weirstream/weir/alerts/commands"
)

// operate lets an operator command a task.
func (s *script) operate(p *plant, words []string) {
	later := words[len(words)-1] == "later"
	if later {
		words = words[:len(words)-1]
	}
	key, value := s.operation(p, words)
	if key != "" {
		p.command(key, value)
	}
	if !later {
		p.setCommands()
	}
}

// operation is a command as a record.
func (s *script) operation(p *plant, words []string) (key, value string) {
	switch words[0] {
	case "ack":
		a := commands.Ack{ID: p.episode(words[1], words[2]), Rule: words[1], Author: words[3], Reason: "known", At: scriptDay}
		if p.plan.grouped {
			a.Group, a.By = words[2], p.plan.Pipeline.Windows[0].By
		} else {
			a.Device = words[2]
		}
		return a.Key(), string(a.AppendValue(nil))
	case "unack":
		return commands.AckKey(p.episode(words[1], words[2])), ""
	case "silence":
		kind, name, _ := strings.Cut(words[1], "/")
		one := commands.Silence{Kind: commands.KindSilence, Name: name, Start: s.time(words[2]), End: s.time(words[3])}
		if kind == "maintenance" {
			one.Kind = commands.KindMaintenance
		}
		for _, word := range words[4:] {
			one.Matchers = append(one.Matchers, matcherOf(s.t, word))
		}
		require.NoError(s.t, one.Check())
		return one.Key(), string(one.AppendValue(nil))
	case "unsilence":
		return words[1], ""
	}
	return "", ""
}

func matcherOf(t require.TestingT, word string) commands.Matcher {
	at := strings.IndexAny(word, "=!")
	op := word[at : at+1]
	if next := word[at+1]; next == '=' || next == '~' {
		op = word[at : at+2]
	}
	m, err := commands.NewMatcher(word[:at], op, word[at+len(op):])
	require.NoError(t, err)
	return m
}

// episode is the id of the episode that a rule has open on a device or group.
func (p *plant) episode(name, subject string) string {
	k := slices.IndexFunc(p.plan.rules, func(r rule) bool { return r.spec.Name == name })
	require.GreaterOrEqual(p.t, k, 0, name)
	of := subject
	if p.plan.grouped {
		of = p.plan.Pipeline.Windows[p.plan.rules[k].spec.When.Window].By + "\x00" + subject
	}
	slot, ok := p.table.Lookup([]byte(of))
	require.True(p.t, ok, subject)
	view := p.plan.rules[k].View(p.table.Cell(p.plan.rules[k].col, 0, slot))
	require.NotEqual(p.t, alerts.OK, view.State)
	return alerts.EpisodeID(p.plan.Pipeline.Name, name, subject, view.EpisodeStart, p.table.Row(headCol, slot)[headResets])
}
