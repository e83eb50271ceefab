package main

import (
	"context"
	"sync"
	"time"
)

const (
	cpuEvery    = 100 * time.Millisecond
	memoryEvery = 500 * time.Millisecond
)

// usage is what process groups have used.
type usage struct {
	CPU     time.Duration
	Written int64 // bytes
	RSS     int64 // bytes now
	RSSPeak int64
	PSS     int64 // bytes now; see settle
}

// sampler watches the processes of groups. What a process used is kept when it ends, as far as the last look at it.
type sampler struct {
	mu      sync.Mutex
	groups  map[int]bool
	cpu     map[int]time.Duration // by pid
	written map[int]int64
	now     usage
}

func newSampler() *sampler {
	return &sampler{groups: map[int]bool{}, cpu: map[int]time.Duration{}, written: map[int]int64{}}
}

// watch adds a process group.
func (s *sampler) watch(group int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.groups[group] = true
}

// run looks again and again until ctx ends.
func (s *sampler) run(ctx context.Context) {
	cpu, memory := time.NewTicker(cpuEvery), time.NewTicker(memoryEvery)
	defer cpu.Stop()
	defer memory.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-cpu.C:
			s.look(false)
		case <-memory.C:
			s.look(true)
		}
	}
}

// look reads the groups now and returns what they have used so far.
func (s *sampler) look(memory bool) usage {
	s.mu.Lock()
	defer s.mu.Unlock()
	rss := int64(0)
	for _, p := range groupMembers(s.groups) {
		s.cpu[p.pid] = p.cpu
		if memory {
			rss += residentBytes(p.pid)
			s.written[p.pid] = writtenBytes(p.pid)
		}
	}
	s.now.CPU, s.now.Written = 0, 0
	for _, used := range s.cpu {
		s.now.CPU += used
	}
	for _, n := range s.written {
		s.now.Written += n
	}
	if memory {
		s.now.RSS, s.now.RSSPeak = rss, max(s.now.RSSPeak, rss)
	}
	return s.now
}

// settle is look with the proportional set size, which costs the kernel a walk over all pages.
func (s *sampler) settle() usage {
	u := s.look(true)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range groupMembers(s.groups) {
		u.PSS += sharedOutBytes(p.pid)
	}
	return u
}
