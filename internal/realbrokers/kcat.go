package realbrokers

import "os/exec"

// Kcat returns the path of kcat, a Kafka client that shares no code with weir.
func Kcat(t TB) string {
	t.Helper()
	path, err := exec.LookPath("kcat")
	if err != nil {
		missing(t, "kcat not found: install it (Debian: kcat)")
	}
	return path
}
