package alerts_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weirstream/weir/alerts"
	"github.com/weirstream/weir/event"
)

// model is the machine without its economy: it keeps every sample and looks back
// over them, instead of counting forward.
type model struct {
	spec    alerts.Spec
	samples []alerts.Sample
	latched []bool
	episode *episode
	began   event.Time // of the last episode, or of this one
}

type episode struct {
	start   event.Time
	number  int
	fired   int // last level that fired, -1 none
	on      bool
	missed  event.Time
	waiting int // highest level that waited after the last sample
}

func (m *model) holds(level int, s alerts.Sample) bool {
	l := m.spec.Levels[level]
	if l.Above != nil {
		return s.Value > *l.Above
	}
	return s.Value < *l.Below
}

func (m *model) clears(level int, s alerts.Sample) bool {
	l := m.spec.Levels[level]
	switch {
	case l.ClearBelow != nil:
		return s.Value < *l.ClearBelow
	case l.ClearAbove != nil:
		return s.Value > *l.ClearAbove
	}
	return !m.holds(level, s)
}

func (m *model) hole(i int) bool {
	return m.spec.IdleAfter > 0 && m.samples[i].Time-m.samples[i-1].Time > m.spec.IdleAfter
}

// covered looks back from the newest sample over those at which level's
// condition held without a break.
func (m *model) covered(level int) event.Time {
	var sum event.Time
	for i := len(m.samples) - 1; i > 0 && m.holds(level, m.samples[i-1]); i-- {
		if m.hole(i) && m.spec.OnGap == alerts.Reset {
			break
		}
		if !m.hole(i) || m.spec.OnGap == alerts.Hold {
			sum += m.samples[i].Time - m.samples[i-1].Time
		}
	}
	return sum
}

// top returns the highest level that is latched, and the highest whose condition
// holds without it.
func (m *model) top() (on, waiting int) {
	on, waiting = -1, -1
	for i, latched := range m.latched {
		switch {
		case latched:
			on = i
		case m.holds(i, m.samples[len(m.samples)-1]):
			waiting = i
		}
	}
	return on, waiting
}

func (m *model) say(state alerts.EventState, level int) alerts.Event {
	s := m.samples[len(m.samples)-1]
	if m.episode == nil {
		m.episode = &episode{start: s.Time, fired: -1, waiting: -1}
		m.began = s.Time
	}
	m.episode.number++
	named := level
	if level < 0 {
		named = m.episode.waiting
	}
	l := m.spec.Levels[named]
	e := alerts.Event{
		State: state, Level: level, Previous: m.episode.fired, Value: s.Value,
		Time: s.Time, EpisodeStart: m.episode.start, Number: m.episode.number,
	}
	if l.Above != nil {
		e.Threshold = *l.Above
	} else {
		e.Threshold = *l.Below
	}
	if state == alerts.EventOK || state == alerts.EventResolved {
		m.episode = nil
	}
	return e
}

func (m *model) step(s alerts.Sample) []alerts.Event {
	var out []alerts.Event
	if m.episode == nil && m.began == s.Time {
		return nil
	}
	m.samples = append(m.samples, s)
	n := len(m.samples)
	if m.episode != nil && m.episode.fired < 0 && n > 1 && m.hole(n-1) && m.spec.OnGap == alerts.Reset {
		out = append(out, m.say(alerts.EventOK, -1))
	}
	for i, l := range m.spec.Levels {
		if m.latched[i] {
			m.latched[i] = !m.clears(i, s)
		} else {
			m.latched[i] = m.holds(i, s) && m.covered(i) >= l.Hold
		}
	}
	on, waiting := m.top()
	if on < 0 && m.spec.KeepFiring > 0 && m.episode != nil {
		for i := 0; i <= m.episode.fired; i++ {
			m.latched[i] = m.holds(i, s)
		}
		on, waiting = m.top()
	}
	if on >= 0 {
		if m.episode == nil || m.episode.fired != on || !m.episode.on {
			out = append(out, m.say(alerts.EventFiring, on))
		}
		m.episode.fired, m.episode.on = on, true
		return out
	}
	if e := m.episode; e != nil && e.fired >= 0 {
		if e.on && m.spec.KeepFiring > 0 {
			e.on, e.missed = false, s.Time
			return append(out, m.say(alerts.EventRecovering, e.fired))
		}
		if !e.on && s.Time-e.missed < m.spec.KeepFiring {
			return out
		}
		out = append(out, m.say(alerts.EventResolved, e.fired))
	}
	switch {
	case m.episode == nil && waiting >= 0:
		out = append(out, m.say(alerts.EventPending, waiting))
	case m.episode != nil && waiting < 0:
		out = append(out, m.say(alerts.EventOK, -1))
	}
	if m.episode != nil {
		m.episode.waiting = waiting
	}
	return out
}

// spec draws rules with few distinct thresholds and times, so that values and
// spans often meet them exactly.
func spec(t *rapid.T) alerts.Spec {
	s := alerts.Spec{
		Name:       "drawn",
		IdleAfter:  event.Time(rapid.SampledFrom([]int{0, 3, 6}).Draw(t, "idle_after")),
		OnGap:      alerts.OnGap(rapid.IntRange(0, 2).Draw(t, "on_gap")),
		KeepFiring: event.Time(rapid.SampledFrom([]int{0, 0, 4, 9}).Draw(t, "keep_firing")),
	}
	below := rapid.Bool().Draw(t, "below")
	threshold := float64(rapid.IntRange(-3, 3).Draw(t, "lowest"))
	for range rapid.IntRange(1, 4).Draw(t, "levels") {
		l := alerts.Level{Hold: event.Time(rapid.SampledFrom([]int{0, 0, 1, 5, 12}).Draw(t, "hold"))}
		at, clear := threshold, threshold-float64(rapid.IntRange(0, 4).Draw(t, "clear"))
		if below {
			at, clear = -at, -clear
		}
		hasClear := rapid.Bool().Draw(t, "has_clear")
		switch {
		case below:
			l.Below = &at
			if hasClear {
				l.ClearAbove = &clear
			}
		default:
			l.Above = &at
			if hasClear {
				l.ClearBelow = &clear
			}
		}
		s.Levels = append(s.Levels, l)
		threshold += float64(rapid.IntRange(0, 2).Draw(t, "step"))
	}
	return s
}

func samples(t *rapid.T) []alerts.Sample {
	all := make([]alerts.Sample, rapid.IntRange(0, 60).Draw(t, "samples"))
	now := event.Time(1)
	for i := range all {
		all[i] = alerts.Sample{Time: now, Value: float64(rapid.IntRange(-8, 8).Draw(t, "value"))}
		now += event.Time(rapid.IntRange(0, 8).Draw(t, "pause"))
	}
	return all
}

func TestAgreesWithNaiveModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := spec(t)
		rule, err := alerts.Compile(s)
		require.NoError(t, err)
		m := model{spec: s, latched: make([]bool, len(s.Levels))}
		w := make([]uint64, rule.Words())
		before := make([]uint64, rule.Words())
		for _, sample := range samples(t) {
			copy(before, w)
			quiet := rule.Quiet(w, sample.Value)
			changed, ev := rule.Step(w, sample)
			require.NoError(t, rule.Check(w))
			require.Equal(t, changed, !equal(before, w), "changed at %v", sample)
			require.False(t, quiet && (changed || ev.N > 0), "quiet, and yet it changed at %v", sample)
			require.Equal(t, m.step(sample), append([]alerts.Event(nil), ev.All()...), "events at %v", sample)
		}
	})
}

func equal(a, b []uint64) bool {
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// A value that stays where it is can at most finish the holds it started: the
// level never falls, and once every span has passed nothing more happens.
func TestSameValueSettles(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := spec(t)
		s.IdleAfter = 0
		rule, err := alerts.Compile(s)
		require.NoError(t, err)
		w := make([]uint64, rule.Words())
		var now event.Time
		for _, sample := range samples(t) {
			rule.Step(w, sample)
			now = sample.Time
		}
		value := float64(rapid.IntRange(-8, 8).Draw(t, "settled"))
		rule.Step(w, alerts.Sample{Time: now + 1, Value: value})
		rule.Step(w, alerts.Sample{Time: now + 20, Value: value})
		rule.Step(w, alerts.Sample{Time: now + 40, Value: value})
		settled := rule.View(w)
		require.Contains(t, []alerts.State{alerts.OK, alerts.Firing}, settled.State)
		for i := range event.Time(5) {
			_, ev := rule.Step(w, alerts.Sample{Time: now + 41 + i, Value: value})
			require.Zero(t, ev.N)
			require.Equal(t, settled.Level, rule.View(w).Level)
		}
	})
}

// Samples that are older than the newest one of an episode change nothing, so a
// redelivered stretch is harmless.
func TestOldSamplesChangeNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rule, err := alerts.Compile(spec(t))
		require.NoError(t, err)
		w := make([]uint64, rule.Words())
		all := samples(t)
		for i, sample := range all {
			rule.Step(w, sample)
			if rule.View(w).State == alerts.OK {
				continue
			}
			before := append([]uint64(nil), w...)
			for _, old := range all[:i] {
				if old.Time == sample.Time {
					break
				}
				changed, ev := rule.Step(w, old)
				require.False(t, changed)
				require.Zero(t, ev.N)
			}
			require.Equal(t, before, w)
		}
	})
}

// Every episode is a sentence: numbers count from 1, the start stays, the last
// word is ok or resolved, resolved only after firing, and starts strictly grow.
func TestEpisodesAreWellFormed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rule, err := alerts.Compile(spec(t))
		require.NoError(t, err)
		w := make([]uint64, rule.Words())
		start, number, fired, level := event.Time(-1), 0, false, -1
		check := func(e alerts.Event) {
			if number == 0 {
				require.Greater(t, e.EpisodeStart, start)
				require.Equal(t, e.Time, e.EpisodeStart)
				start, fired, level = e.EpisodeStart, false, -1
			}
			number++
			require.Equal(t, number, e.Number)
			require.Equal(t, start, e.EpisodeStart)
			require.Equal(t, level, e.Previous)
			switch e.State {
			case alerts.EventPending:
				require.Equal(t, 1, e.Number)
			case alerts.EventFiring:
				fired, level = true, e.Level
			case alerts.EventRecovering:
				require.True(t, fired)
				require.Equal(t, level, e.Level)
			case alerts.EventResolved:
				require.True(t, fired)
				require.Equal(t, level, e.Level)
				number = 0
			case alerts.EventOK:
				require.False(t, fired)
				require.Equal(t, -1, e.Level)
				number = 0
			}
		}
		var now event.Time
		for _, sample := range samples(t) {
			now = sample.Time
			_, ev := rule.Step(w, sample)
			for _, e := range ev.All() {
				check(e)
			}
			require.Equal(t, number, rule.View(w).Number)
		}
		if e, ok := rule.Forget(w, now); ok {
			check(e)
		}
		require.Zero(t, number, "the episode has not ended")
		require.Equal(t, make([]uint64, rule.Words()), w)
	})
}
