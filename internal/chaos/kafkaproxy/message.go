package kafkaproxy

import (
	"encoding/binary"
	"fmt"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// Message is a request, or the reply to it, on its way through the proxy.
type Message struct {
	// Key is the kind of request, as in kmsg.EndTxn.Int16().
	Key int16
	// Version is that of the request and of its reply.
	Version int16
	// Client is the client id, which the request told.
	Client string
	// Reply is true on the way back.
	Reply bool

	frame []byte // the request's, also on the way back
	body  int
}

// Request decodes the request, also of a reply. An error means that the proxy does not know its key, or that it is damaged.
func (m Message) Request() (kmsg.Request, error) {
	request := kmsg.RequestForKey(m.Key)
	if request == nil || m.Version > request.MaxVersion() {
		return nil, fmt.Errorf("request key %d version %d: %w", m.Key, m.Version, errUnknown)
	}
	request.SetVersion(m.Version)
	at := m.body
	if request.IsFlexible() {
		var err error
		if at, err = skipTags(m.frame, at); err != nil {
			return nil, err
		}
	}
	if err := request.ReadFrom(m.frame[at:]); err != nil {
		return nil, fmt.Errorf("request %s version %d: %w", kmsg.NameForKey(m.Key), m.Version, err)
	}
	return request, nil
}

// String names the message for a log.
func (m Message) String() string {
	what := "request"
	if m.Reply {
		what = "reply"
	}
	return fmt.Sprintf("%s %s of %q", kmsg.NameForKey(m.Key), what, m.Client)
}

// address is where a broker listens.
type address struct {
	host string
	port int32
}

// rewrite replaces the addresses of brokers in a reply, and returns the reply's frame: the same one where it names none.
func rewrite(m Message, frame []byte, own func(address) (address, error)) ([]byte, error) {
	switch kmsg.Key(m.Key) {
	case kmsg.Metadata, kmsg.FindCoordinator, kmsg.DescribeCluster, kmsg.Produce, kmsg.Fetch:
	default:
		return frame, nil
	}
	response := kmsg.ResponseForKey(m.Key)
	if m.Version > response.MaxVersion() {
		return nil, fmt.Errorf("reply %s version %d: %w", kmsg.NameForKey(m.Key), m.Version, errUnknown)
	}
	response.SetVersion(m.Version)
	body := 8
	if response.IsFlexible() {
		var err error
		if body, err = skipTags(frame, body); err != nil {
			return nil, err
		}
	}
	if err := response.ReadFrom(frame[body:]); err != nil {
		return nil, fmt.Errorf("reply %s version %d: %w", kmsg.NameForKey(m.Key), m.Version, err)
	}
	changed, err := replace(response, own)
	if err != nil || !changed {
		return frame, err
	}
	out := response.AppendTo(append(make([]byte, 0, len(frame)+64), frame[:body]...))
	binary.BigEndian.PutUint32(out, uint32(len(out)-4))
	return out, nil
}

// replace puts the proxy's own addresses into a reply and reports whether there was one to replace.
func replace(response kmsg.Response, own func(address) (address, error)) (changed bool, err error) {
	put := func(host *string, port *int32) {
		if err != nil || *host == "" { // no broker, as where the coordinator is not known
			return
		}
		var to address
		if to, err = own(address{*host, *port}); err == nil {
			*host, *port, changed = to.host, to.port, true
		}
	}
	switch r := response.(type) {
	case *kmsg.MetadataResponse:
		for i := range r.Brokers {
			put(&r.Brokers[i].Host, &r.Brokers[i].Port)
		}
	case *kmsg.FindCoordinatorResponse:
		put(&r.Host, &r.Port)
		for i := range r.Coordinators {
			put(&r.Coordinators[i].Host, &r.Coordinators[i].Port)
		}
	case *kmsg.DescribeClusterResponse:
		for i := range r.Brokers {
			put(&r.Brokers[i].Host, &r.Brokers[i].Port)
		}
	case *kmsg.ProduceResponse:
		for i := range r.Brokers {
			put(&r.Brokers[i].Host, &r.Brokers[i].Port)
		}
	case *kmsg.FetchResponse:
		for i := range r.Brokers {
			put(&r.Brokers[i].Host, &r.Brokers[i].Port)
		}
	}
	return changed, err
}
