package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/engine"
	"github.com/weirstream/weir/engine/task"
	"github.com/weirstream/weir/ingest/kafka"
	"github.com/weirstream/weir/statestore/badgerstore"
)

// groupInstance is the second engine of a pipeline with windows over several
// devices. Where the file has none the engine ends what those of a former file have
// left, and runs only where there is such a thing.
type groupInstance struct {
	engine *engine.Engine
	store  *groupStore
	open   func() error // opens the store
	stage  atomic.Int32
	left   bool // the file has no windows over several devices
	of     *instance
}

// The stages of the engine of groups.
const (
	seeking int32 = iota // whether there is anything to end is not known yet
	working
	idling // there is nothing to do
)

// groupStore is the local store of the groups, which is opened when it is needed,
// once for all versions of the file.
type groupStore struct {
	opening sync.Mutex
	at      atomic.Pointer[badgerstore.Store]
}

// Task implements engine.Store.
func (s *groupStore) Task(partition int32) engine.LocalTask {
	return localStore{s.at.Load()}.Task(partition)
}

// openGroups makes what a pipeline's windows over several devices need, with what
// the engine of its devices runs with. The store is the instance's to close.
func (i *instance) openGroups(p *configs.Pipeline) (*groupInstance, error) {
	plan, err := task.CompileGroups(p)
	if err != nil {
		return nil, fmt.Errorf("pipeline %q: %w", p.Name, err)
	}
	o := i.options
	g := &groupInstance{store: &i.groupStore, left: plan.Vacant(), of: i}
	g.open = func() error { return g.store.open(groupPlace(p), i) }
	if !g.left {
		if err := g.open(); err != nil {
			return nil, err
		}
		g.stage.Store(working)
	}
	o.Plan, o.NewDecoder, o.PartitionOf, o.GroupPartition, o.CreateSource = plan, nil, nil, nil, 0
	o.Store = g.store
	o.Logger = o.Logger.With("of", "groups")
	if g.engine, err = engine.New(o); err != nil {
		return nil, err
	}
	return g, nil
}

// open opens the store, if it is not.
func (s *groupStore) open(place *configs.Pipeline, i *instance) error {
	s.opening.Lock()
	defer s.opening.Unlock()
	if s.at.Load() != nil {
		return nil
	}
	store, err := openOrReplaceStore(place, i.options.BootID, i.options.Logger)
	if err == nil {
		s.at.Store(store)
	}
	return err
}

// groupPlace is the pipeline with the folder of its groups, beside the store of its
// devices, in place of its own.
func groupPlace(p *configs.Pipeline) *configs.Pipeline {
	place := *p
	place.State.Dir, place.Name = stateDir(p), "groups"
	return &place
}

// groupPartitioner is where partials of a group go: as Kafka's own producers have it.
func groupPartitioner() func(group []byte, n int) int {
	murmur2, err := kafka.Partitioner("murmur2")
	if err != nil {
		panic(err) // it has always been there
	}
	return murmur2
}

// run runs the engine until ctx ends. It outlives no failure of the other engine,
// nor that one its own.
func (g *groupInstance) run(ctx context.Context) error {
	if g.left {
		return g.runLeft(ctx)
	}
	err := g.engine.Run(ctx)
	if err == nil && ctx.Err() == nil {
		err = errors.New("engine ended by itself")
	}
	if err != nil {
		return fmt.Errorf("groups: %w", err)
	}
	return nil
}

// runLeft runs the engine until ctx ends where former files have left something. It
// goes on behind the ends, so that partitions of processes that die have somebody.
//
// What only a person can mend, a journal that is gone for one, keeps the pipeline from
// nothing that its file asks for: it is said, and the others go on.
func (g *groupInstance) runLeft(ctx context.Context) error {
	there, err := g.engine.Left(ctx)
	if ctx.Err() != nil {
		return nil
	}
	if err != nil {
		return fmt.Errorf("groups: %w", err)
	}
	if there {
		if err := g.open(); err != nil {
			return err
		}
		g.stage.Store(working)
		err = g.engine.Run(ctx)
		var refused *engine.RefusedError
		var denied *engine.DeniedError
		switch {
		case ctx.Err() != nil && err == nil:
			return nil
		case errors.As(err, &refused), errors.As(err, &denied):
			g.of.log.Error("alerts of rules on windows over several devices that the file had are not ended", "reason", err)
		case err == nil:
			return errors.New("groups: engine ended by itself")
		default:
			return fmt.Errorf("groups: %w", err)
		}
	}
	g.stage.Store(idling)
	<-ctx.Done()
	return nil
}

// ready reports whether every owned task is live, as far as there have to be any.
func (g *groupInstance) ready() bool {
	switch g.stage.Load() {
	case seeking:
		return false
	case working:
		return g.engine.Ready()
	default:
		return true
	}
}

// atWork reports whether there are tasks of groups, or are about to be.
func (g *groupInstance) atWork() bool { return g.stage.Load() == working }
