package main

import (
	"log/slog"
	"sync"
	"time"
)

// tokenFile is the file of --api-token-file. A request reads it again, at most once a second; while what it holds cannot be used, what it held
// before stays in force.
type tokenFile struct {
	path string
	log  *slog.Logger
	now  func() time.Time

	mu     sync.Mutex
	looked time.Time
	token  string
	unfit  string // why what it holds cannot be used; empty: it can
}

// lookAtToken is how long after a look the next request looks at the file again.
const lookAtToken = time.Second

// newTokenFile is of a file that held the token a moment ago.
func newTokenFile(path, token string, log *slog.Logger) *tokenFile {
	return &tokenFile{path: path, token: token, log: log, now: time.Now}
}

func (f *tokenFile) inForce() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.now()
	if now.Sub(f.looked) < lookAtToken {
		return f.token
	}
	f.looked = now
	token, err := apiToken(f.path)
	switch {
	case err != nil && err.Error() != f.unfit:
		f.unfit = err.Error()
		f.log.Warn("changed API token not taken, the one before it stays", "reason", err)
	case err == nil:
		f.unfit = ""
		if token != f.token {
			f.token = token
			f.log.Info("changed API token taken", "file", f.path)
		}
	}
	return f.token
}

// tokenInForce is the token that the API asks for; empty: it asks for none.
func (a *api) tokenInForce() string {
	if a.tokens == nil {
		return a.token
	}
	return a.tokens.inForce()
}
