package main

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
)

// outsideMetrics are of what a pipeline has beside its engines: the bridge, the roster, commands, outlets, its file.
// The engine of groups has none of it.
type outsideMetrics struct {
	info, reloads                                           *prometheus.Desc
	mqtt, mqttConnected                                     *prometheus.Desc
	rosterDevices, rosterFaults, rosterInfo                 *prometheus.Desc
	commands, commandsOffset                                *prometheus.Desc
	outletDelivered, outletFailed, outletRefused, outletLag *prometheus.Desc
}

func newOutsideMetrics(n namer) *outsideMetrics {
	return &outsideMetrics{
		info:    n.desc("pipeline_info", "1 for the version of the pipeline's file in force: the first 16 digits of its SHA-256.", "fingerprint"),
		reloads: n.desc("reloads_total", "Attempts to take a changed pipeline file that are decided: done, unchanged, refused, failed and gone back to the former one, or replaced by another before all tasks were live.", "result"),

		mqtt:          n.desc("mqtt_messages_total", "Messages of the MQTT bridge by what became of them.", "outcome"),
		mqttConnected: n.desc("mqtt_connected", "1 while the bridge is subscribed and receiving. Of all processes of a pipeline one runs it."),

		rosterDevices: n.desc("roster_devices", "Devices that the roster in force names."),
		rosterFaults:  n.desc("roster_reload_errors_total", "Versions of the roster that could not be used."),
		rosterInfo:    n.desc("roster_info", "1 for the version of the roster in force: the first 16 digits of its SHA-256.", "fingerprint"),

		commands:       n.desc("commands_total", "Records of the topic of commands read since the start, by what they were.", "result"),
		commandsOffset: n.desc("commands_offset", "Offset behind the newest command in force; -1 before commands have been read."),

		outletDelivered: n.desc("outlet_delivered_total", "Alerts of the alerts topic that the receiver has, or has no use for.", "outlet"),
		outletFailed:    n.desc("outlet_failed_total", "Attempts to deliver alerts that failed and are made again.", "outlet"),
		outletRefused:   n.desc("outlet_refused_total", "Alerts that the receiver will never take as they are.", "outlet"),
		outletLag:       n.desc("outlet_lag", "Records of the alerts topic, in partitions that this process delivers, that the receiver does not have yet.", "outlet"),
	}
}

func (m *outsideMetrics) collect(s scrape) {
	if s.groups {
		return // bridge and roster are the devices'
	}
	if s.i.path != "" {
		s.now(m.info, 1, fmt.Sprintf("%016x", s.work.pipeline.Fingerprint))
	}
	for result, n := range s.i.reloadCounts() {
		s.total(m.reloads, n, reloadResult(result).String())
	}
	if r, ok := s.engine.Roster(); ok {
		s.now(m.rosterDevices, float64(r.Devices))
		if r.Fingerprint != "" {
			s.now(m.rosterInfo, 1, r.Fingerprint)
		}
		s.total(m.rosterFaults, uint64(r.Faults))
	}
	c := s.i.commands.Status()
	s.total(m.commands, uint64(c.Taken), "taken")
	s.total(m.commands, uint64(c.TakenBack), "taken_back")
	s.total(m.commands, uint64(c.Ignored), "ignored")
	s.now(m.commandsOffset, float64(c.Offset))
	for _, o := range s.work.outlets {
		c := o.Counts()
		s.total(m.outletDelivered, uint64(c.Delivered), o.name)
		s.total(m.outletFailed, uint64(c.Failed), o.name)
		s.total(m.outletRefused, uint64(c.Refused), o.name)
		s.now(m.outletLag, float64(c.Lag), o.name)
	}
	if s.work.pipeline.MQTT != nil {
		m.bridge(s)
	}
}

func (m *outsideMetrics) bridge(s scrape) {
	bridge := s.i.bridgeCounts()
	s.now(m.mqttConnected, flag(bridge.Connected))
	for _, class := range []struct {
		name string
		n    int64
	}{
		{"received", bridge.Received}, {"produced", bridge.Produced}, {"retained_dropped", bridge.RetainedDropped}, {"failed", bridge.Failed},
		{"abandoned", bridge.Abandoned}, {"redelivered", bridge.Redelivered}, {"no_device", bridge.NoDevice}, {"acked", bridge.Acked},
	} {
		s.total(m.mqtt, uint64(class.n), class.name)
	}
}
