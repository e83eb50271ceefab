package board

import (
	"fmt"
	"slices"
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
"annotations":{"summary":"9.5 is too warm"},"cause":{"topic":"readings","partition":3,"offset":811}}`

func TestParse(t *testing.T) {
	e, err := Parse(Place{Partition: 3, Offset: 17, Seq: 5}, []byte(record))
	require.NoError(t, err)
	require.Equal(t, "too-warm", e.Rule)
	require.Equal(t, "cold-chain", e.Pipeline)
	require.Equal(t, 9.5, *e.Value)
	require.Empty(t, e.Previous)
	require.Equal(t, int64(811), *e.Cause.Offset)
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

// event is one of the episode of a rule on a device.
func event(rule, device, state string, seq uint64) Event {
	return Event{
		ID: fmt.Sprintf("%s-%s", rule, device), Pipeline: "p", Rule: rule, Device: device, State: state,
		Place: Place{Offset: int64(seq), Seq: seq}, At: time.UnixMilli(int64(seq)),
	}
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
	b.Take(event("b", "x", "firing", 2))
	b.Take(event("a", "y", "pending", 3))
	b.Take(event("a", "x", "pending", 4))
	b.Take(event("a", "x", "firing", 5))
	b.Take(event("gone", "x", "firing", 6))
	other := event("a", "z", "firing", 7)
	other.Pipeline = "q"
	b.Take(other)
	require.Equal(t, []string{"a-x firing", "b-x firing", "a-y pending"}, ids(b.Open()))
	require.Equal(t, []string{"a-x firing", "a-y pending"}, ids(b.Find("a-")))
	require.Equal(t, int64(4), b.Find("a-x")[0].First.Offset)
	b.Take(event("a", "x", "resolved", 8))
	b.Take(event("a", "y", "ok", 9))
	require.Equal(t, []string{"b-x firing"}, ids(b.Open()))
	require.True(t, b.Ended("a-x"))
	require.False(t, b.Ended("b-x"))
}

// A state that begins anew counts from 1: nobody will end what it left open.
func TestBoardBeginsAnew(t *testing.T) {
	b := New(Options{Pipeline: "p"})
	b.Take(event("a", "x", "firing", 2))
	elsewhere := event("a", "y", "firing", 2)
	elsewhere.Place.Partition = 1
	b.Take(elsewhere)
	group := event("g", "", "firing", 2)
	group.Group = "Hamburg"
	b.Take(group)
	b.Take(event("a", "z", "firing", 1))
	require.Equal(t, []string{"a-y firing", "a-z firing", "g- firing"}, ids(b.Open()))
}

func TestBoardHasLimits(t *testing.T) {
	b := New(Options{Pipeline: "p", MaxOpen: 10, MaxEnded: 3})
	for i := range 30 {
		b.Take(event("a", fmt.Sprint(i), "firing", uint64(i+2)))
		require.LessOrEqual(t, len(b.Open()), 10)
	}
	require.Equal(t, 30, b.Dropped()+len(b.Open()))
	require.Equal(t, []string{"a-29 firing"}, ids(b.Find("a-29")), "the newest stay")
	for i := range 30 {
		b.Take(event("a", fmt.Sprint(i), "resolved", uint64(i+40)))
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
			b.Take(e)
			newest[e.ID] = e.State
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
