package configs

// The types below describe a file of rule tests, with the tags of document.go.

type scenariosDoc struct {
	section
	Pipeline text              `key:"pipeline" need:"write the pipeline file that is tested, relative to this one, for example pipeline: cold-chain.yaml"`
	Tests    list[scenarioDoc] `key:"tests" need:"write at least one test, with name, series and expect"`
}

type scenarioDoc struct {
	section
	Name       text               `key:"name" need:"write what the test is about, for example name: a warm afternoon"`
	Device     text               `key:"device"`
	Devices    texts              `key:"devices"`
	Start      text               `key:"start" default:"2026-01-01T00:00:00Z"`
	Every      span               `key:"every" default:"1m" min:"1ms"`
	Series     keyed[seriesText]  `key:"series"`
	Rows       list[rowDoc]       `key:"rows"`
	Steps      list[stepDoc]      `key:"steps"`
	End        span               `key:"end"`
	Expect     list[alertDoc]     `key:"expect"`
	Aggregates list[aggregateDoc] `key:"expect_aggregates"`
	Readings   classesDoc         `key:"expect_readings" form:"{late: 1}"`
	None       texts              `key:"none"`
}

type rowDoc struct {
	section
	At      span   `key:"at" need:"write the time of the reading, counted from start, for example at: 12m"`
	Arrives span   `key:"arrives"`
	Device  text   `key:"device"`
	Metric  text   `key:"metric" need:"write the metric of the reading"`
	Value   number `key:"value" need:"write the value of the reading"`
	Seq     whole  `key:"seq" min:"0" max:"9223372036854775807"`
}

type alertDoc struct {
	section
	At     span   `key:"at" need:"write the time of the event, counted from start, for example at: 10m"`
	Rule   text   `key:"rule" need:"write the rule that says it"`
	Device text   `key:"device"`
	Group  text   `key:"group"`
	State  text   `key:"state" need:"write pending, firing, recovering, resolved or ok" choice:"pending,firing,recovering,resolved,ok"`
	Level  text   `key:"level"`
	Value  number `key:"value"`
	Kind   text   `key:"kind" choice:"spike,noise,seasonal,level_shift,drift,stuck"`

	Suppressed   toggle `key:"suppressed"`
	SuppressedBy texts  `key:"suppressed_by"`
	Acked        toggle `key:"acked"`
	Flapping     toggle `key:"flapping"`
	Error        toggle `key:"error"`
	Repeat       whole  `key:"repeat" min:"0" max:"1000"`
	Escalation   whole  `key:"escalation" min:"0" max:"15"`
	Severity     text   `key:"severity"`
	Reason       text   `key:"reason" choice:"silence,forgotten,struck,repeat,error,worked,suppressed,unsuppressed,acked,unacked,escalated"`
}

type aggregateDoc struct {
	section
	Window   text          `key:"window" need:"write the window that says it"`
	Device   text          `key:"device"`
	Group    text          `key:"group"`
	Start    span          `key:"start" need:"write when the window begins, counted from start, for example start: 5m"`
	Revision whole         `key:"revision" min:"1" max:"1000000"`
	Final    toggle        `key:"final"`
	Values   keyed[number] `key:"values" form:"{mean: 8.5}"`
}

type classesDoc struct {
	section
	Processed whole `key:"processed" min:"0" max:"1000000"`
	Filtered  whole `key:"filtered" min:"0" max:"1000000"`
	Late      whole `key:"late" min:"0" max:"1000000"`
	Future    whole `key:"future" min:"0" max:"1000000"`
	Bad       whole `key:"bad" min:"0" max:"1000000"`
	Duplicate whole `key:"duplicate" min:"0" max:"1000000"`
}

// classes are the counts in the order of Scenario.Readings.
func (d *classesDoc) classes() [6]*whole {
	return [6]*whole{&d.Processed, &d.Filtered, &d.Late, &d.Future, &d.Bad, &d.Duplicate}
}
