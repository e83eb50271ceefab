package brokers

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"net"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kbin"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// kfake knows the setting LogAppendTime but does not act on it; a client that
// sets the bit itself makes it store a batch with a wrong checksum. So the
// work is done between the socket and the broker: batches get the broker's
// time on their way in, and the bit that says so on their way out.

// stamped makes the listeners of a broker that keeps LogAppendTime.
func stamped(listen func(network, address string) (net.Listener, error)) func(network, address string) (net.Listener, error) {
	return func(network, address string) (net.Listener, error) {
		l, err := listen(network, address)
		if err != nil {
			return nil, err
		}
		return stampedListener{l}, nil
	}
}

type stampedListener struct{ net.Listener }

func (l stampedListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &stampedConn{
		Conn:    c,
		table:   crc32.MakeTable(crc32.Castagnoli),
		fetches: map[int32]int16{},
	}, nil
}

// stampedConn is a connection to a client. kfake reads it from one goroutine
// at a time and writes each response in one piece.
type stampedConn struct {
	net.Conn
	table *crc32.Table
	buf   []byte // of the request being read
	rest  []byte // what of it is still to be handed over

	mu      sync.Mutex
	fetches map[int32]int16 // version of each fetch not yet answered, by correlation id
}

// largestRequest is Kafka's own limit, socket.request.max.bytes.
const largestRequest = 100 << 20

// Read hands over requests, each read as a whole before its first byte.
func (c *stampedConn) Read(p []byte) (int, error) {
	if len(c.rest) == 0 {
		if err := c.readRequest(); err != nil {
			return 0, err
		}
	}
	n := copy(p, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}

func (c *stampedConn) readRequest() error {
	var size [4]byte
	if _, err := io.ReadFull(c.Conn, size[:]); err != nil {
		return err
	}
	n := binary.BigEndian.Uint32(size[:])
	if n > largestRequest {
		return fmt.Errorf("request of %d bytes is too large", n)
	}
	c.buf = append(c.buf[:0], size[:]...)
	if cap(c.buf) < int(4+n) {
		c.buf = append(make([]byte, 0, 4+n), size[:]...)
	}
	c.buf = c.buf[:4+n]
	if _, err := io.ReadFull(c.Conn, c.buf[4:]); err != nil {
		return err
	}
	c.rest = c.buf
	c.inspect(c.buf[4:])
	return nil
}

// inspect looks at a request (Kafka protocol guide, request header v1 and v2).
func (c *stampedConn) inspect(request []byte) {
	r := kbin.Reader{Src: request}
	key, version, correlation := r.Int16(), r.Int16(), r.Int32()
	switch kmsg.Key(key) {
	case kmsg.Fetch:
		c.mu.Lock()
		defer c.mu.Unlock()
		c.fetches[correlation] = version
	case kmsg.Produce:
		r.NullableString() // the client's id
		produce := kmsg.NewPtrProduceRequest()
		produce.SetVersion(version)
		if produce.IsFlexible() {
			kmsg.SkipTags(&r)
		}
		if produce.ReadFrom(r.Src) != nil {
			return // the broker says what is wrong with it
		}
		now := time.Now().UnixMilli()
		for _, t := range produce.Topics {
			for _, p := range t.Partitions {
				c.eachBatch(p.Records, func(b []byte) {
					binary.BigEndian.PutUint64(b[batchFirstTimeAt:], uint64(now))
					binary.BigEndian.PutUint64(b[batchMaxTimeAt:], uint64(now))
				})
			}
		}
	}
}

// Write passes a response on.
func (c *stampedConn) Write(p []byte) (int, error) {
	if len(p) >= 8 {
		correlation := int32(binary.BigEndian.Uint32(p[4:]))
		c.mu.Lock()
		version, isFetch := c.fetches[correlation]
		delete(c.fetches, correlation)
		c.mu.Unlock()
		if isFetch {
			p = append([]byte(nil), p...) // a Writer must leave it as it is
			c.mark(p[8:], version)
		}
	}
	return c.Conn.Write(p)
}

// mark says in each batch of a fetch response that its time is the append time.
func (c *stampedConn) mark(response []byte, version int16) {
	fetch := kmsg.NewPtrFetchResponse()
	fetch.SetVersion(version)
	r := kbin.Reader{Src: response}
	if fetch.IsFlexible() {
		kmsg.SkipTags(&r)
	}
	if fetch.ReadFrom(r.Src) != nil {
		return
	}
	for _, t := range fetch.Topics {
		for _, p := range t.Partitions {
			c.eachBatch(p.RecordBatches, func(b []byte) { b[batchAttrsAt+1] |= logAppendBit })
		}
	}
}

// Where a version 2 record batch keeps what, in bytes from its start (Kafka
// protocol guide, record batch). The checksum covers all from the attributes on.
const (
	batchLengthAt    = 8 // of what follows these four bytes
	batchMagicAt     = 16
	batchChecksumAt  = 17
	batchAttrsAt     = 21
	batchFirstTimeAt = 27
	batchMaxTimeAt   = 35
	batchHeader      = 61

	logAppendBit = 1 << 3
	controlBit   = 1 << 5
)

// eachBatch changes the batches of data in place, those a client wrote, and
// renews their checksums. Where a checksum was wrong it stays so. The kmsg
// readers return slices of what they read, so this reaches the message itself.
func (c *stampedConn) eachBatch(data []byte, change func([]byte)) {
	for len(data) >= batchHeader && data[batchMagicAt] == 2 {
		n := batchLengthAt + 4 + int64(binary.BigEndian.Uint32(data[batchLengthAt:]))
		if n < batchHeader || n > int64(len(data)) {
			return
		}
		b := data[:n]
		data = data[n:]
		sum := b[batchChecksumAt:batchAttrsAt]
		if b[batchAttrsAt+1]&controlBit != 0 || crc32.Checksum(b[batchAttrsAt:], c.table) != binary.BigEndian.Uint32(sum) {
			continue
		}
		b[batchAttrsAt+1] &^= logAppendBit // kfake trips over it
		change(b)
		binary.BigEndian.PutUint32(sum, crc32.Checksum(b[batchAttrsAt:], c.table))
	}
}
