package oracle

import "slices"

// addToRolling adds a reading to a rolling window, which speaks at every one that
// is not older than all of it.
func (t *task) addToRolling(d *device, index int, s sample, by cause) {
	c := &t.p.Windows[index]
	all := d.rolling[index]
	newest := s.time
	if n := len(all); n > 0 {
		newest = max(newest, all[n-1].time)
	}
	start := floor(newest, c.Every) + c.Every - c.Size
	if s.time < start {
		return
	}
	at := len(all)
	for at > 0 && all[at-1].time > s.time {
		at--
	}
	all = slices.Insert(all, at, s)
	past := 0
	for all[past].time < start {
		past++
	}
	d.rolling[index] = slices.Delete(all, 0, past)
	t.speak(d, index, &window{start: start, end: newest + 1, samples: d.rolling[index]}, by)
}
