package configs

import (
	"strconv"
	"strings"
)

func (c *checker) mqtt() {
	m := c.doc.MQTT
	if m == nil {
		return
	}
	c.p.MQTT = &MQTT{
		Embedded: m.Embedded.value, Port: int(m.Port.value), Retained: m.Retained.value, Broker: m.Broker.value,
		Username: secret(&m.Username), Password: secret(&m.Password),
	}
	c.mqttBroker(m)
	c.credentials(m)
	c.subscriptions(m)
	c.mqttDevice(m)
	if !m.ClientID.set && c.doc.Name.ok() {
		m.ClientID.fill("weir-" + c.doc.Name.value)
	}
	c.p.MQTT.ClientID = m.ClientID.value
}

func (c *checker) mqttBroker(m *mqttDoc) {
	embedded := m.Embedded.ok() && m.Embedded.value
	switch {
	case m.Broker.set && embedded:
		c.errorf(m.Embedded.at, "mqtt has both broker and embedded; keep broker for a real one, or embedded: true for the one inside the process")
	case !m.Broker.set && !embedded && m.set && !m.Embedded.bad:
		c.errorf(m.at, "mqtt needs broker: tcp://host:1883, or embedded: true for a broker inside the process")
	}
	if m.Port.set && !embedded && !m.Embedded.bad {
		c.errorf(m.Port.at, "%s is the port of the embedded broker; the port of a real one is part of mqtt.broker", &m.Port)
	}
	if !embedded {
		m.Port.raw = "" // not a setting of a real broker
	}
	secure := false
	if m.Broker.ok() {
		secure = strings.HasPrefix(m.Broker.value, "ssl://")
		if problem := brokerAddress(m.Broker.value); problem != "" {
			c.errorf(m.Broker.at, "%s %s", &m.Broker, problem)
			secure = true // one complaint about the address is enough
		}
	}
	t := m.TLS
	if t == nil {
		return
	}
	c.p.MQTT.TLS = c.outletTLS(t, "mqtt")
	if !secure && !m.Broker.bad {
		c.errorf(t.at, "mqtt.tls needs a broker that begins with ssl://")
	}
}

// brokerAddress says what is wrong with an MQTT broker's address, in words that
// follow `path=value `.
func brokerAddress(s string) string {
	scheme, address, found := strings.Cut(s, "://")
	port := "1883"
	switch {
	case !found:
		return "must begin with tcp:// or ssl://, such as tcp://localhost:1883"
	case scheme == "ws" || scheme == "wss":
		return "is MQTT over WebSocket, which is not supported yet; use tcp:// or ssl://"
	case scheme == "ssl":
		port = "8883"
	case scheme == "mqtt":
		return "must begin with tcp:// or ssl://; write tcp:// for plain MQTT"
	case scheme == "mqtts" || scheme == "tls":
		return "must begin with tcp:// or ssl://; write ssl:// for MQTT over TLS"
	case scheme != "tcp":
		return "must begin with tcp:// or ssl://" + suggest(scheme, []string{"tcp", "ssl"})
	}
	if strings.Contains(address, "@") {
		return "must not hold a user and password; write mqtt.username and mqtt.password"
	}
	return hostPort(strings.TrimSuffix(address, "/"), port)
}

func (c *checker) credentials(m *mqttDoc) {
	if m.Password.set && !m.Username.set {
		c.errorf(m.Password.at, "mqtt.password needs mqtt.username; MQTT 3.1.1 knows no password without a user")
	}
	if m.Password.ok() && !m.Password.expanded() {
		c.warnf(m.Password.at, "mqtt.password is written in the file; keep it out with ${NAME} or ${file:/path}")
	}
	if m.Embedded.value && (m.Username.set || m.Password.set) {
		c.warnf(m.Username.at, "mqtt.username and mqtt.password have no effect on the embedded broker, which lets everyone on loopback in")
	}
}

func (c *checker) subscriptions(m *mqttDoc) {
	for i := range m.Subscribe.items {
		s := &m.Subscribe.items[i]
		if s.Filter.ok() {
			if problem := badFilter(s.Filter.value); problem != "" {
				c.errorf(s.Filter.at, "%s %s", &s.Filter, problem)
				s.Filter.bad = true
			}
		}
		c.p.MQTT.Subscribe = append(c.p.MQTT.Subscribe, Subscription{Filter: s.Filter.value, QoS: byte(s.QoS.value)})
		if s.QoS.ok() && s.QoS.value == 0 {
			c.warnf(s.QoS.at, "%s: messages are lost whenever the connection breaks; 1 keeps them", &s.QoS)
		}
		for j := range i {
			o := &m.Subscribe.items[j]
			if s.Filter.ok() && o.Filter.ok() && overlap(levels(s.Filter.value), levels(o.Filter.value)) {
				c.warnf(s.Filter.at, "%s overlaps with %s: the broker may deliver a message once for each", &s.Filter, &o.Filter)
			}
		}
	}
}

func levels(filter string) []string { return strings.Split(filter, "/") }

// badFilter says what is wrong with a topic filter by MQTT 3.1.1 section 4.7,
// in words that follow `path=value `.
func badFilter(f string) string {
	if strings.HasPrefix(f, "$share/") {
		return "is a shared subscription, which is not supported; write the filter behind $share/GROUP/"
	}
	if len(f) > 65535 {
		return "is longer than 65535 bytes"
	}
	all := levels(f)
	for i, level := range all {
		switch {
		case level == "#" && i < len(all)-1:
			return "has a # before its end; # stands for all levels that follow"
		case level != "#" && strings.Contains(level, "#"):
			return "has a # inside a level; # must be a whole level, as in plant/#"
		case level != "+" && strings.Contains(level, "+"):
			return "has a + inside a level; + must be a whole level, as in plant/+/telemetry"
		}
	}
	return ""
}

// overlap reports whether a topic can match both filters.
func overlap(a, b []string) bool {
	for i := 0; ; i++ {
		aEnds, bEnds := i == len(a), i == len(b)
		switch {
		case !aEnds && a[i] == "#" || !bEnds && b[i] == "#":
			return true
		case aEnds || bEnds:
			return aEnds && bEnds
		case a[i] != b[i] && a[i] != "+" && b[i] != "+":
			return false
		}
	}
}

func (c *checker) mqttDevice(m *mqttDoc) {
	field := &c.doc.Source.Reading.Device
	if !m.Device.set {
		m.Device.fill(field.value)
	}
	c.title(&m.Device)
	if !m.Device.ok() {
		return
	}
	c.p.MQTT.Device = m.Device.value
	if !strings.ContainsAny(m.Device.value, "{}") {
		if field.ok() && m.Device.value != field.value {
			c.errorf(m.Device.at, "%s must be the field %s that source.reading.device names, or made from the topic, such as \"{topic.2}\"", &m.Device, field.show())
		}
		return
	}
	parts, problem := topicTemplate(m.Device.value)
	if problem != "" {
		c.errorf(m.Device.at, "%s %s", &m.Device, problem)
		return
	}
	c.p.MQTT.DeviceParts = parts
	for i := range m.Subscribe.items {
		if f := &m.Subscribe.items[i].Filter; f.ok() {
			c.levelsThere(&m.Device, parts, f)
		}
	}
}

// topicTemplate parses a device template such as "{topic.1}-{topic.2}".
func topicTemplate(s string) ([]TopicPart, string) {
	const form = "must be made of {topic.N} and plain text; levels of the topic count from 0"
	var parts []TopicPart
	taken := false
	for s != "" {
		before, after, found := strings.Cut(s, "{")
		if strings.Contains(before, "}") {
			return nil, form
		}
		if before != "" {
			parts = append(parts, TopicPart{Literal: before, Level: -1})
		}
		if !found {
			break
		}
		name, rest, closed := strings.Cut(after, "}")
		if !closed {
			return nil, "has a { that is not closed; write \"{topic.2}\""
		}
		digits, ok := strings.CutPrefix(name, "topic.")
		n, err := strconv.ParseUint(digits, 10, 16)
		if !ok || err != nil {
			return nil, form
		}
		parts = append(parts, TopicPart{Level: int(n)})
		taken = true
		s = rest
	}
	if !taken {
		return nil, form
	}
	return parts, ""
}

// levelsThere checks that the topics a filter lets through have the levels that
// the device is made of.
func (c *checker) levelsThere(device *text, parts []TopicPart, f *text) {
	all := levels(f.value)
	fixed, open := len(all), false
	if all[len(all)-1] == "#" {
		fixed, open = fixed-1, true
	}
	constant := true
	for _, p := range parts {
		switch {
		case p.Level < 0:
		case p.Level < fixed:
			constant = constant && all[p.Level] != "+"
		case open:
			constant = false
			c.warnf(device.at, "%s: %s also lets topics through that have no level %d; their messages go to quarantine", device, f, p.Level)
		default:
			constant = false
			c.errorf(device.at, "%s: the topics of %s have the levels 0 to %d only%s", device, f, fixed-1, numbered(all))
		}
	}
	if constant {
		c.warnf(device.at, "%s is the same for every topic of %s: all its messages would be of one device%s", device, f, numbered(all))
	}
}

// numbered shows how levels count: (0 plant, 1 +, 2 +).
func numbered(all []string) string {
	if len(all) > 12 {
		return ""
	}
	words := make([]string, len(all))
	for i, level := range all {
		words[i] = strconv.Itoa(i) + " " + shorten(level)
	}
	return " (" + strings.Join(words, ", ") + ")"
}
