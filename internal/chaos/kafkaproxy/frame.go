package kafkaproxy

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// maxFrame bounds what a length prefix may ask for, bytes; brokers take 100 MiB.
const maxFrame = 128 << 20

var errFrame = errors.New("not a kafka frame")

// readFrame reads a length prefix and what it announces. The frame is returned with its prefix.
func readFrame(from io.Reader) ([]byte, error) {
	var prefix [4]byte
	if _, err := io.ReadFull(from, prefix[:]); err != nil {
		return nil, err
	}
	size := int32(binary.BigEndian.Uint32(prefix[:]))
	if size < 4 || size > maxFrame {
		return nil, fmt.Errorf("%w: it announces %d bytes", errFrame, size)
	}
	frame := make([]byte, 4+size)
	copy(frame, prefix[:])
	_, err := io.ReadFull(from, frame[4:])
	return frame, err
}

// header is the beginning of every request.
type header struct {
	key, version int16
	correlation  int32
	client       string
	body         int // where the body, or the header's tags before it, begins in the frame
}

// parseHeader reads the header of a request's frame (Kafka's RequestHeader v1; v2 goes on with tags).
func parseHeader(frame []byte) (header, error) {
	if len(frame) < 14 {
		return header{}, fmt.Errorf("%w: request of %d bytes", errFrame, len(frame))
	}
	h := header{
		key:         int16(binary.BigEndian.Uint16(frame[4:])),
		version:     int16(binary.BigEndian.Uint16(frame[6:])),
		correlation: int32(binary.BigEndian.Uint32(frame[8:])),
		body:        14,
	}
	if n := int(int16(binary.BigEndian.Uint16(frame[12:]))); n > 0 {
		if len(frame) < 14+n {
			return header{}, fmt.Errorf("%w: client id of %d bytes in %d", errFrame, n, len(frame))
		}
		h.client = string(frame[14 : 14+n])
		h.body += n
	}
	return h, nil
}

// skipTags returns where the tagged fields that begin at an offset end.
func skipTags(frame []byte, at int) (int, error) {
	count, at, err := uvarint(frame, at)
	if err != nil {
		return 0, err
	}
	for range count {
		var size uint64
		if _, at, err = uvarint(frame, at); err != nil {
			return 0, err
		}
		if size, at, err = uvarint(frame, at); err != nil {
			return 0, err
		}
		if size > uint64(len(frame)-at) {
			return 0, fmt.Errorf("%w: tag of %d bytes", errFrame, size)
		}
		at += int(size)
	}
	return at, nil
}

func uvarint(frame []byte, at int) (value uint64, next int, err error) {
	value, n := binary.Uvarint(frame[at:])
	if n <= 0 {
		return 0, 0, fmt.Errorf("%w: number at byte %d", errFrame, at)
	}
	return value, at + n, nil
}
