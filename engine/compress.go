package engine

import (
	"bytes"

	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	sampleBytes = 4 << 10
	worthwhile  = 0.5 // of the sample is left, at most
)

// thrifty compresses batches that gain by it. Results are JSON, which repeats itself; the journal's words are packed already, and compressing them
// costs more time than the bytes are worth (docs/decisions/2026-11-21-journal-words.md). A sample tells which it is.
type thrifty struct{ kgo.Compressor }

func newCompressor() (thrifty, error) {
	c, err := kgo.DefaultCompressor(kgo.SnappyCompression())
	return thrifty{c}, err
}

// Compress returns nil for a batch that is to be sent as it is.
func (t thrifty) Compress(dst *bytes.Buffer, src []byte, flags ...kgo.CompressFlag) ([]byte, kgo.CompressionCodecType) {
	if len(src) > 2*sampleBytes {
		sample, _ := t.Compressor.Compress(dst, src[:sampleBytes], flags...)
		if len(sample) > sampleBytes*worthwhile {
			return nil, kgo.CodecNone
		}
		dst.Reset()
	}
	return t.Compressor.Compress(dst, src, flags...)
}
