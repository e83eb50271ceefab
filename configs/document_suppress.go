package configs

// The tags are those of document.go.

type scheduleDoc struct {
	section
	Days     weekdays `key:"days" default:"mon-sun" doc:"Days of the week on which alerts of the rule count, such as mon-fri or mon,wed,sat."`
	From     dayTime  `key:"from" default:"00:00" doc:"Time of day at which that begins."`
	To       dayTime  `key:"to" default:"00:00" doc:"Time of day at which that ends; where it is not later than from, on the next day."`
	Timezone text     `key:"timezone" need:"write whose clocks count, for example timezone: Europe/Berlin" doc:"Time zone of days and times, such as Europe/Berlin or UTC."`
}

type raiseDoc struct {
	section
	After    span `key:"after" min:"1s" need:"write how long after it has fired the alert escalates, for example after: 15m" doc:"How long after the alert has fired."`
	Unless   text `key:"unless" default:"acked" choice:"acked,never" doc:"acked: not while the alert is acknowledged. never: all the same."`
	Severity text `key:"severity" need:"write the severity that the alert then has, for example severity: page" doc:"The label severity of the alert from then on."`
}

type inhibDoc struct {
	section
	Source inhibitEndDoc `key:"source" form:"{rule: no-power, level: critical}" need:"write the rule whose alerts suppress others, for example source: {rule: no-power}" doc:"The alert that suppresses others while it fires."`
	Target inhibitEndDoc `key:"target" form:"{rule: too-warm}" need:"write the rule whose alerts are suppressed, for example target: {rule: too-warm}" doc:"The alerts that are suppressed."`
	Equal  text          `key:"equal" need:"write device, or labels.NAME" doc:"device: alerts of the same device, or group. labels.NAME: alerts of devices and groups with the same text in that label."`
}

type inhibitEndDoc struct {
	section
	Rule  text `key:"rule" need:"write the name of a rule" doc:"Name of a rule."`
	Level text `key:"level" doc:"Of the source: this level and higher ones. Of the target: this level and lower ones. Without it all."`
}
