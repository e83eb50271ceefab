package task

import (
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/alerts/commands"
	"github.com/weirstream/weir/event"
)

const silencePipeline = `
time: {wait_for_late: 1s, idle_after: 10s}
state: {forget_after: 2h}
windows:
- {name: w, metric: temperature, tumbling: 1h, compute: [count], emit: {topic: aggregates}}
`

func at(s int64) event.Time { return event.Time(1_750_000_000+s) * 1000 }

func spoke(p *plant, device string, appended event.Time) {
	require.NoError(p.t, p.fold(reading{device: device, metric: "temperature", at: appended, appended: appended, value: "1", seq: -1}.record()))
}

// The journal's note says where wall time entered, and who was forgotten.
func TestFactsOfABatch(t *testing.T) {
	p := mustPlant(t, silencePipeline)
	spoke(p, "a", at(0))
	p.advance(Now{Wall: at(1), Mono: 1_000, Position: 1})
	spoke(p, "b", at(5))
	p.advance(Now{Wall: at(20), Mono: 20_000, Position: 2})
	p.advance(Now{Wall: at(7_200), Mono: 7_200_000, Position: 3}) // nothing folded meanwhile: one fact
	require.Equal(t, []Fact{{Position: 1, Wall: at(1)}, {Position: 3, Wall: at(7_200), Forgotten: []string{"a"}}}, decodeFacts(t, p.task.TakeFacts()))
	require.Empty(t, p.task.TakeFacts())
}

// It says which versions of roster and commands came into force as well, each of them:
// any may have said something of open episodes.
func TestFactsOfCommands(t *testing.T) {
	p := newPlant(t, silencePipeline+"devices: {roster: roster.csv}\n", plantOptions{roster: "device\na\n"})
	p.commands = &commands.Set{}
	for _, name := range []string{"x", "y"} {
		one := commands.Silence{Kind: commands.KindSilence, Name: name, Start: at(0), End: at(1), Matchers: []commands.Matcher{matcherOf(t, "rule=hot")}}
		p.command(one.Key(), string(one.AppendValue(nil)))
		p.setCommands()
	}
	p.advance(Now{Wall: at(1), Position: 1})
	p.setRoster("device\nb\n")
	p.setRoster("device\na\n")
	p.advance(Now{Wall: at(2), Position: 1})
	require.Equal(t, []Fact{
		{Roster: print64(t, "device\na\n")}, {Wall: 2, Commands: 1}, {Wall: 1, Commands: 2}, {Position: 1, Wall: at(1)},
		{Roster: print64(t, "device\nb\n")}, {Roster: print64(t, "device\na\n")}, {Position: 1, Wall: at(2)},
	}, decodeFacts(t, p.task.TakeFacts()))
}

func decodeFacts(t *testing.T, note []byte) (list []Fact) {
	number := func() uint64 {
		n, k := binary.Uvarint(note)
		require.Positive(t, k)
		note = note[k:]
		return n
	}
	for len(note) > 0 {
		f := Fact{Position: int64(number()), Wall: event.Time(number())}
		if f.Wall == 0 {
			f.Roster, note = binary.BigEndian.Uint64(note), note[8:]
			list = append(list, f)
			continue
		}
		if f.Wall <= startsWall {
			f.Commands = int64(number())
			list = append(list, f)
			continue
		}
		for range number() {
			n := number()
			f.Forgotten, note = append(f.Forgotten, string(note[:n])), note[n:]
		}
		list = append(list, f)
	}
	return list
}

// A machine clock half a minute ahead of the brokers' is within what is
// tolerated; it must not make devices that speak look silent, restart or not.
func TestClockAheadOfBrokersIsNotSilence(t *testing.T) {
	for _, restart := range []bool{false, true} {
		p := mustPlant(t, silencePipeline)
		p.advance(Now{Wall: at(28)})
		for s := int64(0); s < 60; s += 3 {
			spoke(p, "a", at(s))
			p.advance(Now{Wall: at(s + 30), Mono: s * 1000, Position: p.offset})
			if restart {
				p.restart()
			}
		}
		require.Empty(t, p.taken(), "restart %v", restart)
		p.advance(Now{Wall: at(57 + 30 + 10), Mono: 67_000, Position: p.offset})
		require.Len(t, p.taken(), 1, "silent for idle_after")
	}
}

// Devices that the roster names are expected from the moment at which wall time set
// the task's clock: that one is told, whatever wall time enters behind it.
func TestTheFactThatSetsTheClockStays(t *testing.T) {
	p := newPlant(t, silencePipeline+`devices: {roster: fleet.csv}
rules:
- {name: missing, no_data: {after: 20s, expect: roster}}
`, plantOptions{roster: mild})
	p.advance(Now{Wall: at(1), Mono: 1_000})
	p.advance(Now{Wall: at(2), Mono: 2_000})
	p.advance(Now{Wall: at(3), Mono: 3_000})
	require.Equal(t, []Fact{{Roster: print64(t, mild)}, {Wall: at(1)}, {Wall: at(3)}}, decodeFacts(t, p.task.TakeFacts()))
}
