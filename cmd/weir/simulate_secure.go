package main

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"

	"github.com/weirstream/weir/access"
	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/internal/fleet"
)

// secured opens what --to names with TLS and login of the pipeline file of --pipeline.
func (f simulateFlags) secured(to *url.URL) (fleet.Publisher, error) {
	p, err := loadPipeline(f.pipeline, func(d configs.Diagnostic) { fmt.Fprintln(os.Stderr, d) })
	if err != nil {
		return nil, err
	}
	switch to.Scheme {
	case "kafka":
		topic := strings.Trim(to.Path, "/")
		if topic == "" || strings.Contains(topic, "/") {
			return nil, usageError{fmt.Errorf("--to %s: name the topic, as in kafka://localhost:9092/readings", to.Redacted())}
		}
		settings := p.Kafka
		settings.Embedded = nil
		door, err := access.NewKafka(access.KafkaOptions{Settings: settings, Brokers: strings.Split(to.Host, ",")})
		if err != nil {
			return nil, err
		}
		publisher, err := fleet.OpenKafkaWith(topic, door.Client("weir.simulate"))
		return publisher, door.Explain(err)
	case "mqtt", "tcp", "mqtts", "ssl":
		if to.User != nil {
			return nil, usageError{fmt.Errorf("--to %s: with --pipeline user and password are those of the section mqtt", to.Redacted())}
		}
		m := p.MQTT
		if m == nil {
			return nil, usageError{fmt.Errorf("--pipeline %s has no section mqtt", f.pipeline)}
		}
		door, err := access.NewMQTT(access.MQTTOptions{Setting: "mqtt", TLS: m.TLS, Username: m.Username, Password: m.Password})
		if err != nil {
			return nil, err
		}
		scheme := map[string]string{"mqtt": "tcp", "tcp": "tcp", "mqtts": "ssl", "ssl": "ssl"}[to.Scheme]
		publisher, err := fleet.OpenMQTT(fleet.MQTTOptions{
			Broker: scheme + "://" + to.Host, ClientID: fmt.Sprintf("weir-simulate-%d", os.Getpid()), Gateways: f.gateways, Open: door.Open, Login: door.Login,
		})
		if err != nil {
			return nil, door.Explain(err)
		}
		return publisher, nil
	}
	return nil, usageError{errors.New("--to must be mqtt://host:port or kafka://host:port/topic with --pipeline")}
}
