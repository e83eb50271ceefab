//go:build real

package chaos

import (
	"os"
	"path/filepath"
	"time"

	"github.com/stretchr/testify/require"
)

func clockScripts() map[string]script {
	return map[string]script{
		"clock-ahead":  func(r *round) { r.wrongClock(distrusted, "+24h") },
		"clock-behind": func(r *round) { r.wrongClock(distrusted, "-1h") },
		"clock-frozen": func(r *round) { r.wrongClock(trusted, "frozen") },
		"clock-skewed": func(r *round) { r.wrongClock(trusted, "+50s", "-50s", "+50s") },
		"down-long":    downLong,
	}
}

// trust is what weir has to say of its clock while that is wrong.
type trust float64

const (
	distrusted trust = 0
	trusted    trust = 1
)

// wrongClock puts the clock of a running process wrong, lets it die and start with that clock, and puts the clock right again.
func (r *round) wrongClock(t trust, said ...string) {
	r.prepare(setting{})
	clock := filepath.Join(r.t.TempDir(), "clock")
	set := func(text string) { require.NoError(r.t, os.WriteFile(clock, []byte(text), 0o644)) }
	w := r.process()
	w.Env = []string{"WEIR_CLOCK=" + clock}
	w.Start()
	r.live()
	r.feed(loadOptions{})
	r.flow(2_000)
	for _, text := range said {
		set(text)
		r.pass(idleMillis*time.Millisecond + time.Second)
		require.EqualValues(r.t, t, w.Metrics()["weir_clock_trusted"], "the clock is %s", text)
	}
	w.Kill()
	w.Start()
	r.flow(4_000)
	require.EqualValues(r.t, t, w.Metrics()["weir_clock_trusted"])
	set("")
	r.flow(2_000)
	r.verified()
}

// downLong is down twice: the first time readings flow on, and a backlog is no silence; the second time they have ended before.
// downLong is down for DOWN seconds, twice: with readings flowing on, and without.
func downLong(r *round) {
	down := time.Duration(number(r.t, "DOWN", 7*idleMillis/1000)) * time.Second
	r.prepare(setting{})
	w := r.start()
	r.feed(loadOptions{})
	r.flow(3_000)
	w.Kill()
	r.pass(down)
	w.Start()
	r.caughtUp()
	w.Kill()
	r.pass(down)
	w.Start()
	r.live()
	r.pass(time.Second)
	r.feed(loadOptions{})
	r.flow(3_000)
	r.verified()
}
