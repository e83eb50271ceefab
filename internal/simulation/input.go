package simulation

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// message is one record of the source on its way.
type message struct {
	at        time.Duration // since the beginning of the world
	partition int32
	key       []byte
	value     []byte
	header    []byte // weir-device; nil: none
}

// readingDoc is one object of a message, before it is written down.
type readingDoc struct {
	metric string
	time   time.Duration // event time since the beginning; negative is before it
	timed  bool
	seq    int64 // negative: none
	value  string
	more   map[string]string // further fields of a wide message
}

// oddSuffix of a name has to be quoted, in JSON and in CSV.
const oddSuffix = `-"ü\`

// device is a sender of readings.
type device struct {
	name      string
	partition int32
	keyed     bool
	header    bool // named in a header, not in the payload
	metrics   []string
	every     time.Duration
	jitter    time.Duration // of the event time, into the past
	wild      int           // of 100 messages, how many are odd
	clock     time.Duration // how far the device's clock is behind
	behind    time.Duration // and those of all devices
	seq       map[string]int64
	level     map[string]float64
	backlog   []readingDoc
	sent      [][]byte
}

// inputs draws all messages of a world that lasts so long.
func inputs(s *shape, span time.Duration, base time.Time, partitionOf func([]byte, int) int, rng *rand.Rand) []message {
	var all []message
	n := 2 + rng.IntN(4) + int(s.partitions)*(1+rng.IntN(3))
	for i := range n {
		d := newDevice(i, s, partitionOf, rng)
		all = append(all, d.life(s, span, base, rng)...)
	}
	slices.SortStableFunc(all, func(a, b message) int { return cmp.Compare(a.at, b.at) })
	return all
}

func newDevice(i int, s *shape, partitionOf func([]byte, int) int, rng *rand.Rand) *device {
	d := &device{
		name: fmt.Sprintf("pump-%d", i), keyed: rng.IntN(2) == 0, header: rng.IntN(8) == 0,
		every:  time.Duration(200+rng.IntN(1500)) * time.Millisecond,
		jitter: []time.Duration{0, 100 * time.Millisecond, time.Second, 3 * time.Second}[rng.IntN(4)],
		wild:   []int{0, 5, 20, 40}[rng.IntN(4)], seq: map[string]int64{}, level: map[string]float64{},
	}
	if rng.IntN(6) == 0 {
		d.name += oddSuffix
	}
	d.partition = int32(partitionOf([]byte(d.name), int(s.partitions)))
	if s.days != nil {
		d.behind = s.days.behind
	}
	d.metrics = []string{"temperature", "pressure", "humidity"}[:1+rng.IntN(3)]
	return d
}

// life draws what the device sends.
func (d *device) life(s *shape, span time.Duration, base time.Time, rng *rand.Rand) []message {
	var all []message
	idle := time.Duration(s.pipeline.Time.IdleAfter) * time.Millisecond
	forget := min(time.Duration(s.pipeline.State.ForgetAfter)*time.Millisecond, 30*time.Second)
	at := time.Duration(rng.Int64N(int64(5 * time.Second)))
	offlineUntil := time.Duration(0)
	for at < span {
		at += time.Duration(float64(d.every) * (0.5 + rng.Float64()))
		for _, metric := range d.metrics {
			if metric != d.metrics[0] && (s.wide || rng.IntN(3) > 0) {
				continue
			}
			d.backlog = append(d.backlog, d.read(metric, at, s, rng))
		}
		if at < offlineUntil {
			continue // it measures, and sends later
		}
		all = append(all, d.send(at, s, base, rng)...)
		switch rng.IntN(60) {
		case 0:
			offlineUntil = at + time.Duration(rng.Int64N(int64(2*idle)))
		case 1, 2:
			at += time.Duration(rng.Int64N(int64(2 * idle))) // silent
		case 3:
			at += forget + time.Duration(rng.Int64N(int64(forget))) // and forgotten
		case 4:
			d.seq = map[string]int64{} // restarted
		case 5:
			d.clock = time.Duration(rng.Int64N(int64(2 * time.Minute))) // and its clock as well
		case 6:
			d.clock = 0
		}
	}
	return all
}

// read draws a reading at its time.
func (d *device) read(metric string, at time.Duration, s *shape, rng *rand.Rand) readingDoc {
	level, ok := d.level[metric]
	if !ok {
		level = 50
	}
	level = min(max(level+rng.NormFloat64()*8, 10), 95)
	d.level[metric] = level
	counter := metric
	if s.wide {
		counter = ""
	}
	seq := d.seq[counter]
	d.seq[counter]++
	r := readingDoc{metric: metric, time: at - d.clock - d.behind, timed: true, seq: seq, value: fmt.Sprintf("%.*f", rng.IntN(4), level)}
	if d.jitter > 0 {
		r.time -= time.Duration(rng.Int64N(int64(d.jitter)))
	}
	if s.wide {
		r.more = map[string]string{}
		for _, m := range d.metrics[1:] {
			if rng.IntN(2) == 0 {
				r.more[m] = fmt.Sprintf("%.1f", 30+rng.Float64()*50)
			}
		}
	}
	if rng.IntN(100) >= d.wild {
		return r
	}
	switch rng.IntN(10) {
	case 0, 1:
		r.time -= time.Duration(rng.Int64N(int64(25 * time.Second))) // late
	case 2:
		r.time += time.Duration(rng.Int64N(int64(15 * time.Second))) // future, perhaps too far
	case 3:
		r.timed = d.behind > 0 && rng.IntN(4) > 0 // the append time is far ahead of a clock that is behind
	case 4:
		r.seq = -1
	case 5:
		d.seq[counter] += rng.Int64N(200) // a gap
	case 6:
		r.seq = max(0, seq-rng.Int64N(80)) // a number again, with another time
	case 7:
		r.value = []string{"1e308", "-1e300", "0", "1e-300", "true", "-0"}[rng.IntN(6)]
	case 8:
		r.metric = "vibration" // nobody wants it
	}
	return r
}

// send turns the backlog into messages.
func (d *device) send(at time.Duration, s *shape, base time.Time, rng *rand.Rand) []message {
	docs := d.backlog
	d.backlog = nil
	if len(docs) > 1 && rng.IntN(4) == 0 {
		rng.Shuffle(len(docs), func(i, j int) { docs[i], docs[j] = docs[j], docs[i] })
	}
	var bodies [][]byte
	for len(docs) > 0 {
		n := 1
		if rng.IntN(3) == 0 {
			n = 1 + rng.IntN(len(docs))
		}
		bodies = append(bodies, d.body(docs[:n], s, base, rng))
		docs = docs[n:]
	}
	if rng.IntN(100) < d.wild {
		bodies = append(bodies, d.odd(bodies, rng))
	}
	var all []message
	for _, body := range bodies {
		m := message{at: at, partition: d.partition, value: body}
		if d.keyed {
			m.key = []byte(d.name)
		}
		if d.header {
			m.header = []byte(d.name)
		}
		if rng.IntN(200) == 0 {
			m.partition, m.key = rng.Int32N(s.partitions), nil // perhaps where it does not belong
		}
		all = append(all, m)
		d.sent = append(d.sent, body)
	}
	return all
}

// odd draws a message of its own: a repeat or poison.
func (d *device) odd(now [][]byte, rng *rand.Rand) []byte {
	if rng.IntN(3) > 0 && len(d.sent) > 0 {
		if rng.IntN(2) == 0 {
			return now[len(now)-1]
		}
		return d.sent[max(0, len(d.sent)-1-rng.IntN(20))]
	}
	poison := []string{
		``, `{`, `nothing`, `[]`, `[1,"x",null]`, `{"device":"x"}`, `{"device":"x","metric":"temperature","value":"warm","ts":1}`,
		`{"device":7,"metric":"temperature","value":1,"ts":"yesterday"}`, `{"device":"","metric":"temperature","value":1}`,
		`{"device":"x","metric":"temperature","value":1e999}`, `{"id":"x","temperature":[1]}`, `[{"id":"x","at":-5,"temperature":3}]`, "\xff\xfe",
	}
	return []byte(poison[rng.IntN(len(poison))])
}

// body writes readings as one message.
func (d *device) body(docs []readingDoc, s *shape, base time.Time, rng *rand.Rand) []byte {
	var b []byte
	array := len(docs) > 1 || rng.IntN(20) == 0
	if array {
		b = append(b, '[')
	}
	for i, r := range docs {
		if i > 0 {
			b = append(b, ',')
		}
		b = d.object(b, r, s, base)
	}
	if array {
		b = append(b, ']')
	}
	return b
}

func (d *device) object(b []byte, r readingDoc, s *shape, base time.Time) []byte {
	name, err := json.Marshal(d.name)
	if err != nil {
		panic(err) // a string has a JSON form
	}
	device, at, seq := "device", "ts", "seq"
	if s.wide {
		device, at, seq = "id", "at", "n"
	}
	b = append(b, '{')
	if s.wide {
		b = fmt.Appendf(b, `%q:%s`, r.metric, r.value)
		for _, m := range []string{"temperature", "pressure", "humidity"} {
			if v, ok := r.more[m]; ok {
				b = fmt.Appendf(b, `,%q:%s`, m, v)
			}
		}
	} else {
		b = fmt.Appendf(b, `"metric":%q,"value":%s`, r.metric, r.value)
	}
	if !d.header {
		b = fmt.Appendf(b, `,%q:%s`, device, name)
	}
	if r.timed {
		when := base.Add(r.time).UTC()
		if s.rfc3339 {
			b = fmt.Appendf(b, `,%q:%q`, at, when.Format("2006-01-02T15:04:05.000Z"))
		} else {
			b = fmt.Appendf(b, `,%q:%d`, at, when.UnixMilli())
		}
	}
	if r.seq >= 0 {
		b = fmt.Appendf(b, `,%q:%d`, seq, r.seq)
	}
	return append(b, '}')
}
