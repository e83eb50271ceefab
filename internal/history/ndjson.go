package history

import (
	"bytes"
	"fmt"
	"io"
)

const (
	blockBytes  = 256 << 10
	longestLine = 64 << 20
)

// ndjson cuts a stream into blocks of whole lines.
type ndjson struct {
	r    io.Reader
	rest []byte // the beginning of a line
	read int64
	end  bool
}

// fill returns whole lines in memory of text; io.EOF with none.
func (n *ndjson) fill(text []byte) ([]byte, error) {
	text = append(text[:0], n.rest...)
	n.rest = n.rest[:0]
	for !n.end {
		from := len(text)
		if cap(text)-from < blockBytes {
			text = append(text, make([]byte, blockBytes)...)[:from]
		}
		got, err := n.r.Read(text[from : from+blockBytes])
		text = text[:from+got]
		n.read += int64(got)
		switch {
		case err == io.EOF:
			n.end = true
		case err != nil:
			return text, fmt.Errorf("read history: %w", err)
		}
		if cut := bytes.LastIndexByte(text[from:], '\n'); cut >= 0 && !n.end {
			n.rest = append(n.rest, text[from+cut+1:]...)
			return text[:from+cut+1], nil
		}
		if len(text) > longestLine {
			return text, fmt.Errorf("read history: a line is longer than %d MiB: one message a line is expected", longestLine>>20)
		}
	}
	if len(text) == 0 {
		return text, io.EOF
	}
	return text, nil
}

func (n *ndjson) done() int64 { return n.read }
