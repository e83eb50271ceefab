package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirstream/weir/access"
	"github.com/weirstream/weir/alerts/commands"
	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/outlets/board"
)

// keepSilences is how long a silence that is over stays in the topic of commands.
const keepSilences = 7 * 24 * time.Hour

// What an operator may ask for in vain.
var (
	errNoSuch    = errors.New("there is none")
	errSeveral   = errors.New("there are several")
	errNoCommand = errors.New("that is no command")
)

// desk is where operators see the alerts of a pipeline and say something of them. All it
// knows is in the topics of alerts and of commands; it reads them when it is asked and may
// be used by several goroutines.
type desk struct {
	pipeline *configs.Pipeline
	door     *access.Kafka
	kafka    []kgo.Opt
	now      func() time.Time

	mu       sync.Mutex
	closed   bool
	alerts   tail
	commands tail
	board    *board.Board
	set      *commands.Set
}

func newDesk(p *configs.Pipeline, door *access.Kafka) *desk {
	d := &desk{pipeline: p, door: door, now: time.Now, kafka: door.Client(p.Group + ".desk")}
	rules := []string{}
	for i := range p.Rules {
		rules = append(rules, p.Rules[i].Name)
	}
	d.alerts = tail{topic: p.Alerts.Topic, kafka: d.kafka,
		begin: func() { d.board = board.New(board.Options{Pipeline: p.Name, Rules: rules}) },
		visit: func(r *kgo.Record) { d.board.Take(placeOf(r), r.Value) },
	}
	d.commands = tail{topic: p.CommandsTopic, kafka: d.kafka,
		begin: func() { d.set = &commands.Set{} },
		visit: func(r *kgo.Record) {
			_ = d.set.Apply(r.Offset, r.Key, r.Value) // whoever runs the pipeline warns of what is no command
		},
	}
	return d
}

func placeOf(r *kgo.Record) board.Place {
	at := board.Place{Partition: r.Partition, Offset: r.Offset}
	for _, h := range r.Headers {
		if h.Key == "weir-seq" {
			at.Seq, _ = strconv.ParseUint(string(h.Value), 10, 64) // 0 where somebody else wrote it
		}
	}
	return at
}

func (d *desk) close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = true
	d.alerts.close()
	d.commands.close()
}

// sight is what there is to see at one moment.
type sight struct {
	open    []board.Episode
	version *commands.Version
	dropped int
	ended   func(id string) bool // until the next look
}

// look reads what is new. The caller holds mu.
func (d *desk) look(ctx context.Context) (*sight, error) {
	if d.closed {
		return nil, fmt.Errorf("the file of pipeline %q has changed just now: ask again", d.pipeline.Name)
	}
	if len(d.pipeline.Rules) == 0 {
		return nil, fmt.Errorf("pipeline %q has no rules, and so no alerts", d.pipeline.Name)
	}
	if err := d.alerts.catchUp(ctx); err != nil {
		return nil, d.errRead("alerts (alerts.topic)", err)
	}
	if err := d.commands.catchUp(ctx); err != nil {
		return nil, d.errRead("commands", err)
	}
	return &sight{open: d.board.Open(), version: d.set.Version(), dropped: d.board.Dropped(), ended: d.board.Ended}, nil
}

// errRead says of what and from where nothing can be read.
func (d *desk) errRead(what string, err error) error {
	return fmt.Errorf("read %s at %s (kafka.brokers): %w", what, strings.Join(d.door.Brokers(), ","), d.door.Explain(err))
}

// see is look for those who do not write.
func (d *desk) see(ctx context.Context) (*sight, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.look(ctx)
}

// one returns the open episode whose id begins so.
func (s *sight) one(prefix string) (board.Episode, error) {
	var found []board.Episode
	for _, e := range s.open {
		if strings.HasPrefix(e.ID, prefix) {
			found = append(found, e)
		}
	}
	switch {
	case prefix == "" || len(found) == 0:
		return board.Episode{}, fmt.Errorf("open alert with id %q: %w", prefix, errNoSuch)
	case len(found) > 1:
		return board.Episode{}, fmt.Errorf("open alerts with ids that begin with %q: %w", prefix, errSeveral)
	}
	return found[0], nil
}

// fits returns the open episodes that a silence fits.
func (s *sight) fits(silence *commands.Silence) []board.Episode {
	return slices.DeleteFunc(slices.Clone(s.open), func(e board.Episode) bool { return !silence.Fits(e.Subject()) })
}

// who says something, and why.
type who struct{ Author, Reason string }

// ack acknowledges the open episode whose id begins so.
func (d *desk) ack(ctx context.Context, prefix string, by who) (board.Episode, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	s, err := d.look(ctx)
	if err != nil {
		return board.Episode{}, err
	}
	e, err := s.one(prefix)
	if err != nil {
		return board.Episode{}, err
	}
	a := commands.Ack{
		ID: e.ID, Rule: e.Rule, Whose: commands.Whose{Device: e.Device, Group: e.Group, By: e.By},
		Author: by.Author, Reason: by.Reason, At: d.moment(),
	}
	return e, d.write(ctx, s, a.Key(), a.AppendValue(nil))
}

// unack takes an acknowledgement back, also that of an episode that is no longer there.
func (d *desk) unack(ctx context.Context, prefix string) (commands.Ack, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	s, err := d.look(ctx)
	if err != nil {
		return commands.Ack{}, err
	}
	var found []commands.Ack
	for _, a := range s.version.Acks() {
		if prefix != "" && strings.HasPrefix(a.ID, prefix) {
			found = append(found, a)
		}
	}
	switch len(found) {
	case 0:
		return commands.Ack{}, fmt.Errorf("acknowledged alert with id %q: %w", prefix, errNoSuch)
	case 1:
		return found[0], d.write(ctx, s, found[0].Key(), nil)
	default:
		return commands.Ack{}, fmt.Errorf("acknowledged alerts with ids that begin with %q: %w", prefix, errSeveral)
	}
}

// silence puts a silence in force and returns the open episodes that it fits.
func (d *desk) silence(ctx context.Context, one commands.Silence) ([]board.Episode, error) {
	if err := one.Check(); err != nil {
		return nil, fmt.Errorf("%w: %w", errNoCommand, err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	s, err := d.look(ctx)
	if err != nil {
		return nil, err
	}
	list := s.version.Silences()
	known := slices.ContainsFunc(list, func(o commands.Silence) bool { return o.Key() == one.Key() })
	if !known && len(list) >= commands.MaxSilences {
		return nil, fmt.Errorf("%w: %d silences are in force already: take some back first", errNoCommand, len(list))
	}
	one.At = d.moment()
	return s.fits(&one), d.write(ctx, s, one.Key(), one.AppendValue(nil))
}

// unsilence takes a silence, or a time of maintenance, back.
func (d *desk) unsilence(ctx context.Context, name string) (commands.Silence, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	s, err := d.look(ctx)
	if err != nil {
		return commands.Silence{}, err
	}
	var found []commands.Silence
	for _, o := range s.version.Silences() {
		if o.Name == name || o.Key() == name {
			found = append(found, o)
		}
	}
	switch len(found) {
	case 0:
		return commands.Silence{}, fmt.Errorf("silence %q: %w", name, errNoSuch)
	case 1:
		return found[0], d.write(ctx, s, found[0].Key(), nil)
	default:
		return commands.Silence{}, fmt.Errorf("%q is silence/%s and maintenance/%s: %w", name, name, name, errSeveral)
	}
}

func (d *desk) moment() event.Time { return event.Time(d.now().UnixMilli()) }

// write writes a command, nil for value takes it back, and takes back what nobody needs any more.
func (d *desk) write(ctx context.Context, s *sight, key string, value []byte) error {
	if value != nil {
		if _, err := commands.Parse(key, value); err != nil {
			return fmt.Errorf("%w: %w", errNoCommand, err)
		}
	}
	records := []*kgo.Record{{Topic: d.pipeline.CommandsTopic, Key: []byte(key), Value: value}}
	for _, old := range d.outdated(s) {
		if old != key {
			records = append(records, &kgo.Record{Topic: d.pipeline.CommandsTopic, Key: []byte(old)})
		}
	}
	client, err := kgo.NewClient(append([]kgo.Opt{kgo.RecordPartitioner(kgo.ManualPartitioner())}, d.kafka...)...)
	if err != nil {
		return fmt.Errorf("write commands: %w", err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	if err := client.ProduceSync(ctx, records...).FirstErr(); err != nil {
		return fmt.Errorf("write to topic %q: %w", d.pipeline.CommandsTopic, d.door.Explain(err))
	}
	return nil
}

// outdated are the keys of silences that were over long ago, and of acknowledgements of
// episodes that have ended: one that crossed the end of its episode is taken back by
// nobody else.
func (d *desk) outdated(s *sight) (keys []string) {
	limit := d.moment() - event.Time(keepSilences.Milliseconds())
	for _, o := range s.version.Silences() {
		if o.End < limit {
			keys = append(keys, o.Key())
		}
	}
	for _, a := range s.version.Acks() {
		if s.ended(a.ID) {
			keys = append(keys, a.Key())
		}
	}
	return keys
}

// newName makes a name for a silence: when it was said, and some digits against another
// one at that time.
func newName(at time.Time, digits uint32) string {
	return fmt.Sprintf("%s-%04x", at.UTC().Format("20060102-150405"), digits&0xffff)
}

// flagsOf are what is said of an alert beside its state, with what commands say that no
// event tells yet.
func (s *sight) flagsOf(e *board.Episode) []string {
	var flags []string
	switch _, sent := s.version.Ack(e.ID); {
	case e.Acked != nil:
		flags = append(flags, "acked by "+cmp.Or(e.Acked.Author, "?"))
	case sent:
		flags = append(flags, "ack sent")
	}
	if len(e.SuppressedBy) > 0 {
		flags = append(flags, "suppressed by "+strings.Join(e.SuppressedBy, " and "))
	}
	if e.Flapping {
		flags = append(flags, "flapping")
	}
	if e.Escalation > 0 {
		flags = append(flags, "escalated "+strconv.Itoa(e.Escalation))
	}
	if e.Error {
		flags = append(flags, "error")
	}
	return flags
}
