package realbrokers

import "os/exec"

// Chromium returns the path of a Chromium, for tests of pages.
func Chromium(t TB) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	missing(t, "chromium not found: install it (Debian: chromium)")
	return ""
}
