package task

import (
	"fmt"
	"strings"
)

// MisplacedError is returned by Fold where a record's key hashes to another
// partition than the one it lies in: the declared partitioner is not the one
// the producers use, and per-device state would be split.
type MisplacedError struct {
	Device         string
	Have, Declared int32
	Offset         int64
	Partitioner    string
	// Fitting are the partitioners that put the device where it lies, Asked whether that is known.
	Fitting []string
	Asked   bool
}

func (e *MisplacedError) Error() string {
	return fmt.Sprintf("source.partitioner=%s puts device %q in partition %d, but its record at offset %d lies in partition %d%s: declare the partitioner that the producers use, before the first run"+
		" (that of the Java client is murmur2; kcat and other clients made of librdkafka use crc32, unless they are told partitioner=murmur2_random)",
		e.Partitioner, e.Device, e.Declared, e.Offset, e.Have, e.fitting())
}

// fitting says which partitioner puts the device there.
func (e *MisplacedError) fitting() string {
	switch {
	case !e.Asked:
		return ""
	case len(e.Fitting) == 0:
		return ", where no partitioner that weir knows would put it (were partitions added since, or does the producer choose them by itself?)"
	}
	return ", where source.partitioner=" + strings.Join(e.Fitting, " or ") + " would put it"
}

// misplaced is the error for a record whose key is its device.
func (t *Task) misplaced(rec *Record, declared int32) error {
	e := &MisplacedError{
		Device: string(rec.Key), Have: t.o.Partition, Declared: declared,
		Offset: rec.Offset, Partitioner: t.plan.Pipeline.Source.Partitioner,
	}
	if t.o.Fitting != nil {
		e.Fitting, e.Asked = t.o.Fitting(rec.Key, t.o.Partition), true
	}
	return e
}
