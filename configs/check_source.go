package configs

import (
	"strconv"
	"strings"

	"github.com/weirstream/weir/event"
)

func (c *checker) kafka() {
	k := &c.doc.Kafka
	if k.set {
		switch {
		case k.Brokers.set && k.Embedded != nil:
			c.errorf(k.at, "kafka has both brokers and embedded; keep brokers for real ones, or embedded for the one inside the process")
		case !k.Brokers.set && k.Embedded == nil:
			c.errorf(k.at, "kafka needs brokers: [host:9092], or embedded: {dir: ./data} for a broker inside the process")
		}
	}
	for i := range k.Brokers.items {
		b := &k.Brokers.items[i]
		if !b.ok() {
			continue
		}
		if strings.Contains(b.value, "@") {
			c.errorf(b.at, "%s must not hold a user and password; write kafka.sasl", b)
		} else if _, rest, found := strings.Cut(b.value, "://"); found && !b.expanded() {
			c.errorf(b.at, "%s must be host:port without a scheme; write %s", b, shorten(rest))
		} else if problem := hostPort(b.value, "9092"); problem != "" {
			c.errorf(b.at, "%s %s", b, problem)
		}
	}
	c.p.Kafka.Brokers = k.Brokers.values()
	c.kafkaAccess(k)
	if e := k.Embedded; e != nil {
		c.p.Kafka.Embedded = &Embedded{Dir: e.Dir.value, Partitions: int(e.Partitions.value), Port: int(e.Port.value)}
	}
}

// hostPort says what is wrong with an address, in words that follow
// `path=value `. usual is the port to propose.
func hostPort(s, usual string) string {
	i := strings.LastIndexByte(s, ':')
	bracketed := strings.HasSuffix(s, "]")
	if i < 0 || bracketed {
		return "has no port; add one, such as :" + usual
	}
	host, port := s[:i], s[i+1:]
	if host == "" || strings.ContainsAny(s, " \t@/?,;") {
		return "must be host:port, such as localhost:" + usual
	}
	if strings.Contains(host, ":") && !(strings.HasPrefix(host, "[") && strings.HasSuffix(host, "]")) {
		return "must have an IPv6 address in brackets, such as [::1]:" + usual
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return "must end in a port from 1 to 65535, such as :" + usual
	}
	return ""
}

// textTime is the unit of times that are no numbers: saying it is saying nothing.
const textTime = "rfc3339"

func (c *checker) source() {
	s := &c.doc.Source
	c.topic(&s.Topic)
	c.reading()
	r := &s.Reading
	c.p.Source = Source{
		Topic: s.Topic.value, Partitioner: s.Partitioner.value, Format: s.Format.value,
		Reading: Reading{
			Device: r.Device.value, Metric: r.Metric.value, Time: r.Time.value, Unit: strings.TrimPrefix(r.Unit.value, textTime),
			Value: r.Value.value, Seq: r.Seq.value, Trace: r.Trace.value, Metrics: r.Metrics.values(),
		},
	}
}

func (c *checker) reading() {
	r := &c.doc.Source.Reading
	fields := []*text{&r.Device, &r.Time, &r.Seq, &r.Trace}
	if r.Metrics.set {
		for _, t := range []*text{&r.Metric, &r.Value} {
			if t.set {
				c.errorf(t.at, "%s is for messages of one metric, but reading.metrics says they are wide; remove one of the two", t)
			}
			t.raw, t.value = "", ""
		}
		for i := range r.Metrics.items {
			fields = append(fields, &r.Metrics.items[i])
		}
	} else {
		fields = append(fields, &r.Metric, &r.Value)
	}
	for i, t := range fields {
		c.title(t)
		for _, other := range fields[:i] {
			if t.ok() && other.ok() && t.value != "" && t.value == other.value {
				late, early := t, other
				if !late.set {
					late, early = other, t
				}
				c.errorf(late.at, "%s is also %s; two parts of a reading cannot be the same field", late, early.path)
			}
		}
	}
	if r.Time.ok() && r.Time.value == "" && r.Unit.set {
		c.errorf(r.Unit.at, "%s has no time to apply to: reading.time is empty", &r.Unit)
	}
}

func (c *checker) time() {
	t := &c.doc.Time
	c.p.Time = Time{
		WaitForLate: t.WaitForLate.value, IdleAfter: t.IdleAfter.value,
		MaxFutureSkew: t.MaxFutureSkew.value, AllowBackfill: t.AllowBackfill.value, Late: t.Late.value,
	}
	if t.Late.ok() && t.AllowBackfill.ok() {
		updates, keeps := t.Late.value == "update", t.AllowBackfill.value > 0
		if updates && !keeps {
			c.errorf(t.Late.at, "%s needs time.allow_backfill: how long closed windows are kept for late readings, such as 1h", &t.Late)
		}
		if keeps && !updates {
			c.errorf(t.AllowBackfill.at, "%s needs time.late: update; with late: quarantine no window is kept after it closes", &t.AllowBackfill)
		}
	}
	c.resetClock()
	if s := &t.MaxFutureSkew; s.ok() && s.value < 1000 {
		c.warnf(s.at, "%s sends readings to quarantine for a device clock that is hardly ahead; a second or more is usual", s)
	}
}

func (c *checker) dedupe() {
	d, r := &c.doc.Dedupe, &c.doc.Source.Reading
	c.p.Dedupe = Dedupe{By: d.By.value, Remember: d.Remember.value}
	if !d.By.ok() {
		return
	}
	if d.By.value == "off" {
		if d.Remember.set {
			c.warnf(d.Remember.at, "%s has no effect with dedupe.by: off", &d.Remember)
		}
		return
	}
	if wait := &c.doc.Time.WaitForLate; d.Remember.ok() && wait.ok() && d.Remember.value < wait.value {
		c.errorf(d.Remember.at, "%s must be at least time.wait_for_late=%s, or a repeat of a reading still waited for counts twice", &d.Remember, wait.show())
	}
	if d.By.value == identityWord {
		c.dedupeByTime()
		return
	}
	for _, t := range []*text{&r.Seq, &r.Time} {
		if t.ok() && t.value == "" {
			c.warnf(t.at, "%s: without it repeats cannot be recognised and count twice; dedupe: {by: off} says that this is meant", t)
		}
	}
}

func (c *checker) state() {
	s, t := &c.doc.State, &c.doc.Time
	c.p.State = State{Dir: s.Dir.value, Memory: s.Memory.value, ForgetAfter: s.ForgetAfter.value}
	f := &s.ForgetAfter
	if !f.ok() {
		return
	}
	if t.IdleAfter.ok() && f.value < t.IdleAfter.value {
		c.errorf(f.at, "%s must be at least time.idle_after=%s: a device is silent before it is forgotten", f, t.IdleAfter.show())
		return
	}
	if t.WaitForLate.ok() && t.AllowBackfill.ok() {
		c.outlives(f)
	}
	if d := &c.doc.Dedupe; d.Remember.set && d.Remember.ok() && d.By.value != "off" && f.value < d.Remember.value {
		c.warnf(f.at, "%s is less than dedupe.remember=%s: what a device sent is forgotten with the device", f, d.Remember.show())
	}
}

// outlives checks that a device is not forgotten while a window of it waits.
func (c *checker) outlives(forget *span) {
	longest := event.Time(-1)
	var window *Window
	for i := range c.p.Windows {
		if w := &c.p.Windows[i]; w.Kind != Count && max(w.Size, w.Gap) > longest {
			longest, window = max(w.Size, w.Gap), w
		}
	}
	t := &c.p.Time
	need := longest + t.WaitForLate + t.AllowBackfill
	if window == nil || forget.value >= need {
		return
	}
	what := "size="
	if window.Kind == Session {
		what = "gap="
	}
	sum := what + formatSpan(longest) + " + wait_for_late=" + formatSpan(t.WaitForLate)
	if t.AllowBackfill > 0 {
		sum += " + allow_backfill=" + formatSpan(t.AllowBackfill)
	}
	c.errorf(forget.at, "%s forgets devices while their window %s is open (%s); write %s or more", forget, window.Name, sum, formatSpan(need))
}
