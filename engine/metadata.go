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
}

const lineageBytes = 52

func (l lineage) append(b []byte) []byte {
	b = append(b, l.id[:]...)
	b = append(b, l.source[:]...)
	b = append(b, l.journal[:]...)
	return binary.BigEndian.AppendUint32(b, uint32(l.partitions))
}

func parseLineage(b []byte) (l lineage, err error) {
	if len(b) != lineageBytes {
		return l, fmt.Errorf("lineage of %d bytes, want %d", len(b), lineageBytes)
	}
	copy(l.id[:], b)
	copy(l.source[:], b[16:])
	copy(l.journal[:], b[32:])
	l.partitions = int32(binary.BigEndian.Uint32(b[48:]))
	return l, nil
}

// differs says what pins the lineage and is another now; empty: nothing.
func (l lineage) differs(now lineage) string {
	switch {
	case l.partitions != now.partitions:
		return fmt.Sprintf("the source topic has %d partitions now and had %d when the pipeline first committed: devices would move between partitions and leave their state behind", now.partitions, l.partitions)
	case l.source != now.source:
		return "the source topic was deleted and created again since the pipeline first committed"
	case l.journal != now.journal:
		return "the journal topic was deleted and created again since the pipeline first committed"
	}
	return ""
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
	if err != nil || len(b) != lineageBytes+32 {
		return m, fmt.Errorf("offset metadata %q is damaged", s)
	}
	m.lineage, err = parseLineage(b[:lineageBytes])
	b = b[lineageBytes:]
	m.seq = binary.BigEndian.Uint64(b)
	m.journalOffset = int64(binary.BigEndian.Uint64(b[8:]))
	m.baseSeq = binary.BigEndian.Uint64(b[16:])
	m.baseOffset = int64(binary.BigEndian.Uint64(b[24:]))
	return m, err
}
