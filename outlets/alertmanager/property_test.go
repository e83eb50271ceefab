package alertmanager

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weirstream/weir/outlets"
)

// life is a topic, what is committed of it, and the line that lives now.
type life struct {
	*script
	topic     []*outlets.Alert
	delivered int            // records the line is done with
	committed int            // where a new line begins to recall
	state     map[string]int // of each device: 0 ok, 1 warning, 2 critical, 3 critical and suppressed
	episode   map[string]int
}

// event lets a device change its level, as a task would write it.
func (l *life) event(device string, level int) {
	names := []string{"", "warning", "critical", "critical"}
	was := l.state[device]
	if was == level {
		return
	}
	if was == 0 {
		l.episode[device]++
	}
	status := "firing"
	if level == 0 {
		status = "resolved"
	}
	text := device + " " + status + " " + names[max(level, was*(1-min(level, 1)))]
	of := l.alert
	if device > "c" { // groups are among them
		of = l.groupAlert
	}
	a := of(text)
	a.ID = fmt.Sprint(device, l.episode[device])
	if level == 3 || level == 0 && was == 3 {
		a.SuppressedBy = []string{"silence/x"}
	}
	l.topic = append(l.topic, a)
	l.state[device] = level
}

// work delivers what waits, as a worker would, and commits.
func (l *life) work() {
	result, _ := l.line.Deliver(l.t.Context(), l.topic[l.delivered:]) // trouble is part of it
	l.delivered += result.Done
	l.committed = l.delivered
	if oldest, ok := l.line.Oldest(); ok {
		l.committed = slices.IndexFunc(l.topic, func(a *outlets.Alert) bool { return a.Offset == oldest })
	}
}

// restart forgets all but the topic and what is committed.
func (l *life) restart() {
	l.line = newLine(l.m)
	for _, a := range l.topic[l.committed:l.delivered] {
		l.line.Recall(a)
	}
	l.line.Recalled()
}

// Through outages and restarts in any order: once the receiver is back, it knows what fires and nothing else, and every event reached it.
func TestWhatFiresIsKnownAfterAnyTrouble(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		steps := rapid.SliceOfN(rapid.IntRange(0, 99), 1, 150).Draw(r, "steps")
		var problem string // told outside: a failure in the bubble could not be made smaller
		synctest.Test(t, func(t *testing.T) {
			l := &life{script: newScript(t, Options{}), state: map[string]int{}, episode: map[string]int{}}
			l.play(steps)
			problem = l.problem()
		})
		require.Empty(r, problem)
	})
}

func (l *life) play(steps []int) {
	for _, n := range steps {
		switch device := string(rune('a' + n%5)); {
		case n < 60:
			l.event(device, n/5%4)
		case n < 75:
			l.work()
		case n < 85:
			l.wait(time.Duration(n-74) * 20 * time.Second)
			_, _ = l.line.Repeat(l.t.Context())
		case n < 90:
			l.d.answer(503)
		case n < 95:
			l.d.answer(0)
		default:
			l.restart()
		}
	}
	l.d.answer(0)
	l.work()
}

// problem says what is wrong now that the receiver is back.
func (l *life) problem() string {
	if len(l.topic) != l.delivered {
		return fmt.Sprintf("%d of %d records delivered", l.delivered, len(l.topic))
	}
	for range 5 {
		var want []string
		for _, device := range []string{"a", "b", "c", "d", "e"} {
			if level := l.state[device]; level == 1 || level == 2 {
				want = append(want, device+" "+[]string{"", "warning", "critical"}[level])
			}
		}
		if _, err := l.line.Repeat(l.t.Context()); err != nil {
			return err.Error()
		}
		if got := l.firing(); !slices.Equal(want, got) {
			return fmt.Sprintf("firing are %v, should be %v", got, want)
		}
		if len(l.line.byEpisode) != len(want) {
			return fmt.Sprintf("%d episodes are remembered, %d fire", len(l.line.byEpisode), len(want))
		}
		l.wait(time.Minute)
	}
	if len(l.line.said) != len(l.line.byEpisode) {
		return fmt.Sprintf("%d alerts are remembered, %d fire", len(l.line.said), len(l.line.byEpisode))
	}
	return l.missing()
}

// missing names an event that was not accepted: a firing with its start and level, an end with its time.
func (l *life) missing() string {
	began, ended := map[string]bool{}, map[string]bool{}
	for _, post := range l.d.posts {
		for _, a := range post {
			key := fmt.Sprint(a.Labels["device"], a.Labels["group"], a.Labels["severity"])
			began[key+a.StartsAt.String()] = true
			ended[key+a.EndsAt.String()] = true
		}
	}
	for _, a := range l.topic {
		key := fmt.Sprint(a.Of(), a.Level)
		if a.SuppressedBy != nil {
			continue
		}
		if a.Status == "firing" && !began[key+a.StartsAt.UTC().String()] || a.Status == "resolved" && !ended[key+a.EndsAt.UTC().String()] {
			return fmt.Sprintf("%s %s %s at %v did not arrive", a.Of(), a.Status, a.Level, a.At)
		}
	}
	return ""
}
