//go:build real

package soak

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/weirstream/weir/internal/rig"
)

// looker takes samples of a running process, of its disk and of its topics.
type looker struct {
	t     *testing.T
	w     *rig.Process
	kafka *rig.Cluster
	p     rig.Pipeline
}

// measures are what row returns, in its order.
func (l *looker) measures() []measure {
	const mb = 1e6
	return []measure{
		{name: "memory of its own", unit: "MB", floor: 30 * mb},
		{name: "mapped files in memory", unit: "MB", free: true},
		{name: "Go heap in use", unit: "MB", floor: 30 * mb},
		{name: "goroutines", floor: 10},
		{name: "threads", floor: 4},
		{name: "open files", floor: 10},
		{name: "state tables", unit: "MB", floor: 2 * mb},
		{name: "devices with state", floor: 500},
		{name: "open windows", floor: 2_000},
		{name: "journals in Kafka, peaks", unit: "MB", floor: 20 * mb, saw: true},
		{name: "local store on disk", unit: "MB", floor: 50 * mb},
		{name: "files of the local store", floor: 5},
		{name: "log of the process", unit: "MB", floor: 0.1 * mb},
		{name: "firing alerts", floor: 500},
		{name: "lag in records", free: true},
	}
}

// row is one sample; none while the process or Kafka does not answer.
func (l *looker) row() ([]float64, bool) {
	m := l.w.Metrics()
	memory, ok := l.w.Memory()
	journals, asked := l.journals()
	if m == nil || !ok || !asked {
		return nil, false
	}
	bytes, files := l.disk()
	log, err := os.Stat(l.w.LogFile())
	if err != nil {
		return nil, false
	}
	sum := func(name string) float64 { return float64(sumOf(m, name)) }
	return []float64{
		memory.Own, memory.Files, m["go_memstats_heap_inuse_bytes"], m["go_goroutines"], m["go_threads"], m["process_open_fds"],
		sum("weir_state_resident_bytes") + sum("weir_group_state_resident_bytes"), sum("weir_devices"), sum("weir_windows_open") + sum("weir_group_windows_open"),
		journals, bytes, files, float64(log.Size()), sum("weir_alerts_firing"), sum("weir_lag_records"),
	}, true
}

// sumOf adds up a metric over its labels.
func sumOf(m map[string]float64, name string) int64 {
	sum := 0.0
	for series, v := range m { // unordered: a sum of whole numbers
		if series == name || strings.HasPrefix(series, name+"{") {
			sum += v
		}
	}
	return int64(sum)
}

// journals is how large the journals of devices and groups are in the brokers' logs.
func (l *looker) journals() (float64, bool) {
	ctx, cancel := l.kafka.Ask()
	defer cancel()
	dirs, err := l.kafka.Admin.DescribeAllLogDirs(ctx, nil)
	if err != nil {
		return 0, false
	}
	sum := int64(0)
	dirs.Each(func(d kadm.DescribedLogDir) {
		d.Topics.Each(func(of kadm.DescribedLogDirPartition) {
			if of.Topic == l.p.Journal() || of.Topic == l.p.Groups().Journal() {
				sum += of.Size
			}
		})
	})
	return float64(sum), true
}

// disk is how much the local store takes. Files come and go while it is looked at.
func (l *looker) disk() (bytes, files float64) {
	_ = filepath.WalkDir(l.w.StateDir(), func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return nil
		}
		if info, err := entry.Info(); err == nil {
			bytes += allocated(info)
			files++
		}
		return nil
	})
	return bytes, files
}

// allocated is what a file takes of the disk. Badger's files are made larger than what is in them.
func allocated(info fs.FileInfo) float64 {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return float64(stat.Blocks) * 512
	}
	return float64(info.Size())
}
