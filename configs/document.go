package configs

// The types below describe the pipeline file key by key. Tags:
//
//	key      the key in the file
//	doc      help, shown by editors that use the JSON Schema
//	default  the value where the key is absent, written as in the file
//	need     why the key must be there and what to write
//	choice   the values allowed, separated by commas; pNN stands for every percentile
//	planned  values that are planned but not built, separated by commas
//	form     an example of a section
//	short    the key of a section that a single value in its place stands for
//	min, max bounds, written as in the file
//	secret   the value is never shown
//	empty    what an empty text means; without it an empty text is refused
//
// A field of type planned is a key that is planned but not built; its tag doc
// says what to do instead.

type document struct {
	section
	Name           text            `key:"name" need:"it names the topics and the consumer group; write for example name: cold-chain" doc:"Name of the pipeline: lower case letters, digits and hyphens. It names the topics and the consumer group."`
	Kafka          kafkaDoc        `key:"kafka" form:"{brokers: [localhost:9092]}" need:"write brokers: [host:9092], or embedded: {dir: ./data} for a broker inside the process" doc:"Where the Kafka brokers are."`
	Source         sourceDoc       `key:"source" form:"{topic: readings}" need:"write topic: NAME, the topic that readings come from" doc:"Where readings come from and how to read them."`
	MQTT           *mqttDoc        `key:"mqtt" form:"{broker: \"tcp://localhost:1883\", subscribe: [{filter: \"plant/#\"}]}" doc:"Bridge MQTT topics into the source topic."`
	Time           timeDoc         `key:"time" form:"{wait_for_late: 30s, idle_after: 2m}" doc:"How late, how silent and how far ahead a device may be."`
	Dedupe         dedupeDoc       `key:"dedupe" form:"{by: off}" doc:"How repeated readings are recognised."`
	Devices        *devicesDoc     `key:"devices" form:"{roster: roster.csv}" doc:"The devices that are known by name, and their labels."`
	Where          text            `key:"where" doc:"Condition over device, metric, value, time, labels.NAME and the fields of wide messages; readings that do not meet it are filtered."`
	Derive         derives         `key:"derive" doc:"Metrics made from the readings of others, by name: an expression, or {from: METRIC, value: EXPRESSION}."`
	Windows        list[windowDoc] `key:"windows" doc:"Windows, each over one metric and kept for each device."`
	Rules          list[ruleDoc]   `key:"rules" doc:"Rules that raise alerts from a window result, a metric or an expression."`
	Inhibit        list[inhibDoc]  `key:"inhibit" doc:"Which alerts suppress others while they fire."`
	Alerts         alertsDoc       `key:"alerts" form:"{topic: alerts}" doc:"Where alerts go."`
	CommitInterval span            `key:"commit_interval" default:"100ms" min:"1ms" max:"1m" doc:"Longest time between a change and its commit. A change of an alert is committed at once."`
	State          stateDoc        `key:"state" form:"{dir: ./state, memory: 512MB}" doc:"Where and how long state is kept."`
}

type kafkaDoc struct {
	section
	Brokers  texts        `key:"brokers" doc:"host:port of one or more brokers."`
	Embedded *embeddedDoc `key:"embedded" form:"{dir: ./data}" doc:"A broker inside the process, for trying out and tests."`
	TLS      *tlsDoc      `key:"tls" form:"{ca: ca.pem}" doc:"Talk TLS to the brokers, with these PEM files; {} trusts the system's certificate authorities."`
	SASL     *saslDoc     `key:"sasl" form:"{mechanism: scram-sha-512, username: \"${KAFKA_USER}\", password: \"${KAFKA_PASSWORD}\"}" doc:"How to log in at the brokers."`
}

type embeddedDoc struct {
	section
	Dir        text  `key:"dir" need:"write the folder where the broker inside the process keeps its topics, for example dir: ./data" doc:"Folder where the broker inside the process keeps its topics."`
	Partitions whole `key:"partitions" default:"4" min:"1" max:"1024" doc:"Partitions of every topic it creates."`
	Port       whole `key:"port" default:"0" min:"0" max:"65535" doc:"Port on loopback; 0 takes any free port."`
}

type sourceDoc struct {
	section
	Topic       text       `key:"topic" need:"write the topic that readings come from" doc:"Topic that readings come from, partitioned by device."`
	Partitioner text       `key:"partitioner" default:"murmur2" choice:"murmur2,crc32,fnv1a" doc:"How producers choose the partition of a device. A mismatch is refused."`
	Format      text       `key:"format" default:"json" choice:"json" planned:"senml,sparkplug,influx,cbor" doc:"Format of the messages."`
	Reading     readingDoc `key:"reading" form:"{device: id, time: at}" doc:"Where a reading is in a message."`
}

type readingDoc struct {
	section
	Device  text  `key:"device" default:"device" doc:"Field with the name of the device."`
	Metric  text  `key:"metric" default:"metric" doc:"Field with the name of the metric."`
	Time    text  `key:"time" default:"ts" empty:"messages carry no time" doc:"Field with the event time; a message without it gets the append time."`
	Unit    text  `key:"unit" choice:"rfc3339,s,ms,us,ns" doc:"Unit of an event time that is a number since 1970; without it, and with rfc3339, event times are RFC 3339."`
	Value   text  `key:"value" default:"value" doc:"Field with the value."`
	Seq     text  `key:"seq" default:"seq" empty:"messages carry no sequence number" doc:"Field with the device's own number of the message."`
	Trace   text  `key:"trace" default:"traceparent" empty:"messages carry no trace context" doc:"Field with the W3C trace context of the message; alerts carry that of the reading that caused them. A header traceparent of the record comes first."`
	Metrics texts `key:"metrics" doc:"For wide messages: the fields that each hold the value of the metric of that name."`
}

type mqttDoc struct {
	section
	Broker    text          `key:"broker" doc:"tcp://host:port or ssl://host:port."`
	Embedded  toggle        `key:"embedded" default:"false" doc:"A broker inside the process, listening on loopback."`
	Port      whole         `key:"port" default:"0" min:"0" max:"65535" doc:"Port of the embedded broker; 0 takes any free port."`
	Subscribe list[subsDoc] `key:"subscribe" need:"write the topics to bridge, for example subscribe: [{filter: \"plant/+/telemetry\", qos: 1}]" doc:"MQTT topics to bridge."`
	Device    text          `key:"device" doc:"Where the name of the device is: \"{topic.2}\" takes a level of the MQTT topic, counted from 0; anything without braces is a field of the payload."`
	Username  text          `key:"username" secret:"true" doc:"Write ${NAME} or ${file:/path}."`
	Password  text          `key:"password" secret:"true" doc:"Write ${NAME} or ${file:/path}."`
	TLS       *tlsDoc       `key:"tls" form:"{ca: ca.pem}" doc:"PEM files for an ssl:// broker."`
	Retained  text          `key:"retained" default:"drop" choice:"drop,keep" doc:"Retained messages repeat at every reconnect, so a dead device would look alive."`
	ClientID  text          `key:"client_id" doc:"Client identifier, stable over restarts; weir-<name> where absent."`
}

type subsDoc struct {
	section
	Filter text  `key:"filter" need:"write an MQTT topic filter such as \"plant/+/telemetry\"" doc:"MQTT topic filter; + stands for one level, # for all that follow."`
	QoS    whole `key:"qos" default:"1" min:"0" max:"2" doc:"Quality of service."`
}

type tlsDoc struct {
	section
	CA         text `key:"ca" doc:"File with the certificate authorities to trust; where absent those of the system."`
	Cert       text `key:"cert" doc:"File with the client's certificate, read again at each new connection."`
	Key        text `key:"key" doc:"File with the client's key."`
	ServerName text `key:"server_name" doc:"Name that the server's certificate must be for, where that is not the host of the address."`
}

type timeDoc struct {
	section
	WaitForLate   span `key:"wait_for_late" default:"30s" doc:"A window closes for good when the device's clock is this far past its end."`
	IdleAfter     span `key:"idle_after" default:"2m" min:"1ms" doc:"A device silent this long has its open windows emitted as provisional."`
	MaxFutureSkew span `key:"max_future_skew" default:"5m" doc:"A reading further ahead of its append time goes to quarantine."`
	Late          text `key:"late" default:"quarantine" choice:"quarantine,update" doc:"What becomes of a reading whose windows have closed for good."`
	AllowBackfill span `key:"allow_backfill" default:"0s" doc:"With late: update, how long closed windows are kept for late readings."`
	ResetClock    span `key:"reset_clock_after" default:"0s" doc:"A device whose readings have all been late this long begins anew, with the clock it has now; 0s: never."`
}

type dedupeDoc struct {
	section
	By       identity `key:"by" default:"seq" choice:"seq,off" doc:"seq: a repeat has the same sequence number and event time. [device, metric, time]: it has the time of one of the 63 latest readings of its device and metric. off: nothing is recognised."`
	Remember span     `key:"remember" default:"24h" min:"1ms" doc:"How far back repeats are recognised, in event time."`
}

type derivedDoc struct {
	section
	From  text `key:"from" doc:"Metric it is made from; where absent, the last field the expression names, or the only metric in use."`
	Value text `key:"value" need:"write the expression, for example value: (value - 32) * 5 / 9" doc:"Expression over device, metric, value, time, labels.NAME and the fields of wide messages that gives a number."`
}

type devicesDoc struct {
	section
	Roster text `key:"roster" need:"write the CSV file that names the devices, for example roster: roster.csv" doc:"CSV file with a header: the column device, and labels. Its path is relative to this file; a changed one takes effect while the pipeline runs."`
}

type windowDoc struct {
	section
	Name     text        `key:"name" need:"rules refer to a window by it; write for example name: temp_5m" doc:"Name of the window, used by rules and in the aggregates."`
	Metric   text        `key:"metric" need:"write the metric the window is over" doc:"Metric the window is over."`
	Tumbling span        `key:"tumbling" min:"1ms" doc:"Windows of this size, one after the other, aligned to 1970-01-01 UTC."`
	Hopping  *hoppingDoc `key:"hopping" form:"{size: 10m, every: 1m}" doc:"Windows that overlap."`
	Count    whole       `key:"count" min:"1" max:"4096" doc:"The newest N readings of a device."`
	Rolling  *rollingDoc `key:"rolling" form:"{size: 1h, resolution: 1m}" short:"size" doc:"The readings from this long before the newest one up to it."`
	Session  *sessionDoc `key:"session" form:"{gap: 30m}" short:"gap" doc:"The readings of a device between two pauses."`
	Offset   span        `key:"offset" doc:"Tumbling and hopping windows begin this much after they would; with timezone the time of day at which days begin. Default: 0s."`
	Timezone text        `key:"timezone" doc:"With tumbling: 1d, the time zone whose calendar days the windows are, such as Europe/Berlin; a day has 23 or 25 hours where clocks change."`
	Where    planned     `key:"where"`
	Compute  texts       `key:"compute" need:"write what to compute, for example compute: [mean, max]" choice:"count,sum,min,max,mean,range,first,last,delta,rate,variance,stddev,median,mode,distinct,ewma,slope,integral,time_weighted_mean,pNN" doc:"What to compute; pNN is a quantile: p95 is 0.95, p999 is 0.999."`
	By       text        `key:"by" doc:"Which devices the window is over: all for the whole fleet, labels.NAME for all devices with the same label. Without it each device by itself."`
	Emit     emitDoc     `key:"emit" form:"{topic: aggregates, on: close}" doc:"Where results go; without it only rules see them."`
}

type hoppingDoc struct {
	section
	Size  span `key:"size" min:"1ms" need:"write how long each window is, for example size: 10m" doc:"How long each window is."`
	Every span `key:"every" min:"1ms" need:"write how often a window begins, for example every: 1m" doc:"How often a window begins; divides size."`
}

type sessionDoc struct {
	section
	Gap span `key:"gap" min:"1ms" need:"write how long a pause ends a session, for example gap: 30m" doc:"How long a pause, in event time, ends a session."`
}

type rollingDoc struct {
	section
	Size       span `key:"size" min:"1ms" need:"write how far back the window goes, for example size: 1h" doc:"How far back the window goes."`
	Resolution span `key:"resolution" min:"1ms" doc:"The window moves on by this much; divides size at most 1000 times. Default: a fiftieth of size."`
}

type emitDoc struct {
	section
	Topic text `key:"topic" doc:"Topic that results go to."`
	On    text `key:"on" choice:"close,change,never" doc:"close: once the window closes. change: at every reading. Default: close for tumbling, hopping and session, change for count and rolling."`
}

type ruleDoc struct {
	section
	Name        text            `key:"name" need:"alerts carry it; write for example name: too-warm" doc:"Name of the rule, carried by its alerts."`
	When        text            `key:"when" doc:"What the rule looks at: a window result such as temp_5m.mean, a metric (its last value), or an expression of several, with labels.NAME."`
	Levels      named[levelDoc] `key:"levels" doc:"Levels by name, lowest first."`
	Message     text            `key:"message" doc:"Text of the alert, with {{device}} or {{group}}, {{value}}, {{threshold}}, {{level}}, {{state}}, {{rule}}, {{active_for}}, {{metric}}, {{kind}}, {{expected}}, {{window.start}}, {{window.end}}, {{labels.NAME}}."`
	Evaluate    text            `key:"evaluate" choice:"close,change" doc:"close: judged once, when the window closes or its device falls silent. change: judged at every reading. Default: close for tumbling, hopping and session, change for count, rolling and metrics."`
	KeepFiring  span            `key:"keep_firing" default:"0s" doc:"The alert goes on, as recovering, until its condition has been gone this long."`
	OnGap       text            `key:"on_gap" default:"pause" choice:"pause,reset,hold" doc:"What a hole in the data longer than idle_after is to a running hold: pause does not count it, reset starts the hold over, hold counts it."`
	RepeatEvery span            `key:"repeat_every" default:"0s" doc:"An alert that fires is said again this often, at most 1,000 times, also while its device is silent; 0s: never."`
	Flapping    *flappingDoc    `key:"flapping" form:"{changes: 6, within: 10m}" doc:"When the alert changes too often; its events are then marked."`
	Schedule    *scheduleDoc    `key:"schedule" form:"{days: mon-fri, from: \"06:00\", to: \"22:00\", timezone: Europe/Berlin}" doc:"When alerts of the rule count; at other times they are suppressed."`
	Escalate    list[raiseDoc]  `key:"escalate" doc:"What becomes of the alert's severity when it fires for long, step by step."`
	NoData      *noDataDoc      `key:"no_data" form:"{after: 15m, severity: warning}" short:"after" doc:"In place of when and levels: the rule fires for a device that is not heard from."`
	Anomaly     *anomalyDoc     `key:"anomaly" form:"{of: temp_5m.mean, sensitivity: one false alarm per month}" short:"of" doc:"In place of when and levels: the rule fires where a window result or a metric of a device is not as it was."`
	Labels      planned         `key:"labels"`
}

type flappingDoc struct {
	section
	Changes whole `key:"changes" min:"2" max:"20" need:"write how many changes are too many, for example changes: 6" doc:"So many changes of the alert of one device are too many."`
	Within  span  `key:"within" min:"1ms" need:"write within what time the changes lie, for example within: 10m" doc:"Within what time they lie."`
}

type noDataDoc struct {
	section
	After    span `key:"after" min:"1s" need:"write how long a device is silent before the rule fires, for example after: 15m" doc:"How long a device is silent before the rule fires."`
	Severity text `key:"severity" default:"warning" doc:"Level of the alert."`
	Expect   text `key:"expect" default:"seen" choice:"seen,roster" doc:"seen: every device that was heard from once. roster: those that devices.roster names, heard from or not."`
}

type anomalyDoc struct {
	section
	Of          text        `key:"of" need:"write what the rule looks at, a window result such as temp_5m.mean or a metric" doc:"What the rule looks at: a window result such as temp_5m.mean, or a metric."`
	Sensitivity sensitivity `key:"sensitivity" default:"one false alarm per month" doc:"How often the rule may be wrong about a device in which nothing is: one false alarm per hour, day, week, month, year, or a span such as 14d."`
	Severity    text        `key:"severity" default:"warning" doc:"Level of the alert."`
}

type levelDoc struct {
	section
	Above      threshold `key:"above" doc:"The level holds for values greater than this: a number, or labels.NAME for the label of the device."`
	Below      threshold `key:"below" doc:"The level holds for values less than this: a number, or labels.NAME for the label of the device."`
	ClearBelow threshold `key:"clear_below" doc:"With above: the level ends for values less than this."`
	ClearAbove threshold `key:"clear_above" doc:"With below: the level ends for values greater than this."`
	Hold       span      `key:"hold" default:"0s" doc:"The level is entered only after its condition held this long, in event time that readings cover."`
	Labels     planned   `key:"labels" doc:"the name of the level is carried by the alert"`
}

type alertsDoc struct {
	section
	Topic        text             `key:"topic" doc:"Topic that alerts go to; weir.<name>.alerts where absent."`
	MQTT         *alertsMQTTDoc   `key:"mqtt" form:"{topic: \"alerts/{{device}}\"}" doc:"Publish the alerts of the topic over MQTT as well, at least once."`
	Alertmanager *alertmanagerDoc `key:"alertmanager" form:"{url: \"http://localhost:9093\"}" short:"url" doc:"Send the alerts of the topic to a Prometheus Alertmanager as well, at least once."`
}

type stateDoc struct {
	section
	Dir         text `key:"dir" default:"./state" doc:"Folder of the local state, a cache of the journal."`
	Memory      size `key:"memory" default:"512MB" min:"16MB" doc:"State held in memory."`
	ForgetAfter span `key:"forget_after" default:"30d" min:"1s" doc:"A device silent this long is forgotten."`
}
