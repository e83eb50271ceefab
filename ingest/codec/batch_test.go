package codec

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/event"
)

// seqs returns the sequence numbers of the readings in their order.
func seqs(b *Batch) []int64 {
	var order []int64
	for _, r := range b.Readings {
		order = append(order, r.Seq)
	}
	return order
}

func timed(times ...event.Time) []event.Reading {
	readings := make([]event.Reading, len(times))
	for i, t := range times {
		readings[i] = event.Reading{Time: t, HasTime: t >= 0, Seq: int64(i)}
		if t < 0 {
			readings[i].Time = 0
		}
	}
	return readings
}

func TestSortByTime(t *testing.T) {
	for _, c := range []struct {
		times []event.Time // -1: no time of its own
		want  []int64
	}{
		{nil, nil},
		{[]event.Time{7}, []int64{0}},
		{[]event.Time{1, 2, 2, 3}, []int64{0, 1, 2, 3}},
		{[]event.Time{3, 2, 1}, []int64{2, 1, 0}},
		{[]event.Time{2, 1, 2, 1}, []int64{1, 3, 0, 2}},
		{[]event.Time{-1, 101, 99, 100, -1}, []int64{2, 0, 3, 4, 1}},
	} {
		b := Batch{Readings: timed(c.times...)}
		b.SortByTime(100)
		require.Equal(t, c.want, seqs(&b), "%v", c.times)
	}
}

func TestSortByTimeIsStable(t *testing.T) {
	var times []event.Time
	for i := range 300 {
		times = append(times, event.Time(i*7919%5))
	}
	b := Batch{Readings: timed(times...)}
	b.SortByTime(0)
	for i := 1; i < len(b.Readings); i++ {
		before, r := b.Readings[i-1], b.Readings[i]
		require.True(t, before.Time < r.Time || before.Time == r.Time && before.Seq < r.Seq, "%d", i)
	}
}

func TestSortByTimeLeavesEarlierMessages(t *testing.T) {
	s := newScanner(t, narrow("ms"))
	var b Batch
	message := []byte(`[{"device":"p","metric":"door","value":1,"ts":9,"seq":1},{"device":"p","metric":"door","value":1,"ts":8,"seq":2}]`)
	s.Decode(message, &b)
	s.Decode(message, &b)
	b.SortByTime(0)
	require.Equal(t, []int64{1, 2, 2, 1}, seqs(&b))
}

func TestSortByTimeDoesNotAllocate(t *testing.T) {
	var times []event.Time
	for i := range 200 {
		times = append(times, event.Time(i*7919%200-1))
	}
	shuffled := timed(times...)
	b := Batch{Readings: make([]event.Reading, len(shuffled))}
	require.Zero(t, testing.AllocsPerRun(100, func() {
		copy(b.Readings, shuffled)
		b.SortByTime(50)
	}))
}
