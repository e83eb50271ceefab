//go:build real

package chaos

import "time"

func processScripts() map[string]script {
	return map[string]script{
		"kill-random": killRandom,
	}
}

// killRandom kills at any moment, also while the process is still starting.
func killRandom(r *round) {
	r.prepare(setting{})
	w := r.start()
	r.feed(loadOptions{})
	for range number(r.t, "WEIR_CHAOS_KILLS", 8) {
		r.pass(r.between(100*time.Millisecond, 2900*time.Millisecond))
		w.Kill()
		w.Start()
	}
	r.verified()
}
