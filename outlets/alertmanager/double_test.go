package alertmanager

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// double is an Alertmanager as far as POST /api/v2/alerts goes: what it stores, merges and refuses.
type double struct {
	mu     sync.Mutex
	status int // other than 0: the answer to everything
	header http.Header
	alerts map[string]postable // by labels
	posts  [][]postable        // what was accepted, request by request
	seen   int                 // requests, refused ones among them
}

func newDouble() *double { return &double{alerts: map[string]postable{}} }

// RoundTrip lets a client talk to it without a network.
func (d *double) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	d.ServeHTTP(w, r)
	return w.Result(), nil
}

func (d *double) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.seen++
	d.header = r.Header.Clone()
	if d.status != 0 {
		http.Error(w, "out of order", d.status)
		return
	}
	var posted []postable
	if err := json.NewDecoder(r.Body).Decode(&posted); err != nil || r.URL.Path != "/api/v2/alerts" || r.Method != http.MethodPost {
		http.Error(w, fmt.Sprint(r.URL.Path, err), http.StatusBadRequest)
		return
	}
	// Valid ones are stored although others are not, and the answer is for all.
	var wrong []string
	var valid []postable
	keys := map[string]bool{}
	for _, a := range posted {
		key := keyOf(a.Labels)
		if keys[key] {
			// The real one takes the last, but nobody promises that.
			panic("two statements of one alert in a request: " + key)
		}
		keys[key] = true
		if problem := d.put(a); problem != "" {
			wrong = append(wrong, problem)
		} else {
			valid = append(valid, a)
		}
	}
	if len(valid) > 0 {
		d.posts = append(d.posts, valid)
	}
	if wrong != nil {
		http.Error(w, strings.Join(wrong, "; "), http.StatusBadRequest)
	}
}

// put stores an alert. Where it overlaps with what is known of the same labels, the earlier start counts.
func (d *double) put(a postable) string {
	legal := regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)
	for name := range a.Labels { // unordered: any wrong one will do
		if !legal.MatchString(name) {
			return "invalid label name " + name
		}
	}
	switch {
	case len(a.Labels) == 0:
		return "at least one label pair required"
	case a.EndsAt.Before(a.StartsAt):
		return "start time must be before end time"
	case a.Labels["poison"] != "":
		return "poison"
	}
	key := keyOf(a.Labels)
	if old, ok := d.alerts[key]; ok && old.EndsAt.After(a.StartsAt) && old.StartsAt.Before(a.StartsAt) {
		a.StartsAt = old.StartsAt
	}
	d.alerts[key] = a
	return ""
}

// firing lists what fires at a time, as "device severity" or "group severity", sorted.
func (d *double) firing(now time.Time) []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var all []string
	for _, a := range d.alerts { // unordered: sorted below
		if a.EndsAt.After(now) {
			all = append(all, strings.TrimSpace(a.Labels["device"]+a.Labels["group"]+" "+a.Labels["severity"]))
		}
	}
	slices.Sort(all)
	return all
}

func (d *double) answer(status int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.status = status
}
