package window

// PlanRings lays out the windows of one metric: the rings they share, and for
// each ring the indexes of its windows in specs, ascending. Windows share a ring
// where that takes no more words than a ring each; a ring has at most three.
func PlanRings(specs []Spec, t Time) ([]*Ring, [][]int, error) {
	if err := t.validate(); err != nil {
		return nil, nil, err
	}
	var plan []plannedRing
	for i, s := range specs {
		if err := s.validate(); err != nil {
			return nil, nil, err
		}
		ring, err := newRing(specs[i:i+1], t)
		if err != nil {
			return nil, nil, err
		}
		best, added := -1, ring.size()
		for j, p := range plan {
			joined, ok := p.with(i, specs, t)
			if !ok {
				continue
			}
			if more := joined.size() - p.ring.size(); more <= added {
				best, added, ring = j, more, joined
			}
		}
		if best < 0 {
			plan = append(plan, plannedRing{ring: ring, members: []int{i}})
			continue
		}
		plan[best].ring = ring
		plan[best].members = append(plan[best].members, i)
	}
	rings, members := make([]*Ring, len(plan)), make([][]int, len(plan))
	for j, p := range plan {
		rings[j], members[j] = p.ring, p.members
	}
	return rings, members, nil
}

type plannedRing struct {
	ring    *Ring
	members []int
}

// with is the ring that holds window i as well, where there can be one.
func (p plannedRing) with(i int, specs []Spec, t Time) (*Ring, bool) {
	if len(p.members) == maxWindows {
		return nil, false
	}
	if first := specs[p.members[0]]; !first.sharesPanes(specs[i]) {
		return nil, false
	}
	joined := make([]Spec, 0, maxWindows)
	for _, member := range p.members {
		joined = append(joined, specs[member])
	}
	ring, err := newRing(append(joined, specs[i]), t)
	// An error here says that the panes would be too many; alone they fit.
	return ring, err == nil
}

// sharesPanes reports whether two windows can lie over the same panes: days only over the same days.
func (s Spec) sharesPanes(o Spec) bool {
	if s.Location == nil || o.Location == nil {
		return s.Location == o.Location
	}
	return s.Location.String() == o.Location.String() && s.Offset == o.Offset
}

// size is the words a row takes.
func (r *Ring) size() int { return int(r.cells) * r.words }
