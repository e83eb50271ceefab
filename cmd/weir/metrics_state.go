package main

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
)

// stateMetrics answer what the state costs: memory, the local copy, the journal.
type stateMetrics struct {
	open, devices, bytes, resident, memory, store, journal *prometheus.Desc
}

func newStateMetrics(n namer) *stateMetrics {
	return &stateMetrics{
		open:     n.desc("windows_open", "Windows that hold readings and have not closed for good."),
		devices:  n.desc("devices", "Devices with state."),
		bytes:    n.desc("state_bytes", "The state of all devices, uncompressed, wherever it lies."),
		resident: n.desc("state_resident_bytes", "Memory that state takes: its resident pages, and what is known of all of them."),
		memory:   n.desc("state_memory_limit_bytes", "state.memory: pages beyond it go to the disk."),
		store:    n.desc("store_bytes", "The local store on the disk: Badger's tables and value log."),
		journal:  n.desc("journal_partition_bytes", "The journal partition on the brokers' disks, with what is not trimmed yet; asked for now and then, if they tell.", "partition"),
	}
}

func (m *stateMetrics) collect(s scrape) {
	var open uint64
	var devices int
	var bytes, resident int64
	for i := range s.tasks {
		t := &s.tasks[i]
		open += t.Counters.Open
		devices += t.Devices
		bytes, resident = bytes+t.StateBytes, resident+t.ResidentBytes
		if t.JournalBytes >= 0 {
			s.now(m.journal, float64(t.JournalBytes), strconv.Itoa(int(t.Partition)))
		}
	}
	s.now(m.open, float64(open))
	s.now(m.devices, float64(devices))
	s.now(m.bytes, float64(bytes))
	s.now(m.resident, float64(resident))
	s.now(m.memory, float64(s.work.pipeline.State.Memory))
	store := s.i.store
	if s.groups {
		store = s.i.groupStore.at.Load()
	}
	if size, err := store.Size(); err == nil {
		s.now(m.store, float64(size))
	}
}
