package brokers

import (
	"bytes"
	"slices"
	"sync"
	"time"

	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
)

// lossless is a hook that closes three gaps between the library and what MQTT
// promises to QoS 1 and 2:
//
//   - a subscriber that is slow or away makes the library drop messages it has
//     already acknowledged: publishers are held back instead, while the
//     subscriber is connected and for a minute after
//   - a message published while a client takes its session over goes to the
//     old session and is lost: publishes wait until the new one is up
//   - a session is resent in the order of creation times, which are whole
//     seconds: publishes get a running number as their creation time
type lossless struct {
	mochi.HookBase
	server     *mochi.Server
	maxWaiting int

	mu         sync.Mutex
	changed    *sync.Cond
	next       int64                    // running number of publishes
	publishing map[*mochi.Client]bool   // between OnPublish and OnPublished
	opening    map[*mochi.Client]bool   // between OnSessionEstablish and OnSessionEstablished
	persistent map[string]*mochi.Client // sessions that outlive their connection
	left       map[string]time.Time     // when their clients went away
	stopped    bool
}

const (
	awayAtMost = time.Minute
	// A wait is bounded, for the hook is not told of a connection that died
	// before its session was up.
	recheck = 5 * time.Millisecond
	// Renumbered sessions lie below, new publishes above.
	firstNumber = 1 << 20
)

func newLossless(server *mochi.Server, maxWaiting int) *lossless {
	h := &lossless{
		server:     server,
		maxWaiting: maxWaiting,
		next:       firstNumber,
		publishing: map[*mochi.Client]bool{},
		opening:    map[*mochi.Client]bool{},
		persistent: map[string]*mochi.Client{},
		left:       map[string]time.Time{},
	}
	h.changed = sync.NewCond(&h.mu)
	return h
}

// ID names the hook.
func (h *lossless) ID() string { return "lossless" }

// Provides says which events the hook handles.
func (h *lossless) Provides(b byte) bool {
	return bytes.IndexByte([]byte{
		mochi.OnSessionEstablish, mochi.OnSessionEstablished, mochi.OnDisconnect,
		mochi.OnPublish, mochi.OnPublished, mochi.OnQosComplete,
	}, b) >= 0
}

// OnPublish holds a publish back until there is room for it and no session is
// just being taken over.
func (h *lossless) OnPublish(cl *mochi.Client, pk packets.Packet) (packets.Packet, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for !h.stopped && !cl.Closed() && (h.anyOpening(cl) || (pk.FixedHeader.Qos > 0 && h.full(cl))) {
		h.wait()
	}
	h.publishing[cl] = true
	if expiry := int64(pk.Properties.MessageExpiryInterval); expiry > 0 {
		pk.Expiry = time.Now().Unix() + expiry // the library would count from Created
	}
	pk.Created = h.next
	h.next++
	return pk, nil
}

// OnPublished follows OnPublish once the message is in every session.
func (h *lossless) OnPublished(cl *mochi.Client, _ packets.Packet) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.publishing, cl)
	h.changed.Broadcast()
}

// OnQosComplete makes room.
func (h *lossless) OnQosComplete(*mochi.Client, packets.Packet) { h.changed.Broadcast() }

// OnSessionEstablish comes before a client inherits its session.
func (h *lossless) OnSessionEstablish(cl *mochi.Client, _ packets.Packet) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.opening[cl] = true
	for !h.stopped && !cl.Closed() && len(h.publishing) > 0 {
		h.wait()
	}
	if old, ok := h.server.Clients.Get(cl.ID); ok {
		renumber(old)
	}
}

// OnSessionEstablished comes when what waited in the session was sent again.
func (h *lossless) OnSessionEstablished(cl *mochi.Client, _ packets.Packet) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.opening, cl)
	delete(h.left, cl.ID)
	if cl.Properties.Clean {
		delete(h.persistent, cl.ID)
	} else {
		h.persistent[cl.ID] = cl
	}
	h.changed.Broadcast()
}

// OnDisconnect comes when a client is gone, also in the middle of a publish.
func (h *lossless) OnDisconnect(cl *mochi.Client, _ error, _ bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.publishing, cl)
	delete(h.opening, cl)
	if h.persistent[cl.ID] == cl {
		h.left[cl.ID] = time.Now()
	}
	h.changed.Broadcast()
}

// stop lets everybody go on.
func (h *lossless) stop() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.stopped = true
	h.changed.Broadcast()
}

// wait waits for a change, or a moment.
func (h *lossless) wait() {
	timer := time.AfterFunc(recheck, h.changed.Broadcast)
	h.changed.Wait()
	timer.Stop()
}

// anyOpening reports whether another client is just taking its session over.
func (h *lossless) anyOpening(cl *mochi.Client) bool {
	for other := range h.opening {
		switch {
		case other.Closed():
			delete(h.opening, other)
		case other != cl:
			return true
		}
	}
	return false
}

// full reports whether a session other than the publisher's own has no room.
func (h *lossless) full(cl *mochi.Client) bool {
	for id, session := range h.persistent {
		if session == cl || session.State.Inflight.Len() < h.maxWaiting {
			continue
		}
		if left, away := h.left[id]; !away || time.Since(left) < awayAtMost {
			return true
		}
	}
	return false
}

// renumber gives what waits in a session the creation times 0, 1, 2... in its
// order: the library sorts by the lowest 16 bits.
func renumber(cl *mochi.Client) {
	waiting := cl.State.Inflight.GetAll(false)
	slices.SortStableFunc(waiting, func(a, b packets.Packet) int {
		return int(a.Created - b.Created)
	})
	for i, pk := range waiting {
		pk.Created = int64(i)
		cl.State.Inflight.Set(pk)
	}
}
