package main

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/outlets"
	"github.com/weirstream/weir/outlets/alertmanager"
	"github.com/weirstream/weir/outlets/mqtt"
)

// outlet is one way out of the alerts topic.
type outlet struct {
	name string // as in metrics and at the end of its group
	*outlets.Outlet
}

// openOutlets makes the outlets of a pipeline; identity is that of this process.
func (i *instance) openOutlets(identity string) error {
	a := i.pipeline.Alerts
	if a.MQTT != nil {
		receiver, err := i.mqttReceiver(a.MQTT, identity)
		if err != nil {
			return err
		}
		if err := i.addOutlet("mqtt", identity, receiver); err != nil {
			return err
		}
	}
	if a.Alertmanager != nil {
		receiver, err := i.alertmanagerReceiver(a.Alertmanager)
		if err != nil {
			return err
		}
		if err := i.addOutlet("alertmanager", identity, receiver); err != nil {
			return err
		}
	}
	return nil
}

func (i *instance) addOutlet(name, identity string, r outlets.Receiver) error {
	group := i.pipeline.Group + ".alerts." + name
	o, err := outlets.New(outlets.Options{
		Pipeline: i.pipeline.Name, Topic: i.pipeline.Alerts.Topic, Group: group, Instance: identity, Receiver: r,
		Client:   []kgo.Opt{kgo.SeedBrokers(i.brokers...), kgo.ClientID(group)},
		KeepSeat: i.keepSeat, Logger: i.log.With("outlet", name),
	})
	if err != nil {
		return fmt.Errorf("alerts.%s: %w", name, err)
	}
	i.outlets = append(i.outlets, outlet{name, o})
	return nil
}

func (i *instance) mqttReceiver(m *configs.AlertsMQTT, identity string) (outlets.Receiver, error) {
	o := mqtt.Options{
		// Every process of the pipeline that owns a partition publishes, each under a name of its own.
		Broker: m.Broker, ClientID: "weir-" + i.pipeline.Name + "-alerts-" + identity,
		Username: m.Username.Reveal(), Password: m.Password.Reveal(),
		Topic: m.Topic, QoS: m.QoS, Retain: m.Retain, Logger: i.log.With("outlet", "mqtt"),
	}
	if m.Embedded {
		o.Broker = i.mqtt.URL()
	}
	if m.TLS != nil {
		var err error
		if o.TLS, err = tlsConfig(m.TLS); err != nil {
			return nil, fmt.Errorf("alerts.mqtt: %w", err)
		}
	}
	return mqtt.New(o)
}

func (i *instance) alertmanagerReceiver(m *configs.Alertmanager) (outlets.Receiver, error) {
	o := alertmanager.Options{
		URL: m.URL, Resend: time.Duration(m.Resend) * time.Millisecond, GeneratorURL: m.GeneratorURL,
		Username: m.Username.Reveal(), Password: m.Password.Reveal(), Token: m.Token.Reveal(), Logger: i.log.With("outlet", "alertmanager"),
	}
	for _, r := range i.pipeline.Rules {
		o.Rules = append(o.Rules, r.Name)
	}
	if m.TLS != nil {
		var err error
		if o.TLS, err = tlsConfig(m.TLS); err != nil {
			return nil, fmt.Errorf("alerts.alertmanager: %w", err)
		}
	}
	return alertmanager.New(o)
}

// runOutlets runs all outlets until ctx ends. They fail for nothing else.
func (i *instance) runOutlets(ctx context.Context) error {
	var group errgroup.Group
	for _, o := range i.outlets {
		group.Go(func() error { return o.Run(ctx) })
	}
	return group.Wait()
}
