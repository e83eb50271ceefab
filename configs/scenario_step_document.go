package configs

// What operators do in a test of rules, with the tags of document.go.

type stepDoc struct {
	section
	At          span       `key:"at" need:"write when, counted from start, for example at: 30m"`
	Restart     toggle     `key:"restart" default:"false"`
	Silence     *quietDoc  `key:"silence" form:"{name: s1, rule: too-warm, for: 10m}"`
	Maintenance *quietDoc  `key:"maintenance" form:"{name: m1, device: store-7, for: 2h}"`
	Unsilence   text       `key:"unsilence"`
	Ack         *knownDoc  `key:"ack" form:"{rule: too-warm}"`
	Unack       *unknowDoc `key:"unack" form:"{rule: too-warm}"`
}

type quietDoc struct {
	section
	Name   text        `key:"name" need:"write a name, for example name: s1"`
	Rule   text        `key:"rule"`
	Device text        `key:"device"`
	Group  text        `key:"group"`
	Level  text        `key:"level"`
	Labels keyed[text] `key:"labels" form:"{site: Hamburg}"`
	Match  texts       `key:"match"`
	Start  span        `key:"start"`
	For    span        `key:"for" min:"1ms" need:"write how long, for example for: 10m"`
}

type knownDoc struct {
	section
	Rule   text `key:"rule" need:"write the rule whose alert is acknowledged"`
	Device text `key:"device"`
	Group  text `key:"group"`
	Author text `key:"author" default:"tester"`
	Reason text `key:"reason"`
}

type unknowDoc struct {
	section
	Rule   text `key:"rule" need:"write the rule whose alert is no longer acknowledged"`
	Device text `key:"device"`
	Group  text `key:"group"`
}
