package main

import "github.com/weirstream/weir/configs"

// The functions below return settings as they are compared at a reload: a secret that its file has replaced meanwhile is read there at the
// next connection and asks for no restart.

func settledKafka(k configs.Kafka) configs.Kafka {
	if k.SASL != nil {
		s := *k.SASL
		s.Username, s.Password, s.Token, s.ClientSecret = s.Username.Settled(), s.Password.Settled(), s.Token.Settled(), s.ClientSecret.Settled()
		k.SASL = &s
	}
	return k
}

func settledMQTT(m *configs.MQTT) *configs.MQTT {
	if m == nil {
		return nil
	}
	s := *m
	s.Username, s.Password = s.Username.Settled(), s.Password.Settled()
	return &s
}

func settledAlertsMQTT(m *configs.AlertsMQTT) *configs.AlertsMQTT {
	if m == nil {
		return nil
	}
	s := *m
	s.Username, s.Password = s.Username.Settled(), s.Password.Settled()
	return &s
}

func settledAlertmanager(m *configs.Alertmanager) *configs.Alertmanager {
	if m == nil {
		return nil
	}
	s := *m
	s.Username, s.Password, s.Token = s.Username.Settled(), s.Password.Settled(), s.Token.Settled()
	return &s
}
