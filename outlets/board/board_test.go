package board

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

const record = `{"schema":"weir.alert/1","id":"0123456789abcdef0123456789abcdef","pipeline":"cold-chain","rule":"too-warm","device":"truck-7",
"state":"firing","status":"firing","level":"warn","previous":null,"value":9.5,"threshold":8,"at":"2026-03-01T12:05:00.000Z","startsAt":"2026-03-01T12:00:00.000Z",
"window":{"name":"temp_5m","start":"2026-03-01T12:00:00.000Z","end":"2026-03-01T12:05:00.000Z"},"suppressed_by":["schedule","silence/night"],
"acked":{"author":"kim","reason":"door","at":"2026-03-01T12:04:00.000Z"},"escalation":1,"clock":{"device":"2026-03-01T12:05:01.000Z","task":"2026-03-01T12:05:02.000Z"},
"episode":{"start":"2026-03-01T12:00:00.000Z","event":2},"labels":{"alertname":"too-warm","device":"truck-7","pipeline":"cold-chain","severity":"warn","site":"Hamburg"},
"annotations":{"summary":"9.5 is too warm"},"cause":{"topic":"readings","partition":3,"offset":811,"traceparent":"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}}`

func TestParse(t *testing.T) {
	e, err := Parse(Place{Partition: 3, Offset: 17, Seq: 5}, []byte(record))
	require.NoError(t, err)
	require.Equal(t, "too-warm", e.Rule)
	require.Equal(t, "cold-chain", e.Pipeline)
	require.Equal(t, 9.5, *e.Value)
	require.Empty(t, e.Previous)
	require.Equal(t, int64(811), *e.Cause.Offset)
	require.Equal(t, "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", e.Cause.Trace)
	require.Equal(t, []string{"schedule", "silence/night"}, e.SuppressedBy)
	require.Equal(t, "kim", e.Acked.Author)
	require.Equal(t, time.Date(2026, 3, 1, 12, 5, 2, 0, time.UTC), e.Clock["task"])
	require.Equal(t, Place{Partition: 3, Offset: 17, Seq: 5}, e.Place)
	require.Equal(t, 2, e.Episode.Event)
	require.False(t, e.Ended())
	s := e.Subject()
	require.Equal(t, "Hamburg", s.Label("site"))
	require.Empty(t, s.Label("severity"), "it is no label of the roster")
	require.Equal(t, "warn", s.Level)

	for text, want := range map[string]string{
		`{`:                                "no alert: unexpected end",
		`{"schema":"weir.oversize/1"}`:     `its schema is "weir.oversize/1"`,
		`{"schema":"weir.alert/1","id":1}`: "cannot unmarshal number",
	} {
		_, err := Parse(Place{}, []byte(text))
		require.ErrorContains(t, err, want)
	}
}

// said is an event of the episode of a rule on a device, or, in brackets, a group.
type said struct {
	pipeline, rule, device, state string
	partition                     int32
	seq                           uint64
}

func event(rule, device, state string, seq uint64) said {
	return said{pipeline: "p", rule: rule, device: device, state: state, seq: seq}
}

func (s said) id() string { return s.rule + "-" + s.device }

func (b *Board) take(s said) {
	b.Take(Place{Partition: s.partition, Offset: int64(s.seq), Seq: s.seq}, s.record())
}

func (s said) record() []byte {
	whose := fmt.Sprintf(`"device":%q`, s.device)
	if strings.HasPrefix(s.device, "(") {
		whose = fmt.Sprintf(`"group":%q,"by":"labels.site"`, s.device)
	}
	return fmt.Appendf(nil, `{"schema":"weir.alert/1","id":%q,"pipeline":%q,"rule":%q,%s,"state":%q,"status":"x","at":"2026-03-01T12:05:00.000Z"}`, s.id(), s.pipeline, s.rule, whose, s.state)
}

func ids(list []Episode) []string {
	all := []string{}
	for _, e := range list {
		all = append(all, e.ID+" "+e.State)
	}
	return all
}

func TestBoard(t *testing.T) {
	b := New(Options{Pipeline: "p", Rules: []string{"a", "b"}})
	b.take(event("b", "x", "firing", 2))
	b.take(event("a", "y", "pending", 3))
	b.take(event("a", "x", "pending", 4))
	b.take(event("a", "x", "firing", 5))
	b.take(event("gone", "x", "firing", 6))
	other := event("a", "z", "firing", 7)
	other.pipeline = "q"
	b.take(other)
	require.Equal(t, []string{"a-x firing", "b-x firing", "a-y pending"}, ids(b.Open()))
	require.Equal(t, int64(4), b.Open()[0].First.Offset)
	require.Equal(t, int64(5), b.Open()[0].Place.Offset)
	b.take(event("a", "x", "resolved", 8))
	b.take(event("a", "y", "ok", 9))
	require.Equal(t, []string{"b-x firing"}, ids(b.Open()))
	require.True(t, b.Ended("a-x"))
	require.False(t, b.Ended("b-x"))
}

// A state that begins anew counts from 1: nobody will end what it left open.
func TestBoardBeginsAnew(t *testing.T) {
	b := New(Options{Pipeline: "p"})
	b.take(event("a", "x", "firing", 2))
	elsewhere := event("a", "y", "firing", 2)
	elsewhere.partition = 1
	b.take(elsewhere)
	b.take(event("g", "(Hamburg)", "firing", 2))
	b.take(event("a", "z", "firing", 1))
	require.Equal(t, []string{"a-y firing", "a-z firing", "g-(Hamburg) firing"}, ids(b.Open()))
}

func TestBoardHasLimits(t *testing.T) {
	b := New(Options{Pipeline: "p", MaxOpen: 10, MaxEnded: 3})
	for i := range 30 {
		b.take(event("a", fmt.Sprint(i), "firing", uint64(i+2)))
		require.LessOrEqual(t, len(b.Open()), 10)
	}
	require.Equal(t, 30, b.Dropped()+len(b.Open()))
	require.Contains(t, ids(b.Open()), "a-29 firing", "the newest stay")
	for i := range 30 {
		b.take(event("a", fmt.Sprint(i), "resolved", uint64(i+40)))
	}
	require.Len(t, b.ended, 3)
	require.True(t, b.Ended("a-29"))
}

// Whatever comes, what is open is what was not ended.
func TestBoardAgainstAList(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := New(Options{Pipeline: "p"})
		newest := map[string]string{}
		for seq := range rapid.IntRange(0, 60).Draw(t, "events") {
			e := event(rapid.SampledFrom([]string{"a", "b"}).Draw(t, "rule"), rapid.SampledFrom([]string{"x", "y", "z"}).Draw(t, "device"),
				rapid.SampledFrom([]string{"pending", "firing", "recovering", "resolved", "ok"}).Draw(t, "state"), uint64(seq+2))
			b.take(e)
			newest[e.id()] = e.state
		}
		want := []string{}
		for id, state := range newest {
			if state != "resolved" && state != "ok" {
				want = append(want, id+" "+state)
			}
			require.Equal(t, state == "resolved" || state == "ok", b.Ended(id))
		}
		got := ids(b.Open())
		slices.Sort(got)
		slices.Sort(want)
		require.Equal(t, want, got)
	})
}

// The quick look says what reading all of it says, or nothing.
func TestHeadAgrees(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOf(rapid.SampledFrom([]rune(`ab"\,:{}ä` + "\n")))
		s := said{pipeline: text.Draw(t, "pipeline"), rule: text.Draw(t, "rule"), device: text.Draw(t, "device"), state: text.Draw(t, "state")}
		if rapid.Bool().Draw(t, "group") {
			s.device = "(" + s.device
		}
		record := s.record()
		if rapid.Bool().Draw(t, "damaged") {
			at := rapid.IntRange(0, len(record)-1).Draw(t, "at")
			record[at] = rapid.SampledFrom([]byte(`"\,a`)).Draw(t, "byte")
		}
		h, ok := headOf(record)
		e, err := Parse(Place{}, record)
		if ok && err == nil {
			require.Equal(t, headFrom(&e), h)
		}
	})
	h, ok := headOf([]byte(strings.ReplaceAll(record, "\n", "")))
	require.True(t, ok)
	require.Equal(t, head{id: "0123456789abcdef0123456789abcdef", pipeline: "cold-chain", rule: "too-warm", state: "firing"}, h)
}

// What only begins like an alert is on no list.
func TestDamagedRecord(t *testing.T) {
	b := New(Options{Pipeline: "p"})
	record := event("a", "x", "firing", 2).record()
	b.Take(Place{Seq: 2}, record[:len(record)-1])
	require.Empty(t, b.Open())
	b.Take(Place{Seq: 3}, record)
	require.Len(t, b.Open(), 1)
}

func BenchmarkTake(b *testing.B) {
	text := []byte(strings.ReplaceAll(record, "\n", ""))
	board := New(Options{Pipeline: "cold-chain"})
	b.ReportAllocs()
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		board.Take(Place{}, text)
	}
}

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	b.SetBytes(int64(len(record)))
	for b.Loop() {
		if _, err := Parse(Place{}, []byte(record)); err != nil {
			b.Fatal(err)
		}
	}
}
