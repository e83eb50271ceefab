package kafka

import (
	"hash/crc32"
	"hash/fnv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"
	"pgregory.net/rapid"
)

// The values Kafka's own tests expect of its murmur2.
func TestMurmur2KnownAnswers(t *testing.T) {
	for key, want := range map[string]int32{
		"21":                         -973932308,
		"foobar":                     -790332482,
		"a-little-bit-long-string":   -985981536,
		"a-little-bit-longer-string": -1486304829,
		"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
		"abc": 479470107,
	} {
		assert.Equal(t, want, int32(murmur2([]byte(key))), key)
	}
}

// The values of the FNV authors' test vectors.
func TestFNV1aKnownAnswers(t *testing.T) {
	for key, want := range map[string]uint32{"": 0x811c9dc5, "a": 0xe40c292c, "foobar": 0xbf9cf968} {
		assert.Equal(t, want, fnv1a([]byte(key)), key)
	}
}

func TestPartitionKnownAnswers(t *testing.T) {
	for _, c := range []struct {
		name, key string
		n, want   int
	}{
		{"murmur2", "foobar", 10, 6}, // -790332482 without its sign bit ends in 6
		{"murmur2", "abc", 10, 7},
		{"", "abc", 10, 7},
		{"crc32", "123456789", 1000, 262}, // CRC-32's check value, 0xcbf43926
		{"fnv1a", "foobar", 1000, 576},    // 0xbf9cf968 is -1080231576 as a signed number
		{"fnv1a", "a", 1000, 76},          // 0xe40c292c is -468965076
	} {
		p, err := Partitioner(c.name)
		require.NoError(t, err)
		assert.Equal(t, c.want, p([]byte(c.key), c.n), "%s(%s) of %d", c.name, c.key, c.n)
	}
	_, err := Partitioner("md5")
	assert.ErrorContains(t, err, `partitioner "md5" must be murmur2, crc32 or fnv1a`)
}

// The clients' own code, as franz-go carries it, is the model.
func TestPartitionersAgreeWithClients(t *testing.T) {
	fnv32a := func(b []byte) uint32 {
		h := fnv.New32a()
		h.Write(b)
		return h.Sum32()
	}
	for name, model := range map[string]kgo.Partitioner{
		"murmur2": kgo.StickyKeyPartitioner(nil),
		"crc32":   kgo.StickyKeyPartitioner(kgo.SaramaHasher(crc32.ChecksumIEEE)),
		"fnv1a":   kgo.StickyKeyPartitioner(kgo.SaramaCompatHasher(fnv32a)),
	} {
		t.Run(name, func(t *testing.T) {
			topic := model.ForTopic("readings")
			p, err := Partitioner(name)
			require.NoError(t, err)
			rapid.Check(t, func(t *rapid.T) {
				key := rapid.SliceOfN(rapid.Byte(), 1, 64).Draw(t, "key")
				n := rapid.IntRange(1, 1000).Draw(t, "n")
				assert.Equal(t, topic.Partition(&kgo.Record{Key: key}, n), p(key, n))
			})
		})
	}
}

func TestPartitionersAllocateNothing(t *testing.T) {
	key := []byte("device-00042")
	for _, name := range []string{"murmur2", "crc32", "fnv1a"} {
		p, err := Partitioner(name)
		require.NoError(t, err)
		assert.Zero(t, testing.AllocsPerRun(100, func() { p(key, 12) }), name)
	}
}

func BenchmarkPartitioner(b *testing.B) {
	key := []byte("device-00042")
	for _, name := range []string{"murmur2", "crc32", "fnv1a"} {
		b.Run(name, func(b *testing.B) {
			p, err := Partitioner(name)
			require.NoError(b, err)
			b.ReportAllocs()
			for b.Loop() {
				p(key, 12)
			}
		})
	}
}
