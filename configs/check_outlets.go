package configs

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/weirstream/weir/operators/roster"
)

// outletFields are what the topic and the link of an alert may be made of, beside labels.
func outletFields() []string { return []string{"device", "rule", "level", "pipeline"} }

// outlets checks where alerts go from their topic.
func (c *checker) outlets() {
	a := &c.doc.Alerts
	if a.MQTT != nil {
		c.alertsMQTT(a.MQTT)
	}
	if a.Alertmanager != nil {
		c.alertmanager(a.Alertmanager)
	}
}

func (c *checker) alertsMQTT(m *alertsMQTTDoc) {
	c.needsRules(m.at, "alerts.mqtt")
	out := &AlertsMQTT{
		Broker: m.Broker.value, Topic: m.Topic.value, QoS: byte(m.QoS.value), Retain: m.Retain.value,
		Username: secret(&m.Username), Password: secret(&m.Password),
	}
	c.p.Alerts.MQTT = out
	c.template(&m.Topic)
	if m.Topic.ok() && strings.ContainsAny(literals(m.Topic.value), "+#") {
		c.errorf(m.Topic.at, "%s has a + or #, which are for subscribing; write the topic to publish to", &m.Topic)
		m.Topic.bad = true
	}
	if m.QoS.ok() && m.QoS.value == 0 {
		c.warnf(m.QoS.at, "%s: alerts are lost whenever the connection breaks; 1 keeps them", &m.QoS)
	}
	c.outletLogin(login{path: "alerts.mqtt", username: &m.Username, password: &m.Password})
	if out.TLS = c.outletTLS(m.TLS, "alerts.mqtt"); m.TLS != nil && m.Broker.ok() && !strings.HasPrefix(m.Broker.value, "ssl://") {
		c.errorf(m.TLS.at, "alerts.mqtt.tls needs a broker that begins with ssl://")
	}
	if m.Broker.set {
		if m.Broker.ok() {
			if problem := brokerAddress(m.Broker.value); problem != "" {
				c.errorf(m.Broker.at, "%s %s", &m.Broker, strings.ReplaceAll(problem, "mqtt.", "alerts.mqtt."))
			}
		}
		if in := c.p.MQTT; in != nil && in.Broker == out.Broker {
			c.mqttLoop(m)
		}
		return
	}
	c.inherit(m, out)
}

// inherit takes the broker of the section mqtt.
func (c *checker) inherit(m *alertsMQTTDoc, out *AlertsMQTT) {
	in := c.p.MQTT
	if in == nil {
		if m.set && !m.Broker.bad {
			c.errorf(m.at, "alerts.mqtt needs broker: tcp://host:1883; there is no section mqtt whose broker it could be")
		}
		return
	}
	out.Broker, out.Embedded = in.Broker, in.Embedded
	if !m.Username.set && !m.Password.set {
		out.Username, out.Password = in.Username, in.Password
	}
	if m.TLS == nil {
		out.TLS = in.TLS
	} else if !strings.HasPrefix(in.Broker, "ssl://") {
		c.errorf(m.TLS.at, "alerts.mqtt.tls needs a broker that begins with ssl://, and mqtt.broker does not")
	}
	c.mqttLoop(m)
}

// mqttLoop finds alerts that would come back as readings.
func (c *checker) mqttLoop(m *alertsMQTTDoc) {
	if !m.Topic.ok() {
		return
	}
	open, certain := levels(m.Topic.value), levels(m.Topic.value)
	for i, level := range open {
		if strings.Contains(level, "{{") {
			open[i], certain[i] = "+", "\x00"
		}
	}
	for i := range c.doc.MQTT.Subscribe.items {
		f := &c.doc.MQTT.Subscribe.items[i].Filter
		switch {
		case !f.ok() || !overlap(levels(f.value), open):
		case overlap(levels(f.value), certain):
			c.errorf(m.Topic.at, "%s is one of the topics of %s: alerts would come back as readings", &m.Topic, f)
			return
		default:
			c.warnf(m.Topic.at, "%s may be one of the topics of %s: alerts would come back as readings", &m.Topic, f)
			return
		}
	}
}

func (c *checker) alertmanager(m *alertmanagerDoc) {
	c.needsRules(m.at, "alerts.alertmanager")
	c.p.Alerts.Alertmanager = &Alertmanager{
		URL: m.URL.value, Resend: m.Resend.value, GeneratorURL: m.Generator.value,
		Username: secret(&m.Username), Password: secret(&m.Password), Token: secret(&m.Token),
		TLS: c.outletTLS(m.TLS, "alerts.alertmanager"),
	}
	if m.URL.ok() {
		if problem := badURL(m.URL.value); problem != "" {
			c.errorf(m.URL.at, "%s %s", &m.URL, problem)
			m.URL.bad = true
		}
	}
	if m.TLS != nil && m.URL.ok() && !strings.HasPrefix(m.URL.value, "https://") {
		c.errorf(m.TLS.at, "alerts.alertmanager.tls needs a url that begins with https://")
	}
	c.outletLogin(login{path: "alerts.alertmanager", username: &m.Username, password: &m.Password})
	if m.Token.set && m.Username.set {
		c.errorf(m.Token.at, "alerts.alertmanager has both token and username; a request carries one of the two")
	}
	if m.Token.ok() && !m.Token.expanded() {
		c.warnf(m.Token.at, "alerts.alertmanager.token is written in the file; keep it out with ${NAME} or ${file:/path}")
	}
	c.template(&m.Generator)
	if g := &m.Generator; g.ok() && !strings.HasPrefix(g.value, "http://") && !strings.HasPrefix(g.value, "https://") {
		c.errorf(g.at, "%s must be a link that begins with http:// or https://", g)
	}
}

// badURL says what is wrong with the address of an Alertmanager, in words that follow `path=value `.
func badURL(s string) string {
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return "must be an address such as http://localhost:9093"
	case u.User != nil:
		return "must not hold a user and password; write alerts.alertmanager.username and alerts.alertmanager.password"
	case u.RawQuery != "" || u.Fragment != "":
		return "must end with the path; leave out what begins with ? or #"
	case strings.Contains(u.Path, "/api/v"):
		before, _, _ := strings.Cut(s, "/api/v")
		return "must not hold the path of the API; write " + before
	default:
		return ""
	}
}

func (c *checker) needsRules(at place, path string) {
	if !c.doc.Rules.set {
		c.warnf(at, "%s gets nothing: the pipeline has no rules", path)
	}
}

// login is a user and password, and where they stand.
type login struct {
	path               string
	username, password *text
}

func (c *checker) outletLogin(l login) {
	if l.password.set && !l.username.set {
		c.errorf(l.password.at, "%s.password needs %s.username", l.path, l.path)
	}
	if l.password.ok() && !l.password.expanded() {
		c.warnf(l.password.at, "%s.password is written in the file; keep it out with ${NAME} or ${file:/path}", l.path)
	}
}

func (c *checker) outletTLS(t *tlsDoc, path string) *TLS {
	if t == nil {
		return nil
	}
	switch {
	case t.Cert.set && !t.Key.set:
		c.errorf(t.Cert.at, "%s.tls.cert needs %s.tls.key, the file with its key", path, path)
	case t.Key.set && !t.Cert.set:
		c.errorf(t.Key.at, "%s.tls.key needs %s.tls.cert, the file with its certificate", path, path)
	}
	return &TLS{CA: t.CA.value, Cert: t.Cert.value, Key: t.Key.value, ServerName: c.serverName(&t.ServerName)}
}

// template checks a text with fields of an alert.
func (c *checker) template(t *text) {
	if !t.ok() {
		return
	}
	if problem := c.badTemplate(t.value); problem != "" {
		c.errorf(t.at, "%s %s", t, problem)
		t.bad = true
	}
}

func (c *checker) badTemplate(s string) string {
	for _, f := range outletFields() {
		if strings.Contains(literals(s), "{"+f+"}") {
			return fmt.Sprintf("has {%s}, which would stand there as it is; write {{%s}}", f, f)
		}
	}
	for {
		_, after, found := strings.Cut(s, "{{")
		if !found {
			return ""
		}
		inside, rest, closed := strings.Cut(after, "}}")
		if !closed {
			return "has a {{ that is not closed; write for example {{device}}"
		}
		field := strings.TrimSpace(inside)
		if name, ok := strings.CutPrefix(field, labelPrefix); ok {
			if problem := c.outletLabel(name); problem != "" {
				return "holds {{" + shorten(field) + "}}, which " + problem
			}
		} else if !slices.Contains(outletFields(), field) {
			return fmt.Sprintf("holds {{%s}}, which is not known; the fields are %s%s",
				shorten(field), andList(append(outletFields(), "labels.NAME")), suggest(strings.TrimLeft(field, ".$"), outletFields()))
		}
		s = rest
	}
}

// outletLabel says what is wrong with a label, which is one of the roster or of those every alert has.
func (c *checker) outletLabel(name string) string {
	if slices.Contains([]string{"alertname", "device", "pipeline", "severity"}, name) {
		return ""
	}
	return c.label(name, roster.Text)
}

// literals is a template without its fields.
func literals(s string) string {
	var b strings.Builder
	for {
		before, after, found := strings.Cut(s, "{{")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		_, s, _ = strings.Cut(after, "}}")
	}
}
