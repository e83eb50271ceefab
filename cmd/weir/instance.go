package main

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/weirstream/weir/access"
	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/engine"
	"github.com/weirstream/weir/ingest/kafka"
	"github.com/weirstream/weir/ingest/mqtt"
	"github.com/weirstream/weir/internal/brokers"
	"github.com/weirstream/weir/statestore/badgerstore"
)

// instance is one running pipeline with everything it needs around it.
type instance struct {
	now     atomic.Pointer[work] // see work
	options engine.Options       // of every engine of devices, but for what its file says
	starts  []func(*work)        // called before an engine runs
	reloads chan *reload
	over    chan struct{} // closed when nothing takes reloads any more
	reloading

	log        *slog.Logger
	store      *badgerstore.Store
	groupStore groupStore
	kafka      *brokers.Kafka // embedded, or nil
	mqtt       *brokers.MQTT  // embedded, or nil
	brokers    []string
	door       *access.Kafka // the way in there
	opened     time.Time

	bridge   atomic.Pointer[mqtt.Bridge] // the one that runs now
	retired  atomic.Pointer[mqtt.Counts] // what former bridges counted
	keepSeat bool

	latencies latencies           // of its alerts
	heard     func(time.Duration) // is told of each of them; nil: nobody wants to know

	commands *engine.Commands // the reader for the work of all versions of the file
}

type instanceOptions struct {
	KeepSeat     bool
	Logger       *slog.Logger
	CreateSource int // partitions of a source topic that is missing; 0: it must be there
}

// openInstance starts embedded brokers, opens the local store and makes the
// engine. Close releases all of it, also after an error of Run.
func openInstance(p *configs.Pipeline, o instanceOptions) (_ *instance, err error) {
	i := &instance{reloads: make(chan *reload), over: make(chan struct{}), brokers: p.Kafka.Brokers, keepSeat: o.KeepSeat, opened: time.Now()}
	i.patience = reloadPatience
	explaining := newExplainingHandler(o.Logger.Handler())
	o.Logger = slog.New(explaining)
	i.log = o.Logger.With("pipeline", p.Name)
	i.retired.Store(&mqtt.Counts{})
	defer func() {
		if err != nil {
			i.Close()
		}
	}()
	createSource := o.CreateSource
	if e := p.Kafka.Embedded; e != nil {
		createSource = e.Partitions
		if i.kafka, err = brokers.StartKafka(brokers.KafkaOptions{Dir: e.Dir, Port: e.Port, Partitions: e.Partitions}); err != nil {
			return nil, fmt.Errorf("kafka.embedded: %w", err)
		}
		i.brokers = []string{i.kafka.Addr()}
		i.log.Info("embedded kafka listens", "address", i.kafka.Addr())
	}
	if i.door, err = access.NewKafka(access.KafkaOptions{Settings: p.Kafka, Brokers: i.brokers}); err != nil {
		return nil, err
	}
	explaining.shared.door.Store(i.door)
	if p.MQTT != nil && p.MQTT.Embedded {
		if i.mqtt, err = brokers.StartMQTT(brokers.MQTTOptions{Port: p.MQTT.Port}); err != nil {
			return nil, fmt.Errorf("mqtt.embedded: %w", err)
		}
		i.log.Info("embedded mqtt listens", "address", i.mqtt.Addr())
	}
	name, err := identity(stateDir(p))
	if err != nil {
		return nil, err
	}
	boot := bootID()
	if i.store, err = openOrReplaceStore(p, boot, i.log); err != nil {
		return nil, err
	}
	partitioner, err := kafka.Partitioner(p.Source.Partitioner)
	if err != nil {
		return nil, err
	}
	i.commands = engine.NewCommands(engine.CommandsOptions{Pipeline: p, Brokers: i.brokers, ClientOptions: i.door.Access(), Logger: o.Logger})
	if i.options, err = withFaults(engine.Options{
		Brokers: i.brokers, ClientOptions: i.door.Access(), Instance: name, BootID: boot, Store: localStore{i.store},
		PartitionOf: partitioner, Fitting: fitting, GroupPartition: groupPartitioner(), CreateSource: createSource, KeepSeat: o.KeepSeat, Logger: o.Logger, Commands: i.commands,
	}); err != nil {
		return nil, err
	}
	w, err := i.prepare(p)
	if err != nil {
		return nil, err
	}
	i.now.Store(w)
	return i, nil
}

// Close lets go of the store and the embedded brokers. It is not for a running
// instance.
func (i *instance) Close() {
	if store := i.groupStore.at.Load(); store != nil {
		if err := store.Close(); err != nil {
			i.log.Error("close state store of the groups", "error", err)
		}
	}
	if i.store != nil {
		if err := i.store.Close(); err != nil {
			i.log.Error("close state store", "error", err)
		}
	}
	if i.mqtt != nil {
		if err := i.mqtt.Close(); err != nil {
			i.log.Warn("close embedded mqtt", "error", err)
		}
	}
	if i.kafka != nil {
		i.kafka.Close()
	}
}

// Run runs engine, bridge and housekeeping until ctx ends or one of them fails.
// The bridge stops first: what it has taken is in Kafka before the tasks seal, and
// is folded at the next start where it is not yet.
func (i *instance) Run(ctx context.Context) error {
	engineCtx, stopEngine := context.WithCancel(context.WithoutCancel(ctx))
	defer stopEngine()
	group, groupCtx := errgroup.WithContext(ctx)
	group.Go(func() error { i.commands.Run(engineCtx); return nil })
	group.Go(func() error { return i.runWork(lifetimes{engines: engineCtx, outlets: groupCtx}) })
	group.Go(func() error {
		defer stopEngine()
		if i.work().pipeline.MQTT == nil {
			<-groupCtx.Done()
			return nil
		}
		return i.runBridge(groupCtx)
	})
	group.Go(func() error { i.collectGarbage(groupCtx); return nil })
	return i.door.Explain(group.Wait())
}

// collectGarbage keeps Badger's value log from growing.
func (i *instance) collectGarbage(ctx context.Context) {
	ticker := time.NewTicker(time.Minute)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		for _, store := range []*badgerstore.Store{i.store, i.groupStore.at.Load()} {
			for again := store != nil; again && ctx.Err() == nil; {
				var err error
				if again, err = store.RunGC(); err != nil {
					i.log.Warn("collect garbage of the state store", "error", err)
					break
				}
			}
		}
	}
}

// runBridge bridges MQTT while this process owns partition 0: of all processes of
// a pipeline exactly one should take messages from the MQTT broker, and the
// group has already chosen one. The session follows by its client id.
func (i *instance) runBridge(ctx context.Context) error {
	producer, err := kafka.OpenProducer(kafka.ProducerOptions{
		Topic: i.work().pipeline.Source.Topic, Partitioner: i.work().pipeline.Source.Partitioner,
		Client: i.door.Client("weir." + i.work().pipeline.Name + ".bridge"),
	})
	if err != nil {
		return fmt.Errorf("open producer for %q: %w", i.work().pipeline.Source.Topic, err)
	}
	defer producer.Close()
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	for {
		if i.ownsFirst() {
			if err := i.bridgeWhileOwner(ctx, producer); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

func (i *instance) ownsFirst() bool {
	for _, t := range i.work().engine.Status() {
		if t.Partition == 0 {
			return true
		}
	}
	return false
}

func (i *instance) bridgeWhileOwner(ctx context.Context, producer mqtt.Producer) error {
	options, err := i.bridgeOptions()
	if err != nil {
		return err
	}
	bridge, err := mqtt.New(options, producer)
	if err != nil {
		return err
	}
	i.bridge.Store(bridge)
	owner, lose := context.WithCancel(ctx)
	defer lose()
	go func() {
		ticker := time.NewTicker(100 * time.Millisecond)
		defer ticker.Stop()
		gone := 0
		for gone < 20 { // a task that is being recovered is still ours
			select {
			case <-owner.Done():
				return
			case <-ticker.C:
			}
			gone++
			if i.ownsFirst() {
				gone = 0
			}
		}
		lose()
	}()
	err = bridge.Run(owner)
	total := addCounts(*i.retired.Load(), bridge.Counts())
	i.retired.Store(&total)
	i.bridge.Store(nil)
	if err != nil {
		return fmt.Errorf("mqtt bridge: %w", err)
	}
	return nil
}

// bridgeCounts are the counts of all bridges of this instance.
func (i *instance) bridgeCounts() mqtt.Counts {
	total := *i.retired.Load()
	if b := i.bridge.Load(); b != nil {
		total = addCounts(total, b.Counts())
	}
	return total
}

func addCounts(a, b mqtt.Counts) mqtt.Counts {
	return mqtt.Counts{
		Received: a.Received + b.Received, RetainedDropped: a.RetainedDropped + b.RetainedDropped, Produced: a.Produced + b.Produced,
		Failed: a.Failed + b.Failed, Abandoned: a.Abandoned + b.Abandoned, Redelivered: a.Redelivered + b.Redelivered,
		NoDevice: a.NoDevice + b.NoDevice, Acked: a.Acked + b.Acked, Reconnects: a.Reconnects + b.Reconnects, Connected: b.Connected,
	}
}

func (i *instance) bridgeOptions() (mqtt.Options, error) {
	m := i.work().pipeline.MQTT
	o := mqtt.Options{
		Broker: m.Broker, ClientID: m.ClientID, RefusedAtStart: time.Since(i.opened) < startTime,
		Device: m.Device, KeepRetained: m.Retained == "keep", Logger: i.log.With("from", "mqtt"),
	}
	if i.mqtt != nil {
		o.Broker = i.mqtt.URL()
	}
	for _, s := range m.Subscribe {
		o.Subscribe = append(o.Subscribe, mqtt.Subscription{Filter: s.Filter, QoS: s.QoS})
	}
	door, err := access.NewMQTT(access.MQTTOptions{Setting: "mqtt", TLS: m.TLS, Username: m.Username, Password: m.Password})
	if err != nil {
		return o, err
	}
	o.Open, o.Login, o.Explain = door.Open, door.Login, door.Explain
	return o, nil
}
