package simulation

import (
	"fmt"

	"github.com/twmb/franz-go/pkg/kbin"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// parseRequest reads a request with its length and header (Kafka protocol guide,
// request header v1 and v2).
func parseRequest(frame []byte, into kmsg.Request) error {
	r := kbin.Reader{Src: frame[4:]}
	key, version := r.Int16(), r.Int16()
	if key != into.Key() {
		return fmt.Errorf("request has key %d, not %d", key, into.Key())
	}
	r.Int32()
	r.NullableString()
	into.SetVersion(version)
	if into.IsFlexible() {
		kmsg.SkipTags(&r)
	}
	return into.ReadFrom(r.Src)
}
