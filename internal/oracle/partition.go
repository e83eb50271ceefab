package oracle

import (
	"encoding/binary"
	"hash/crc32"
	"hash/fnv"
)

// partitionOf returns the partition, of n, that a producer puts a key into.
func partitionOf(partitioner, key string, n int32) int32 {
	switch partitioner {
	case "crc32": // librdkafka's consistent
		return int32(crc32.ChecksumIEEE([]byte(key)) % uint32(n))
	case "fnv1a": // Sarama's hash
		h := fnv.New32a()
		h.Write([]byte(key))
		p := int32(h.Sum32()) % n
		if p < 0 {
			p = -p
		}
		return p
	default:
		return int32(murmur2([]byte(key))&0x7fffffff) % n
	}
}

// murmur2 is the hash of Kafka's Java client (Utils.murmur2).
func murmur2(data []byte) uint32 {
	const mix = 0x5bd1e995
	h := uint32(0x9747b28c) ^ uint32(len(data))
	for ; len(data) >= 4; data = data[4:] {
		k := binary.LittleEndian.Uint32(data) * mix
		k = (k ^ k>>24) * mix
		h = h*mix ^ k
	}
	for i := len(data) - 1; i >= 0; i-- {
		h ^= uint32(data[i]) << (8 * i)
		if i == 0 {
			h *= mix
		}
	}
	h = (h ^ h>>13) * mix
	return h ^ h>>15
}
