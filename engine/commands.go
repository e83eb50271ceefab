package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirstream/weir/alerts/commands"
	"github.com/weirstream/weir/complaint"
	"github.com/weirstream/weir/configs"
)

// commandsPatience is how long records may be missing that the brokers count, before it
// is taken that compaction has left a hole there.
const commandsPatience = 10 * time.Second

// Commands follows the topic of operators' commands for all tasks of a process, of
// devices and of groups alike. It reads the topic from its beginning, and whatever goes
// wrong it begins again, while the tasks keep what they have.
//
// Invariants: (1) a version is told once all is read that was there when reading began,
// never a part of it; (2) nothing waits for it but tasks that are about to go live.
type Commands struct {
	topic    string
	log      *slog.Logger
	options  []kgo.Opt
	patience time.Duration // commandsPatience, but in tests

	made    chan struct{} // closed: an engine says that the topic is there
	makeOne sync.Once

	mu       sync.Mutex
	version  *commands.Version // nil: nothing is read yet
	position int64             // behind the last record read, control records counted
	moved    chan struct{}     // closed when one of both changes
	engines  []*func()         // told of a new version

	trouble                  complaint.Pace // in reading
	counted                  int64          // offset below which records are counted
	taken, undone, misshapen atomic.Int64
}

// CommandsOptions say where the commands of a pipeline are.
type CommandsOptions struct {
	Pipeline      *configs.Pipeline
	Brokers       []string
	ClientOptions []kgo.Opt
	Logger        *slog.Logger // nil logs nothing
}

// CommandsStatus is what the outside sees of the commands.
type CommandsStatus struct {
	Offset int64 // of the version in force, -1 before there is one
	// Records read since the start: commands, commands taken back, and what is no command.
	Taken, TakenBack, Ignored int64
}

// NewCommands makes the reader. Nothing starts before Run.
func NewCommands(o CommandsOptions) *Commands {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	log := o.Logger.With("pipeline", o.Pipeline.Name)
	options := []kgo.Opt{
		kgo.SeedBrokers(o.Brokers...), kgo.ClientID(o.Pipeline.Group + ".commands"), kgo.WithLogger(newKafkaLogger(log)), kgo.MetadataMinAge(metadataMinAge),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{o.Pipeline.CommandsTopic: {0: kgo.NewOffset().AtStart()}}),
		kgo.ConsumeResetOffset(kgo.NoResetOffset()), kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords(),
		kgo.FetchMinBytes(1), kgo.FetchMaxWait(time.Second),
	}
	return &Commands{
		topic: o.Pipeline.CommandsTopic, log: log, patience: commandsPatience, options: append(options, o.ClientOptions...),
		made: make(chan struct{}), moved: make(chan struct{}),
	}
}

// Status may be called at any time.
func (c *Commands) Status() CommandsStatus {
	s := CommandsStatus{Offset: -1, Taken: c.taken.Load(), TakenBack: c.undone.Load(), Ignored: c.misshapen.Load()}
	if v := c.newest(); v != nil {
		s.Offset = v.Offset()
	}
	return s
}

// Run follows the topic until ctx ends; no trouble ends it.
func (c *Commands) Run(ctx context.Context) {
	select {
	case <-c.made:
	case <-ctx.Done():
		return
	}
	for wait := 100 * time.Millisecond; ctx.Err() == nil; wait = min(2*wait, 10*time.Second) {
		began := time.Now()
		err := c.follow(ctx)
		if ctx.Err() != nil {
			return
		}
		if time.Since(began) > time.Minute {
			wait = 100 * time.Millisecond
		}
		if lasts, say := c.trouble.Again(time.Now()); say {
			c.log.Warn("commands cannot be read, those known stay in force; trying again", "topic", c.topic, "error", err, "for", lasts.Round(time.Second).String())
		}
		rest(ctx, wait)
	}
}

// follow reads the topic from its beginning until something is wrong.
func (c *Commands) follow(ctx context.Context) error {
	client, err := kgo.NewClient(c.options...)
	if err != nil {
		return fmt.Errorf("read topic %q: %w", c.topic, err)
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	end, err := committedEnd(ctx, admin, c.topic)
	if err != nil {
		return err
	}
	var set commands.Set
	for position, whole := int64(0), end == 0; ; {
		if whole {
			c.tell(set.Version(), position)
			if lasted, was := c.trouble.Over(time.Now()); was {
				c.log.Info("commands are read again", "topic", c.topic, "after", lasted.Round(time.Millisecond).String())
			}
		}
		poll, cancel := context.WithCancel(ctx)
		if !whole {
			poll, cancel = context.WithTimeout(ctx, c.patience)
		}
		fetches := client.PollFetches(poll)
		late := poll.Err() != nil
		cancel()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		for records := fetches.RecordIter(); !records.Done(); {
			r := records.Next()
			position = r.Offset + 1
			if !r.Attrs.IsControl() {
				c.take(&set, r)
			}
		}
		switch err := fetches.Err(); {
		case late && fetches.NumRecords() == 0:
			// The brokers answer, and yet nothing comes: compaction has left nothing there.
			if _, err := committedEnd(ctx, admin, c.topic); err != nil {
				return err
			}
			c.log.Warn("commands end before the topic does", "topic", c.topic, "offset", position, "end", end)
			position = max(position, end)
		case err != nil && !late:
			return fmt.Errorf("read topic %q at offset %d: %w", c.topic, position, err)
		}
		whole = whole || position >= end
	}
}

// take applies a record. What is no command is warned of, but not each time the topic
// is read.
func (c *Commands) take(set *commands.Set, r *kgo.Record) {
	err := set.Apply(r.Offset, r.Key, r.Value)
	if r.Offset < c.counted {
		return
	}
	c.counted = r.Offset + 1
	switch {
	case err != nil:
		c.misshapen.Add(1)
		c.log.Warn("record of the topic of commands ignored", "topic", c.topic, "offset", r.Offset, "reason", err)
	case r.Value == nil:
		c.undone.Add(1)
	default:
		c.taken.Add(1)
	}
}

// committedEnd is where the committed records of a topic's only partition end.
func committedEnd(ctx context.Context, admin *kadm.Client, topic string) (int64, error) {
	return onlyEnd(ctx, topic, admin.ListCommittedOffsets)
}

// onlyEnd is the end of a topic's only partition as a listing has it.
func onlyEnd(ctx context.Context, topic string, list func(context.Context, ...string) (kadm.ListedOffsets, error)) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	ends, err := list(ctx, topic)
	if err != nil {
		return 0, fmt.Errorf("ask for the end of topic %q: %w", topic, err)
	}
	end, ok := ends.Lookup(topic, 0)
	switch {
	case !ok:
		return 0, fmt.Errorf("ask for the end of topic %q: %w", topic, errors.New("no answer for partition 0"))
	case end.Err != nil:
		return 0, fmt.Errorf("ask for the end of topic %q: %w", topic, end.Err)
	}
	return end.Offset, nil
}

// tell puts a version in force, where it is another one, and says how far reading is.
func (c *Commands) tell(v *commands.Version, position int64) {
	c.mu.Lock()
	changed := c.version == nil || c.version != v
	if changed || c.position != position {
		c.version, c.position = v, position
		close(c.moved)
		c.moved = make(chan struct{})
	}
	engines := c.engines
	c.mu.Unlock()
	if !changed {
		return
	}
	for _, tell := range engines {
		(*tell)()
	}
}

// newest is the version in force; nil before there is one.
func (c *Commands) newest() *commands.Version {
	v, _ := c.known()
	return v
}

// known is the newest version, and the offset below which all is read that it is made of.
func (c *Commands) known() (v *commands.Version, position int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.version, c.position
}

// begin says that the topic is there, and who is to be told of new versions, until end
// is called.
func (c *Commands) begin(tell func()) (end func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	told := &tell
	c.engines = append(c.engines[:len(c.engines):len(c.engines)], told)
	c.makeOne.Do(func() { close(c.made) })
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.engines = slices.DeleteFunc(slices.Clone(c.engines), func(o *func()) bool { return o == told })
	}
}

// upTo waits until all below end is read; false: that took too long, although something
// has been read.
func (c *Commands) upTo(ctx context.Context, end int64) (bool, error) {
	patience := time.NewTimer(c.patience)
	defer patience.Stop()
	for late := false; ; {
		c.mu.Lock()
		known, position, moved := c.version != nil, c.position, c.moved
		c.mu.Unlock()
		switch {
		case known && position >= end:
			return true, nil
		case known && late:
			return false, nil
		}
		select {
		case <-ctx.Done():
			return false, ctx.Err()
		case <-moved:
		case <-patience.C:
			late = true
		}
	}
}
