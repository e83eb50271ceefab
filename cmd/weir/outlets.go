package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/weirstream/weir/access"
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

// openOutlets makes the outlets of a pipeline.
func (i *instance) openOutlets(p *configs.Pipeline) (list []outlet, err error) {
	for _, way := range []struct {
		name     string
		wanted   bool
		receiver func(*configs.Pipeline) (outlets.Receiver, error)
	}{
		{"mqtt", p.Alerts.MQTT != nil, i.mqttReceiver},
		{"alertmanager", p.Alerts.Alertmanager != nil, i.alertmanagerReceiver},
	} {
		if !way.wanted {
			continue
		}
		receiver, err := way.receiver(p)
		if err != nil {
			return nil, err
		}
		o, err := i.newOutlet(p, way.name, receiver)
		if err != nil {
			return nil, err
		}
		list = append(list, o)
	}
	return list, nil
}

func (i *instance) newOutlet(p *configs.Pipeline, name string, r outlets.Receiver) (outlet, error) {
	group := p.Group + ".alerts." + name
	o, err := outlets.New(outlets.Options{
		Pipeline: p.Name, Topic: p.Alerts.Topic, Group: group, Instance: i.options.Instance, Receiver: r,
		Client:   i.door.Client(group),
		KeepSeat: i.keepSeat, Logger: i.log.With("outlet", name),
	})
	if err != nil {
		return outlet{}, fmt.Errorf("alerts.%s: %w", name, err)
	}
	return outlet{name, o}, nil
}

func (i *instance) mqttReceiver(p *configs.Pipeline) (outlets.Receiver, error) {
	m := p.Alerts.MQTT
	o := mqtt.Options{
		// Every process of the pipeline that owns a partition publishes, each under a name of its own.
		Broker: m.Broker, ClientID: "weir-" + p.Name + "-alerts-" + i.options.Instance,
		Topic: m.Topic, QoS: m.QoS, Retain: m.Retain, Logger: i.log.With("outlet", "mqtt"),
	}
	if m.Embedded {
		o.Broker = i.mqtt.URL()
	}
	door, err := access.NewMQTT(access.MQTTOptions{Setting: outletSetting(p), TLS: m.TLS, Username: m.Username, Password: m.Password})
	if err != nil {
		return nil, err
	}
	o.Open, o.Login, o.Explain = door.Open, door.Login, door.Explain
	return mqtt.New(o)
}

// outletSetting is where the broker of alerts stands: the section mqtt lends its own.
func outletSetting(p *configs.Pipeline) string {
	if in := p.MQTT; in != nil && in.Broker == p.Alerts.MQTT.Broker && in.Username == p.Alerts.MQTT.Username && in.Password == p.Alerts.MQTT.Password {
		return "mqtt"
	}
	return "alerts.mqtt"
}

func (i *instance) alertmanagerReceiver(p *configs.Pipeline) (outlets.Receiver, error) {
	m := p.Alerts.Alertmanager
	o := alertmanager.Options{
		URL: m.URL, Resend: time.Duration(m.Resend) * time.Millisecond, GeneratorURL: m.GeneratorURL,
		Logger: i.log.With("outlet", "alertmanager"),
	}
	door, err := access.NewHTTP(access.HTTPOptions{Setting: "alerts.alertmanager", TLS: m.TLS, Username: m.Username, Password: m.Password, Token: m.Token})
	if err != nil {
		return nil, err
	}
	o.Dial, o.DialTLS, o.Login, o.Refusal = door.Dial, door.DialTLS, door.Login, door.Refusal
	if o.TLS, err = door.Config(); err != nil {
		return nil, err
	}
	return alertmanager.New(o)
}

// outletPatience is how long outlets may take to end.
const outletPatience = 5 * time.Second

// runOutlets runs outlets until ctx ends. They fail for nothing else. One that a receiver holds up for too long is left behind: what it
// has not committed comes again, and nothing else is to wait for it.
func runOutlets(ctx context.Context, list []outlet, log *slog.Logger) error {
	return runOrLeave(ctx, log, func() error {
		var group errgroup.Group
		for _, o := range list {
			group.Go(func() error { return o.Run(ctx) })
		}
		return group.Wait()
	})
}

// runOrLeave runs what ends with ctx, or is left behind where it does not.
func runOrLeave(ctx context.Context, log *slog.Logger, run func() error) error {
	ended := make(chan error, 1)
	go func() { ended <- run() }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	timer := time.NewTimer(outletPatience)
	defer timer.Stop()
	select {
	case err := <-ended:
		return err
	case <-timer.C:
		log.Warn("an outlet does not end and is left behind; alerts may come again", "waited", outletPatience)
		return nil
	}
}
