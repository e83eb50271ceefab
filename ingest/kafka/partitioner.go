package kafka

import (
	"fmt"
	"hash/crc32"
)

// Partitioner returns how producers of a kind choose the partition of a key
// among n partitions, n > 0:
//
//   - "murmur2" (also ""): the Java client's default and franz-go's
//     StickyKeyPartitioner: murmur2 without its sign bit, modulo n
//   - "crc32": librdkafka's consistent: CRC-32 (IEEE), unsigned, modulo n
//   - "fnv1a": Sarama's hash partitioner: 32-bit FNV-1a as a signed number,
//     the absolute value of its remainder by n
//
// The function allocates nothing and may be called from several goroutines.
// Keys must not be empty: producers spread those as they like.
func Partitioner(name string) (func(key []byte, n int) int, error) {
	switch name {
	case "", "murmur2":
		return func(key []byte, n int) int { return int(murmur2(key)&0x7fffffff) % n }, nil
	case "crc32":
		return func(key []byte, n int) int { return int(uint64(crc32.ChecksumIEEE(key)) % uint64(n)) }, nil
	case "fnv1a":
		return func(key []byte, n int) int {
			p := int32(fnv1a(key)) % int32(n)
			return int(max(p, -p))
		}, nil
	}
	return nil, fmt.Errorf("partitioner %q must be murmur2, crc32 or fnv1a", name)
}

// murmur2 is Austin Appleby's MurmurHash2 for 32 bits with the seed that
// Kafka's Java client uses (org.apache.kafka.common.utils.Utils).
func murmur2(b []byte) uint32 {
	const (
		seed = uint32(0x9747b28c)
		mul  = uint32(0x5bd1e995)
	)
	h := seed ^ uint32(len(b))
	for ; len(b) >= 4; b = b[4:] {
		k := uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 | uint32(b[3])<<24
		k *= mul
		k ^= k >> 24
		h = h*mul ^ k*mul
	}
	if len(b) > 0 {
		for i, c := range b {
			h ^= uint32(c) << (8 * i)
		}
		h *= mul
	}
	h ^= h >> 13
	h *= mul
	return h ^ h>>15
}

// fnv1a is the 32-bit FNV-1a hash. The standard library's allocates.
func fnv1a(b []byte) uint32 {
	h := uint32(2166136261)
	for _, c := range b {
		h = (h ^ uint32(c)) * 16777619
	}
	return h
}
