package simulation

import (
	"encoding/json"
	"slices"

	"github.com/weirstream/weir/alerts/commands"
	"github.com/weirstream/weir/internal/oracle"
)

// desk is the topic of commands, and who writes into it.
type desk struct {
	set     commands.Set
	written map[string]bool // keys of what operators wrote
}

// command appends a record to the topic.
func (f *folded) command(key string, value []byte) {
	offset := int64(0)
	if n := len(f.in.Commands); n > 0 {
		offset = f.in.Commands[n-1].Offset + 1 + int64(f.IntN(2))
	}
	f.in.Commands = append(f.in.Commands, oracle.CommandRecord{Offset: offset, Key: []byte(key), Value: value})
	_ = f.commands.set.Apply(offset, []byte(key), value)
}

func (f *folded) setCommands() {
	f.task.SetCommands(f.commands.set.Version(), f.in.Committed)
}

// operate writes a command or takes one back, and lets the tasks know now or later.
func (f *folded) operate() {
	f.take()
	if f.commands.written == nil {
		f.commands.written = map[string]bool{}
	}
	alerts := f.in.Outputs[f.plan.Pipeline.Alerts.Topic]
	switch f.IntN(6) {
	case 0, 1:
		if len(alerts) > 0 {
			f.acknowledge(alerts[max(0, len(alerts)-1-f.IntN(20))])
		}
	case 2, 3:
		s := drawSilence(f.wall, f.plan.Pipeline.Rules[f.IntN(len(f.plan.Pipeline.Rules))].Name, f.Rand)
		f.write(s.Key(), s.AppendValue(nil))
	case 4:
		var keys []string
		for key := range f.commands.written {
			keys = append(keys, key)
		}
		slices.Sort(keys)
		if len(keys) > 0 {
			f.write(keys[f.IntN(len(keys))], nil)
		}
	case 5:
		f.write(f.one("ack/x", "silence/a", "nonsense"), []byte("no command"))
	}
	if f.IntN(4) > 0 {
		f.setCommands()
	}
}

func (f *folded) write(key string, value []byte) {
	f.commands.written[key] = true
	f.command(key, value)
}

// acknowledge acknowledges the episode of an alert.
func (f *folded) acknowledge(r oracle.OutputRecord) {
	var a struct{ ID, Rule, Device string }
	if json.Unmarshal(r.Value, &a) != nil || a.Device == "" {
		return
	}
	ack := commands.Ack{ID: a.ID, Rule: a.Rule, Whose: commands.Whose{Device: a.Device}, Author: f.one("ada", ""), Reason: f.one("known", ""), At: f.wall}
	f.write(ack.Key(), ack.AppendValue(nil))
}
