package engine

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"
)

func TestBatchesAreCompressedWhereItPays(t *testing.T) {
	c, err := newCompressor()
	require.NoError(t, err)
	random := rand.New(rand.NewPCG(1, 2))
	noise := make([]byte, 100_000)
	for i := range noise {
		noise[i] = byte(random.Uint32())
	}
	text := bytes.Repeat([]byte(`{"pipeline":"p","window":"w","device":"pump-0000001"}`), 2_000)
	for _, b := range []struct {
		what  string
		batch []byte
		codec kgo.CompressionCodecType
	}{{"text", text, kgo.CodecSnappy}, {"a little text", text[:1_000], kgo.CodecSnappy}, {"noise", noise, kgo.CodecNone}} {
		var dst bytes.Buffer
		out, codec := c.Compress(&dst, b.batch)
		require.Equal(t, b.codec, codec, b.what)
		if codec != kgo.CodecNone {
			d := kgo.DefaultDecompressor()
			back, err := d.Decompress(out, codec)
			require.NoError(t, err)
			require.Equal(t, b.batch, back, b.what)
		}
	}
}
