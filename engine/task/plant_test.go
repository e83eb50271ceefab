package task

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/alerts"
	"github.com/weirstream/weir/alerts/commands"
	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/ingest/codec"
	"github.com/weirstream/weir/operators/roster"
	"github.com/weirstream/weir/operators/window"
	"github.com/weirstream/weir/statestore"
)

// plant is a task with the journal that its state goes to. After every step it
// checks what must always hold.
type plant struct {
	t      require.TestingT
	plan   *Plan
	o      Options
	table  *statestore.Table
	task   *Task
	out    *Outputs
	offset int64
	parts  [][]byte
	// formers are layouts of files before this one's.
	formers []statestore.Layout
	roster  string // the file in force, where the pipeline has one

	commands *commands.Set // nil: the task is told of none
	told     int64         // records of the topic of commands
	tallies  int           // devices that are counted at once after recovery; 0: as always
	written  []said        // by the task, and not in that topic yet

	said []said
	seqs [2]uint64 // last weir-seq of alerts, of aggregates
	ids  map[string]bool
}

// said is an output taken out of the buffer.
type said struct {
	topic   string
	key, id string
	trace   string
	value   string
	seq     uint64
	to      int32
}

type plantOptions struct {
	partitions  int // 0: devices are taken as they come
	wallStamped bool
	roster      string // the file
}

// parsePipeline reads a pipeline, of which the parts that no test of the fold
// depends on may be left out.
func parsePipeline(t require.TestingT, src, roster string) *configs.Pipeline {
	for _, part := range [...][2]string{{"kafka:", "kafka: {brokers: [\"broker:9092\"]}"}, {"source:", "source: {topic: readings}"}, {"name:", "name: plant"}} {
		if !strings.Contains("\n"+src, "\n"+part[0]) {
			src = part[1] + "\n" + src
		}
	}
	p, diagnostics := configs.Parse("pipeline.yaml", []byte(src), configs.Options{ReadFile: func(string) ([]byte, error) { return []byte(roster), nil }})
	require.False(t, diagnostics.HasErrors(), "%v\n%s", diagnostics, src)
	return p
}

func newPlant(t require.TestingT, pipeline string, o plantOptions) *plant {
	plan, err := Compile(parsePipeline(t, pipeline, o.roster))
	require.NoError(t, err)
	p := &plant{t: t, plan: plan, o: Options{WallStamped: o.wallStamped}, roster: o.roster, ids: map[string]bool{}}
	if o.partitions > 0 {
		// The last character of a device's name says where it belongs.
		p.o.PartitionOf = func(device []byte) int32 { return int32(device[len(device)-1]-'0') % int32(o.partitions) }
		// By another partitioner all those of gateways belong in the first partition.
		p.o.Fitting = func(device []byte, partition int32) []string {
			if partition == 0 && bytes.HasPrefix(device, []byte("gateway-")) {
				return []string{"crc32", "fnv1a"}
			}
			return nil
		}
	}
	p.o.Decoder = decoderOf(t, plan.Pipeline, plan.Pipeline.Source.Reading.Device)
	p.o.HeaderDecoder = decoderOf(t, plan.Pipeline, "")
	p.table = p.newTable()
	p.begin()
	return p
}

func decoderOf(t require.TestingT, p *configs.Pipeline, device string) codec.Decoder {
	r := p.Source.Reading
	decoder, err := codec.NewScanner(codec.Options{
		Device: device, Metric: r.Metric, Time: r.Time, Unit: r.Unit, Value: r.Value, Seq: r.Seq,
		Wide: r.Metrics, Metrics: p.Metrics,
	})
	require.NoError(t, err)
	return decoder
}

func (p *plant) newTable() *statestore.Table {
	table, err := statestore.NewTable(p.plan.Layout, statestore.Options{TaskWords: TaskWords()})
	require.NoError(p.t, err)
	return table
}

func (p *plant) begin() {
	p.out = &Outputs{}
	p.out.Reset()
	p.task = New(p.plan, p.table, p.out, p.o)
	if p.tallies > 0 {
		p.task.tally = newTally(p.task.plan)
		p.task.tally.pace = p.tallies
	}
	if p.commands != nil {
		p.task.SetCommands(p.commands.Version(), p.offset)
	}
	if p.plan.Pipeline.Roster != nil {
		p.setRoster(p.roster)
	}
}

// setRoster puts a version of the roster in force.
func (p *plant) setRoster(text string) {
	r, err := roster.Parse([]byte(text))
	require.NoError(p.t, err)
	r, err = p.plan.FitRoster(r)
	require.NoError(p.t, err)
	p.roster = text
	p.task.SetRoster(r, p.offset)
}

// command appends a record to the topic of commands; no value takes back.
func (p *plant) command(key, value string) {
	if p.commands == nil {
		p.commands = &commands.Set{}
	}
	var v []byte
	if value != "" {
		v = []byte(value)
	}
	require.NoError(p.t, p.commands.Apply(p.told, []byte(key), v))
	p.told++
}

// setCommands puts in force what there is in the topic of commands, with what the task
// itself has written.
func (p *plant) setCommands() {
	for _, o := range p.written {
		p.command(o.key, o.value)
	}
	p.written = nil
	p.task.SetCommands(p.commands.Version(), p.offset)
	p.take()
}

// fold gives records their offsets and folds them.
func (p *plant) fold(records ...Record) error {
	for i := range records {
		records[i].Offset = p.offset
		p.offset++
	}
	err := p.task.Fold(records)
	if err == nil {
		p.take()
	}
	return err
}

func (p *plant) advance(now Now) {
	p.task.Advance(now)
	p.take()
}

// take takes the outputs and checks the invariants.
func (p *plant) take() {
	for i := range p.out.Len() {
		o := p.out.At(i)
		topic := p.plan.TopicName(o.Topic)
		one := said{topic: topic, key: string(o.Key), id: string(o.ID), trace: string(o.Trace), value: string(o.Value), seq: o.Seq, to: o.Partition}
		p.said = append(p.said, one)
		if p.plan.IsCommands(o.Topic) {
			p.written = append(p.written, one)
			require.Zero(p.t, o.Partition)
			require.Equal(p.t, len(o.Value) == 0, o.Value == nil)
		}
		switch o.Topic {
		case AlertsTopic:
			p.seqs[0]++
			require.Equal(p.t, p.seqs[0], o.Seq, "alerts are numbered without a gap")
			require.False(p.t, p.ids[string(o.ID)], "alert event %s is there twice", o.ID)
			p.ids[string(o.ID)] = true
		case QuarantineTopic, p.plan.partialsTopic(), p.plan.commandsTopic():
			require.Zero(p.t, o.Seq)
		default:
			p.seqs[1]++
			require.Equal(p.t, p.seqs[1], o.Seq, "aggregates are numbered without a gap")
		}
	}
	p.out.Reset()
	p.check()
}

// check compares the counters with the state.
func (p *plant) check() {
	c := p.task.Counters()
	require.True(p.t, c.Conserved(), "%+v", c)
	p.checkGrouping()
	var open, firing uint64
	for s := range p.table.Bound() {
		if !p.table.Live(s) {
			continue
		}
		clock := event.Time(p.table.Row(headCol, s)[headClock])
		if p.plan.grouped {
			if p.table.Name(s)[0] <= aheadMark {
				continue
			}
			clock = p.task.watermark()
		}
		for i := range p.plan.rings {
			r := &p.plan.rings[i]
			r.Flush(&row{p.table, r.col, s}, clock, func(*window.Result) uint8 { open++; return 0 })
		}
		for i := range p.plan.sessions {
			w := &p.plan.sessions[i]
			w.Flush(&row{p.table, w.col, s}, clock, func(*window.Result) uint8 { open++; return 0 })
		}
		for i := range p.plan.rules {
			state := p.plan.rules[i].View(p.table.Row(p.plan.rules[i].col, s)).State
			if state == alerts.Firing || state == alerts.Recovering {
				firing++
			}
		}
	}
	require.Equal(p.t, open, c.Open, "open windows")
	require.Equal(p.t, firing, c.Firing, "alerts that fire")
	require.Equal(p.t, p.seqs[0], c.Alerts)
	p.checkTally()
	require.LessOrEqual(p.t, len(p.task.undated), int(p.table.Bound()))
	p.look()
}

// seal commits what has changed to the journal.
func (p *plant) seal() {
	h := statestore.Header{Seq: p.table.Seq() + 1, From: p.table.Header().To, To: p.offset, Wall: p.task.Clock()}
	sealed := p.table.Seal(h, statestore.SealOptions{MaxPart: 2000})
	for _, part := range sealed.Parts {
		p.parts = append(p.parts, slices.Clone(part))
	}
	p.table.Confirm(h.Seq)
}

// restart commits, loses the task and recovers it from the journal alone.
func (p *plant) restart() {
	p.seal()
	before := p.task.Counters()
	p.recover()
	require.Equal(p.t, before, CountersOf(p.table.Task()))
	p.begin()
	p.take() // another roster may have come into force
}

// taken returns what was said since the last call.
func (p *plant) taken() []said {
	s := p.said
	p.said = nil
	return s
}

// reading is a record with one narrow reading.
type reading struct {
	device, metric string
	at             event.Time // Never: none
	appended       event.Time
	value          string // JSON
	seq            int64  // < 0: none
}

func (r reading) record() Record {
	var b bytes.Buffer
	fmt.Fprintf(&b, `{"device":%q,"metric":%q`, r.device, r.metric)
	if r.at != event.Never {
		fmt.Fprintf(&b, `,"ts":"%s"`, stamp(r.at))
	}
	fmt.Fprintf(&b, `,"value":%s`, r.value)
	if r.seq >= 0 {
		fmt.Fprintf(&b, `,"seq":%d`, r.seq)
	}
	b.WriteByte('}')
	return Record{Append: r.appended, Key: []byte(r.device), Value: b.Bytes()}
}

func mustPlant(t testing.TB, pipeline string) *plant { return newPlant(t, pipeline, plantOptions{}) }
