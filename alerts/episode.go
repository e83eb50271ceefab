package alerts

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"

	"github.com/weirstream/weir/event"
)

// EpisodeID names one episode of one rule on one device: 128 bits in hexadecimal
// (32 characters), the first half of the SHA-256 of pipeline, rule and device,
// each behind its length in 8 bytes, and the start in milliseconds, all integers
// big-endian. How often the device's clock was restarted follows where it is not
// 0: the same start may come again then. Downstream systems hold on to these ids,
// so the function never changes.
func EpisodeID(pipeline, rule, device string, start event.Time, resets uint64) string {
	b := make([]byte, 0, 5*8+len(pipeline)+len(rule)+len(device))
	for _, part := range [...]string{pipeline, rule, device} {
		b = binary.BigEndian.AppendUint64(b, uint64(len(part)))
		b = append(b, part...)
	}
	b = binary.BigEndian.AppendUint64(b, uint64(start))
	if resets > 0 {
		b = binary.BigEndian.AppendUint64(b, resets)
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:16])
}
