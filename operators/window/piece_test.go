package window_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/operators/window"
)

// paneOfSessions is the ring in which devices gather their part of sessions.
func paneOfSessions(t require.TestingT, gap event.Time, compute []string) *window.Ring {
	return one(t, window.Spec{Name: "s", Size: max(gap/4, 1), Every: max(gap/4, 1), Compute: compute, Whole: gap, Times: true}, window.Time{MaxFutureSkew: 1_000})
}

// A piece of one reading does to sessions what the reading does.
func TestPieceOfOneReadingIsTheReading(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		gap := event.Time(rapid.SampledFrom([]int{1, 3, 20}).Draw(t, "gap"))
		times := window.Time{WaitForLate: 5, MaxFutureSkew: 30, Backfill: event.Time(rapid.SampledFrom([]int{0, 40}).Draw(t, "backfill"))}
		spec := window.SessionSpec{Name: "s", Gap: gap, Compute: []string{"count", "sum", "min", "last"}, Change: rapid.Bool().Draw(t, "change")}
		parts := spec
		parts.Parts = true
		direct, err := window.NewSession(spec, times)
		require.NoError(t, err)
		group, err := window.NewSession(parts, times)
		require.NoError(t, err)
		pane := paneOfSessions(t, gap, spec.Compute)
		want, got := newMovingRow(direct.Cells(), direct.Words()), newMovingRow(group.Cells(), group.Words())
		clock := event.Time(1_000)
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			to := clock + event.Time(rapid.SampledFrom([]int{0, 0, 1, 7, 30}).Draw(t, "moves"))
			var wanted, have []string
			direct.Close(want, window.Span{From: clock, To: to}, sayTo(spec, &wanted))
			group.Close(got, window.Span{From: clock, To: to}, sayTo(spec, &have))
			clock = to
			at := clock + event.Time(rapid.IntRange(-60, 30).Draw(t, "at"))
			late := direct.Late(want.Words(), at, clock)
			p := pane.Alone(at, 3)
			require.True(t, p.Whole())
			require.Equal(t, late, group.LatePiece(got.Words(), p.Piece(), clock))
			if !late {
				one := direct.Fold(want, at, 3, clock, sayTo(spec, &wanted))
				other := group.Absorb(got, p.Piece(), clock, sayTo(spec, &have))
				require.Equal(t, one, other)
				direct.Revise(want, one.Cell, clock, sayTo(spec, &wanted))
				group.Revise(got, one.Cell, clock, sayTo(spec, &have))
				direct.Change(want, one.Cell, clock, sayTo(spec, &wanted))
				group.Change(got, one.Cell, clock, sayTo(spec, &have))
			}
			if rapid.IntRange(0, 3).Draw(t, "silent") == 0 {
				direct.Provisional(want, clock, sayTo(spec, &wanted))
				group.Provisional(got, clock, sayTo(spec, &have))
			}
			require.Equal(t, wanted, have)
			require.Equal(t, want.Words(), got.Words())
		}
	})
}

func sayTo(spec window.SessionSpec, said *[]string) window.Emit {
	return func(r *window.Result) uint8 {
		line := sessionLine(spec, r)
		*said = append(*said, line)
		return uint8(len(line))
	}
}

// Sessions of pieces are those of all their readings, in whichever order pieces come
// as long as none is late.
func TestSessionsOfPiecesAreThoseOfTheirReadings(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		gap := event.Time(rapid.SampledFrom([]int{2, 8, 20, 41}).Draw(t, "gap"))
		spec := window.SessionSpec{Name: "s", Gap: gap, Compute: []string{"count", "sum", "min", "max", "first", "last"}, Parts: true}
		s, err := window.NewSession(spec, window.Time{WaitForLate: gap, MaxFutureSkew: 1_000})
		require.NoError(t, err)
		pane := paneOfSessions(t, gap, spec.Compute)
		row, device := newMovingRow(s.Cells(), s.Words()), newMovingRow(pane.Cells(), pane.Words())
		var readings []event.Time
		var pieces []window.Piece
		for range rapid.IntRange(1, 40).Draw(t, "pieces") {
			at := event.Time(rapid.IntRange(1_000, 1_000+12*int(gap)).Draw(t, "at"))
			from, to := pane.Pane(at)
			for range rapid.IntRange(1, 3).Draw(t, "readings") {
				at = event.Time(rapid.IntRange(int(from), int(to)-1).Draw(t, "in"))
				for slices.Contains(readings, at) && at < to-1 {
					at++
				}
				if !slices.Contains(readings, at) {
					readings = append(readings, at)
					pane.Fold(device, at, float64(at))
				}
			}
			pane.Drain(device, event.Never, func(p window.Partial) {
				piece := p.Piece()
				piece.Words = slices.Clone(piece.Words)
				pieces = append(pieces, piece)
			})
		}
		clock, open := event.Time(900), 0
		for _, p := range rapid.Permutation(pieces).Draw(t, "order") {
			f := s.Absorb(row, p, clock, func(*window.Result) uint8 { t.Fatal("nothing was said that could end"); return 0 })
			open += f.Opened
			require.NoError(t, s.Check(row.Words(), clock))
		}
		var have []string
		s.Close(row, window.Span{From: clock, To: 100_000}, sayTo(spec, &have))
		require.Equal(t, sessionsOf(readings, gap), have)
		require.Len(t, have, open)
	})
}

// A piece can join three sessions, of which the middle one lies within it, or be the
// new start of two.
func TestPieceJoinsThreeSessions(t *testing.T) {
	spec := window.SessionSpec{Name: "s", Gap: 40, Compute: []string{"count", "sum"}, Parts: true}
	s, err := window.NewSession(spec, window.Time{WaitForLate: 10, MaxFutureSkew: 1_000})
	require.NoError(t, err)
	play := func(pieces ...window.Piece) (said []string) {
		row := newMovingRow(s.Cells(), s.Words())
		open := 0
		for i, p := range pieces {
			if i == len(pieces)-1 {
				s.Provisional(row, 1_000, sayTo(spec, &said))
			}
			p.Count, p.Words = 1, []uint64{math.Float64bits(float64(i + 1)), 0}
			open += s.Absorb(row, p, 1_000, sayTo(spec, &said)).Opened
			require.NoError(t, s.Check(row.Words(), 1_000))
		}
		s.Close(row, window.Span{From: 1_000, To: 100_000}, sayTo(spec, &said))
		require.Equal(t, 1, open)
		return said
	}
	at := func(t event.Time) window.Piece { return window.Piece{First: t, Last: t} }
	require.Equal(t, []string{
		"s [1.061s, 1.101s) n=1 count=1 sum=3 revision=1",
		"s [1.101s, 1.141s) n=1 count=1 sum=1 revision=1",
		"s [1.141s, 1.181s) n=1 count=1 sum=2 revision=1",
		"s [1.101s, 1.141s) n=1 revision=2 merged into 1.061s",
		"s [1.141s, 1.181s) n=1 revision=2 merged into 1.061s",
		"s [1.061s, 1.181s) n=4 count=4 sum=10 revision=2 final digest=47",
	}, play(at(1_101), at(1_141), at(1_061), window.Piece{First: 1_100, Last: 1_109}))
	require.Equal(t, []string{
		"s [1.105s, 1.145s) n=1 count=1 sum=1 revision=1",
		"s [1.146s, 1.186s) n=1 count=1 sum=2 revision=1",
		"s [1.105s, 1.145s) n=1 revision=2 merged into 1.1s",
		"s [1.146s, 1.186s) n=1 revision=2 merged into 1.1s",
		"s [1.1s, 1.186s) n=3 count=3 sum=6 revision=1 final",
	}, play(at(1_105), at(1_146), window.Piece{First: 1_100, Last: 1_109}))
}

func sessionsOf(readings []event.Time, gap event.Time) (lines []string) {
	slices.Sort(readings)
	for len(readings) > 0 {
		n, sum := 1, readings[0]
		for n < len(readings) && readings[n]-readings[n-1] < gap {
			sum += readings[n]
			n++
		}
		first, last := readings[0], readings[n-1]
		line := fmt.Sprintf("s [%s, %s) n=%d count=%d sum=%d min=%d max=%d first=%d last=%d revision=1 final", span(first), span(last+gap), n, n, sum, first, last, first, last)
		lines, readings = append(lines, strings.TrimSpace(line)), readings[n:]
	}
	return lines
}
