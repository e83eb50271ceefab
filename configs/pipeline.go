package configs

import (
	"time"

	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/operators/roster"
)

// Pipeline is a validated pipeline file with every default filled in. It is
// made by Parse and read only afterwards.
type Pipeline struct {
	Name   string // [a-z0-9-], at most 100 characters
	Kafka  Kafka
	Source Source
	MQTT   *MQTT // nil: readings arrive in the source topic by themselves
	Time   Time
	Dedupe Dedupe
	// Windows and Rules are in the order of the file.
	Windows []Window
	Rules   []Rule
	Alerts  Alerts
	// Where filters readings; nil: all pass. Derive are metrics made from others,
	// in the order of the file.
	Where  *Expression
	Derive []Derived
	// Roster is the file that names the devices and their labels; nil: there is none.
	Roster *Roster
	// Inhibit says which alerts suppress others, in the order of the file.
	Inhibit []Inhibit
	// Fingerprint names the file: the first 8 bytes of the SHA-256 of its bytes, big-endian.
	Fingerprint uint64
	// CommitInterval is the longest time between a change and its commit, in
	// milliseconds, 1 or more.
	CommitInterval event.Time
	State          State
	// Metrics are the declared metrics: those that windows, rules and expressions
	// use, each once, in order of first appearance in the file. A reading of any
	// other metric is filtered, and so is one that only expressions name as a field.
	Metrics []string

	QuarantineTopic string // weir.<name>.quarantine
	JournalTopic    string // weir.<name>.journal
	Group           string // the consumer group, weir.<name>
	PartialsTopic   string // weir.<name>.partials: what windows over several devices are made of
	CommandsTopic   string // weir.<name>.commands: what operators say of alerts

	settings []setting // every setting of the file, for Explain
}

// Kafka says where the brokers are: exactly one of Brokers and Embedded is set.
type Kafka struct {
	Brokers  []string // host:port
	Embedded *Embedded
	TLS      *TLS  // nil: no TLS
	SASL     *SASL // nil: no login
}

// Embedded is a Kafka broker inside the process.
type Embedded struct {
	Dir        string // where it keeps its topics
	Partitions int    // of every topic it creates, 1 or more
	Port       int    // on loopback; 0 takes any free port
}

// Source is the topic readings come from and how to read its records.
type Source struct {
	Topic       string
	Partitioner string // murmur2, crc32 or fnv1a: how producers choose the partition of a device
	Format      string // json
	Reading     Reading
}

// Reading names the fields of a message. A message is narrow (Metrics is empty:
// one metric, named by the field Metric, its value in the field Value) or wide
// (Metrics names the fields that each hold the value of the metric of that
// name, and Metric and Value are empty).
type Reading struct {
	Device string
	Metric string
	Time   string // empty: messages carry no time, the append time stands in
	Unit   string // s, ms, us or ns since the epoch; empty: RFC 3339
	Value  string
	Seq    string // empty: messages carry no sequence number
	Trace  string // W3C trace context, which alerts pass on; empty: messages carry none
	// Metrics is empty for narrow messages.
	Metrics []string
}

// MQTT is the bridge from MQTT topics into the source topic. Exactly one of
// Broker and Embedded is set.
type MQTT struct {
	Broker    string // tcp://host:port or ssl://host:port
	Embedded  bool   // a broker inside the process, listening on loopback
	Port      int    // of the embedded broker; 0 takes any free port
	Subscribe []Subscription
	// Device says where the device's name is: a field of the payload, or a
	// template over the levels of the topic such as "{topic.2}", which count
	// from 0.
	Device string
	// DeviceParts is the parsed template of Device; nil where Device names a
	// field of the payload.
	DeviceParts []TopicPart
	Username    Secret
	Password    Secret
	TLS         *TLS   // nil: the system's certificate authorities for ssl://
	Retained    string // drop or keep
	ClientID    string
}

// TopicPart is a piece of a device name made from an MQTT topic: the level of
// the topic with that index, counting from 0, or a literal where Level is -1.
type TopicPart struct {
	Literal string
	Level   int
}

// Subscription is one MQTT topic filter.
type Subscription struct {
	Filter string
	QoS    byte // 0, 1 or 2
}

// TLS names PEM files; each may be empty, Cert and Key only together.
type TLS struct {
	CA, Cert, Key string
	ServerName    string // that of the server's certificate; empty: the host of the address
}

// Time holds the time rules of the pipeline, spans in milliseconds.
type Time struct {
	WaitForLate   event.Time
	IdleAfter     event.Time
	MaxFutureSkew event.Time
	AllowBackfill event.Time // 0 unless Late is update
	Late          string     // quarantine or update
	// ResetClockAfter is how long a device's readings may all be late before its
	// clock restarts; 0: never.
	ResetClockAfter event.Time
}

// Dedupe says how a repeated reading is recognised.
type Dedupe struct {
	By       string     // seq, time (device, metric and time) or off
	Remember event.Time // milliseconds; meaningless where By is off
}

// Kind is the kind of a window.
type Kind uint8

// The kinds of windows. Tumbling and hopping windows are spans of event time
// [start, end) aligned to the Unix epoch; a count window is the newest N
// readings of a series.
const (
	Tumbling Kind = iota
	Hopping
	Count
	Session
	Rolling
)

// Window is one window over one metric, kept for each device or each group of devices.
type Window struct {
	Name        string
	Metric      string
	MetricIndex int // into Pipeline.Metrics
	Kind        Kind
	Size        event.Time // milliseconds; 0 for count and session windows
	Every       event.Time // milliseconds, divides Size; equals Size for a tumbling window; the resolution of a rolling one; 0 for count and session windows
	Offset      event.Time // from 0, less than Every: windows begin at Offset + k Every; with Location the local time at which days begin
	// Location is the time zone whose calendar days the windows are; nil: spans
	// of time counted from the epoch. Only with Tumbling and Size one day.
	Location *time.Location
	Gap      event.Time // milliseconds; of a session window
	Count    int        // readings, 1..4096; 0 unless Kind is Count
	Compute  []string   // names of aggregates, each at most once
	Emit     Emit
	// By says which devices the window is over: empty for each device by itself,
	// all, or labels.NAME for all devices with the same label. With it Kind is not
	// Rolling: what the file has as such is a hopping window that moves on by the
	// resolution.
	By string

	stepped bool // the file has it as a rolling window
}

// Emit says where the results of a window go. Topic is empty where they are
// not emitted, and then On is never.
type Emit struct {
	Topic string
	On    string // close, change or never
}

// Expression is a text in the language of expr-lang that has been checked: it
// compiles, and its type is what its place asks for.
type Expression struct {
	Source string
}

// Derived is a metric made from the readings of another.
type Derived struct {
	Name  string
	Index int // into Pipeline.Metrics
	From  int // into Pipeline.Metrics: whose readings it is made from
	Value Expression
	// Fields are the other metrics of a wide message that Value names, as indexes
	// into Pipeline.Metrics; From is among them where it is named.
	Fields []int
}

// Roster is a CSV file with a header: the column device, and labels.
type Roster struct {
	Path   string         // as written in the pipeline file, and relative to it
	File   string         // the same file as seen from where Parse was told that the pipeline file is
	Labels []roster.Label // the columns but device, in the order of the file
}

// Rule raises alerts from a window result, a metric or an expression.
type Rule struct {
	Name   string
	When   When
	Levels []Level // lowest first, at least one, all above or all below
	// Message is the template as written, Template the same in parsed form.
	Message  string
	Template []Part

	// Evaluate is close or change: whether the rule looks at emissions of its windows
	// that close or at every reading. Empty for a rule on silence.
	Evaluate    string
	KeepFiring  event.Time // milliseconds of event time; 0 resolves at once
	OnGap       string     // pause, reset or hold
	RepeatEvery event.Time // milliseconds of the task's clock; 0: never
	Flapping    *Flapping  // nil: nothing is marked
	Schedule    *Schedule  // nil: its alerts always count
	// NoData makes it a rule on silence, which looks at nothing (When is -1, "", -1)
	// and has one level, without a threshold, named by the severity; nil: it is none.
	NoData *NoData
	// Anomaly makes it a rule on anomalies, which has one level, without a threshold,
	// named by the severity; nil: it is none.
	Anomaly *Anomaly
	// Formula is the expression that the rule looks at (When is then -1, "", -1); nil:
	// it looks at one window result or metric, or at silence.
	Formula *Formula
	// Escalate are at most MostEscalations steps.
	Escalate []Escalation
}

// Flapping says when an alert changes too often.
type Flapping struct {
	Changes int        // 2..20
	Within  event.Time // milliseconds
}

// NoData is a rule on silence.
type NoData struct {
	After  event.Time // milliseconds, 1000 or more
	Expect string     // seen or roster
}

// When is what a rule looks at.
type When struct {
	Window int    // index into Pipeline.Windows; -1: the last value of a metric
	Result string // one of that window's Compute; empty for a metric
	Metric int    // index into Pipeline.Metrics: of the window, or of the rule itself; -1 for a rule on silence or on an expression
}

// Level is one severity of a rule. But for rules on silence and on anomalies exactly one of Above and Below is set;
// ClearBelow can be set with Above only, ClearAbove with Below only. All
// thresholds are finite.
type Level struct {
	Name                   string
	Above, Below           *float64
	ClearBelow, ClearAbove *float64
	// Labels are thresholds that the device's labels give: by the field that is
	// nil above (above, below, clear_below, clear_above) the name of the label.
	Labels map[string]string
	Hold   event.Time // milliseconds of covered event time, 0 or more
}

// Part is one piece of a message: literal text, or a field where Field is not
// empty.
type Part struct {
	Literal string
	Field   string // device group value threshold level rule active_for window.start window.end metric kind expected labels.NAME
	Format  string // a printf format of one floating-point number; empty: the field's own
}

// Alerts says where alerts go: to Topic, and from there to what is not nil.
type Alerts struct {
	Topic        string
	MQTT         *AlertsMQTT
	Alertmanager *Alertmanager
}

// AlertsMQTT is where alerts are published over MQTT. Exactly one of Broker and
// Embedded is set.
type AlertsMQTT struct {
	Broker   string // tcp://host:port or ssl://host:port
	Embedded bool   // the broker inside the process, that of MQTT
	Topic    string // a template with {{device}}, {{rule}}, {{level}}, {{pipeline}} and {{labels.NAME}}
	QoS      byte   // 0, 1 or 2
	Retain   bool
	Username Secret
	Password Secret
	TLS      *TLS // nil: the system's certificate authorities for ssl://
}

// Alertmanager is a Prometheus Alertmanager that alerts are sent to.
type Alertmanager struct {
	URL    string     // http or https, without the path of the API
	Resend event.Time // milliseconds between two statements that an alert fires
	// Username and Password, or Token, or neither.
	Username, Password, Token Secret
	TLS                       *TLS   // nil: the system's certificate authorities for https://
	GeneratorURL              string // a template as AlertsMQTT.Topic; empty: none
}

// State says where and how long state is kept.
type State struct {
	Dir         string
	Memory      int64      // bytes
	ForgetAfter event.Time // milliseconds of silence after which a device is forgotten
}

// Secret is a text that does not show itself: however it is printed or
// encoded, only Reveal gives the text. The zero value is no secret.
type Secret struct {
	text string
	file string // see File
}

// NewSecret returns a secret that holds text.
func NewSecret(text string) Secret { return Secret{text: text} }

// Reveal returns the text.
func (s Secret) Reveal() string { return s.text }

// IsZero reports whether there is no secret.
func (s Secret) IsZero() bool { return s.text == "" }

// String returns a placeholder, or nothing where there is no secret.
func (s Secret) String() string {
	if s.text == "" {
		return ""
	}
	return "[secret]"
}

// GoString returns the placeholder that String returns.
func (s Secret) GoString() string { return s.String() }

// MarshalText encodes the placeholder that String returns.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
