package complaint

import "time"

const (
	// First is how long after it began trouble is said for the second time.
	First = time.Minute
	// Longest is how long it is left unsaid at most, while it lasts.
	Longest = 10 * time.Minute
)

// Pace is one trouble. The zero value is one that has not begun. It is not safe for use by several goroutines.
type Pace struct {
	began, said time.Time
	every       time.Duration // until it is said again; 0: it has not begun
}

// Again notes that there is trouble at now. It reports whether to say so, and how long it has lasted, which is 0 when it begins.
func (p *Pace) Again(now time.Time) (lasts time.Duration, say bool) {
	switch {
	case p.every == 0:
		p.began, p.every = now, First
	case now.Sub(p.said) < p.every:
		return now.Sub(p.began), false
	default:
		p.every = min(2*p.every, Longest)
	}
	p.said = now
	return now.Sub(p.began), true
}

// Over notes that the trouble is over at now. It reports how long it lasted, and whether there was any.
func (p *Pace) Over(now time.Time) (lasted time.Duration, was bool) {
	lasted, was = now.Sub(p.began), p.every > 0
	*p = Pace{}
	return lasted, was
}
