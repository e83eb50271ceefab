package engine

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// evolved is patient with another rule, and a window more in the place of none.
var evolved = withLine(withLine(patient, "- name: hot", "- name: warm"), "rules:", `  - {name: more, metric: temperature, count: 5, compute: [count, sum], emit: {topic: others}}
rules:`)

// outputs are all committed records of a bench with files like patient and evolved.
func (b *bench) outputs() map[string][]string {
	all := map[string][]string{}
	for _, topic := range []string{"aggregates", "others", "alerts"} {
		all[topic] = b.read(topic, 0)
	}
	return all
}

// calm is what becomes of the lines where the file is another one from each of the
// positions on, and nothing goes wrong.
func calm(t *testing.T, lines []string, files ...string) map[string][]string {
	t.Helper()
	b := newBench(t, benchOptions{pipeline: files[0]})
	store := newMemoryStore()
	for i, file := range files {
		b.plan = compile(t, file)
		b.fold(store, lines[i*len(lines)/len(files):(i+1)*len(lines)/len(files)]...)
	}
	return b.outputs()
}

// Where the file changes, what it leaves alone goes on as if nothing had happened,
// what is new begins there, and what is gone ends.
func TestChangedFile(t *testing.T) {
	lines := history(1_500)
	aggregates, alerts := uninterrupted(t, lines)
	for _, disk := range []string{"kept", "lost", "stale"} {
		t.Run("disk "+disk, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, benchOptions{pipeline: patient})
			store := newMemoryStore()
			stale := store.copy()
			third := len(lines) / 3
			for i, file := range []string{patient, evolved, patient} {
				switch disk {
				case "lost":
					store = newMemoryStore()
				case "stale":
					store, stale = stale, store.copy()
				}
				b.plan = compile(t, file)
				b.fold(store, lines[i*third:(i+1)*third]...)
			}
			have := b.outputs()
			sameLines(t, "aggregates", aggregates[:len(have["aggregates"])], have["aggregates"])
			require.Greater(t, len(have["aggregates"]), len(aggregates)*9/10)

			first := calm(t, lines[:third], patient)["alerts"]
			sameLines(t, "alerts of the first file", first, have["alerts"][:len(first)])
			sameLines(t, "alerts of the first file", alerts[:len(first)], first)
			firing := 0
			for _, line := range first {
				switch {
				case strings.Contains(line, `"state":"firing"`):
					firing++
				case strings.Contains(line, `"state":"resolved"`):
					firing--
				}
			}
			require.Positive(t, firing)
			ended := grep(have["alerts"], `"reason":"removed"`)
			require.Len(t, grep(ended, `"rule":"hot"`), firing)
			sameLines(t, "ends", ended[:firing], have["alerts"][len(first):len(first)+firing])
			open := map[string]bool{}
			for _, line := range have["alerts"] {
				rule, _, _ := strings.Cut(line[strings.Index(line, `"rule":`):], `,"state"`)
				is := strings.Contains(line, `"state":"firing"`)
				require.NotEqual(t, is, open[rule], line)
				open[rule] = is
			}

			// The window that came and went has seen the second third alone.
			fresh := newBench(t, benchOptions{pipeline: evolved})
			fresh.fold(newMemoryStore(), lines[third:2*third]...)
			sameLines(t, "others", fresh.read("others", 0), have["others"])
			require.NotEmpty(t, have["others"])
		})
	}
}

// Whatever step a process freezes at that carries the state over, its successor
// does so too, or goes on from where it had: once.
func TestFreezeWhileFileChanges(t *testing.T) {
	lines := history(1_000)
	want := calm(t, lines, patient, evolved)
	for _, c := range []struct {
		point string
		at    int32
	}{
		{"restoring", 1}, {"replaying", 1}, {"begun", 1}, {"produced", 1}, {"offset_sent", 1}, {"ended", 1}, {"confirmed", 1}, {"flushed", 1}, {"marked", 1},
		{"begun", 2}, {"produced", 2}, {"offset_sent", 2}, {"ended", 2}, {"confirmed", 2},
	} {
		t.Run(fmt.Sprintf("%s %d", c.point, c.at), func(t *testing.T) {
			t.Parallel()
			point, at := c.point, c.at
			b := newBench(t, benchOptions{pipeline: patient})
			store := newMemoryStore()
			b.fold(store, lines[:len(lines)/2]...)
			b.plan = compile(t, evolved)
			o := b.options(store)
			frozen, thaw := make(chan struct{}), make(chan struct{})
			var once sync.Once
			var hits atomic.Int32
			o.Failpoint = func(p string, _ int32) {
				if p == point && hits.Add(1) == at {
					once.Do(func() { close(frozen) })
					<-thaw
				}
			}
			zombie := b.start(o)
			if at > 1 {
				zombie.settled(0, b.sent)
			}
			b.produce(0, lines[len(lines)/2:]...)
			select {
			case <-frozen:
			case <-time.After(60 * time.Second):
				require.Fail(t, "never reached "+point)
			}
			next := b.start(b.options(store.copy()))
			next.settled(0, int64(len(lines)))
			close(thaw)
			err := zombie.ended(t)
			var refused *RefusedError
			require.ErrorAs(t, err, &refused, "a process whose seat was taken must say so")
			require.NoError(t, next.wait())
			have := b.outputs()
			for _, topic := range []string{"aggregates", "others", "alerts"} {
				sameLines(t, topic, want[topic], have[topic])
			}
		})
	}
}

// A journal keeps to its bounds and stays enough, through any number of files.
func TestManyFiles(t *testing.T) {
	lines := history(1_200)
	b := newBench(t, benchOptions{pipeline: patient})
	store := newMemoryStore()
	const files = 12
	n := len(lines) / files
	for i := range files {
		file := patient
		if i%2 > 0 {
			file = withLine(patient, "rules:", fmt.Sprintf("  - {name: more%d, metric: temperature, count: %d, compute: [sum], emit: {topic: others}}\nrules:", i%3, i+1))
		}
		b.plan = compile(t, file)
		if i%3 == 2 {
			store = newMemoryStore()
		}
		b.fold(store, lines[i*n:(i+1)*n]...)
	}
	aggregates, alerts := uninterrupted(t, lines[:files*n])
	sameLines(t, "aggregates", aggregates, b.read("aggregates", 0))
	sameLines(t, "alerts", alerts, b.read("alerts", 0))
}

// A process that has yet to get the newer file waits, and changes nothing; one that
// gets an older file again goes on from there.
func TestOlderFileWaits(t *testing.T) {
	t.Parallel()
	lines := history(400)
	b := newBench(t, benchOptions{pipeline: patient})
	store := newMemoryStore()
	b.fold(store, lines[:200]...)
	began := time.Now()
	b.plan = compile(t, evolved)
	b.fold(store, lines[200:300]...)
	before := b.journalEnd()

	b.plan = compile(t, patient)
	o := b.options(newMemoryStore())
	o.WallClock = func() time.Time { return began.Add(-time.Second) }
	late := b.start(o)
	eventually(t, "tried twice", func() bool { return late.engine.Totals().Recoveries >= 2 })
	require.False(t, late.engine.Ready())
	require.Equal(t, before, b.journalEnd())
	require.NoError(t, late.wait())

	b.fold(store, lines[300:]...)
	aggregates, _ := uninterrupted(t, lines)
	sameLines(t, "aggregates", aggregates, b.read("aggregates", 0))
}
