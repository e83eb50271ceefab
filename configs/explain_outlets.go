package configs

import (
	"cmp"
	"fmt"
	"strings"
)

// explainOutlets tells where alerts go from their topic.
func (p *Pipeline) explainOutlets(b *strings.Builder) {
	if m := p.Alerts.MQTT; m != nil {
		to := "the MQTT broker at " + p.shown("alerts.mqtt.broker")
		switch {
		case m.Embedded:
			to = "the MQTT broker inside the process"
		case p.shown("alerts.mqtt.broker") == "":
			to = "the MQTT broker at " + p.shown("mqtt.broker")
		}
		retained := ""
		if m.Retain {
			retained = ", retained there"
		}
		fmt.Fprintf(b, "From there each is published on %s of %s with QoS %d%s, at least once, by the consumer group %s.alerts.mqtt.\n",
			p.shown("alerts.mqtt.topic"), to, m.QoS, retained, p.Group)
	}
	if m := p.Alerts.Alertmanager; m != nil {
		fmt.Fprintf(b, "From there those that fire are sent to the Alertmanager at %s, again every %s until they end, and so is their end, by the consumer group %s.alerts.alertmanager.\n",
			cmp.Or(p.shown("alerts.alertmanager.url"), p.shown("alerts.alertmanager")), eachSpan(m.Resend), p.Group)
	}
}
