package engine

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"fmt"
)

// lineage identifies one life of a pipeline's partition: the random id of its
// first commit and what it was bound to then. Another lineage is another life,
// whose state must not be mixed with this one's.
type lineage struct {
	id         [16]byte
	source     [16]byte // topic id
	journal    [16]byte // topic id
	partitions int32    // of the source
	// partitioner is how producers choose the partition of a device, by its place in
	// partitioners; 0: not known, or of groups.
	partitioner uint8
}

const lineageBytes = 53

// partitioners are the values of source.partitioner, in the order in which lineages
// count them from 1; new ones come last.
func partitioners() []string { return []string{"murmur2", "crc32", "fnv1a"} }

func (l lineage) append(b []byte) []byte {
	b = append(b, l.id[:]...)
	b = append(b, l.source[:]...)
	b = append(b, l.journal[:]...)
	return append(binary.BigEndian.AppendUint32(b, uint32(l.partitions)), l.partitioner)
}

func parseLineage(b []byte) (l lineage, err error) {
	if len(b) == lineageBytes-1 { // written before it named the partitioner
		b = append(b[:len(b):len(b)], 0)
	}
	if len(b) != lineageBytes {
		return l, fmt.Errorf("lineage of %d bytes, want %d", len(b), lineageBytes)
	}
	copy(l.id[:], b)
	copy(l.source[:], b[16:])
	copy(l.journal[:], b[32:])
	l.partitions, l.partitioner = int32(binary.BigEndian.Uint32(b[48:])), b[52]
	return l, nil
}

// differs says what pins the lineage and is another now; empty: nothing.
func (l lineage) differs(now lineage) string {
	switch {
	case l.partitions != now.partitions:
		return fmt.Sprintf("the source topic has %d partitions now and had %d when the pipeline first committed: devices would move between partitions and leave their state behind", now.partitions, l.partitions)
	case l.partitioner != now.partitioner && l.partitioner != 0:
		return fmt.Sprintf("source.partitioner is %s, and the state of this pipeline was made with %s: its devices would begin anew in other partitions while what is known of them stays behind; put %[2]s back, or give the pipeline a new name and a new source topic", partitionerName(now.partitioner), partitionerName(l.partitioner))
	case l.source != now.source:
		return "the source topic was deleted and created again since the pipeline first committed"
	case l.journal != now.journal:
		return "the journal topic was deleted and created again since the pipeline first committed"
	}
	return ""
}

func partitionerName(n uint8) string {
	if list := partitioners(); 0 < n && int(n) <= len(list) {
		return list[n-1]
	}
	return "another one"
}

// differs is lineage.differs, but for a source topic that has not been deleted: the
// file names another one.
func (r *runner) differs(l lineage) string {
	now := r.binding(l.id)
	if l.source != now.source {
		ctx, cancel := context.WithTimeout(context.Background(), requestTimeout)
		defer cancel()
		topics, err := r.e.admin.ListTopics(ctx)
		if err != nil {
			r.log.Warn("ask for the topic that the state was made of", "error", err)
		}
		for _, t := range topics.Sorted() {
			if t.ID == l.source {
				return fmt.Sprintf("source.topic is %s, and the state of this pipeline was made of topic %s: positions in the one mean nothing in the other; give the pipeline a new name", r.plan.Pipeline.Source.Topic, t.Topic)
			}
		}
	}
	return l.differs(now)
}

// metadata travels with the committed offset: where the journal stands at it.
type metadata struct {
	lineage
	seq           uint64
	journalOffset int64 // of the first part of record seq
	baseSeq       uint64
	baseOffset    int64 // of the first part of record baseSeq: the live journal begins here
}

const metadataVersion = "w1."

// String is the offset metadata, about 120 of the broker's 4,096 bytes.
func (m metadata) String() string {
	b := m.lineage.append(nil)
	b = binary.BigEndian.AppendUint64(b, m.seq)
	b = binary.BigEndian.AppendUint64(b, uint64(m.journalOffset))
	b = binary.BigEndian.AppendUint64(b, m.baseSeq)
	b = binary.BigEndian.AppendUint64(b, uint64(m.baseOffset))
	return metadataVersion + base64.RawURLEncoding.EncodeToString(b)
}

func parseMetadata(s string) (m metadata, err error) {
	if len(s) < len(metadataVersion) || s[:len(metadataVersion)] != metadataVersion {
		return m, fmt.Errorf("offset metadata %q is not weir's", s)
	}
	b, err := base64.RawURLEncoding.DecodeString(s[len(metadataVersion):])
	places := len(b) - 32
	if err != nil || places < 0 {
		return m, fmt.Errorf("offset metadata %q is damaged", s)
	}
	if m.lineage, err = parseLineage(b[:places]); err != nil {
		return m, fmt.Errorf("offset metadata %q is damaged: %w", s, err)
	}
	b = b[places:]
	m.seq = binary.BigEndian.Uint64(b)
	m.journalOffset = int64(binary.BigEndian.Uint64(b[8:]))
	m.baseSeq = binary.BigEndian.Uint64(b[16:])
	m.baseOffset = int64(binary.BigEndian.Uint64(b[24:]))
	return m, nil
}
