package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/engine"
	"github.com/weirstream/weir/engine/task"
	"github.com/weirstream/weir/ingest/kafka"
	"github.com/weirstream/weir/statestore/badgerstore"
)

// groupInstance is the second engine of a pipeline with windows over several
// devices, and its local store. nil does nothing.
type groupInstance struct {
	engine *engine.Engine
	store  *badgerstore.Store
}

// openGroups makes what a pipeline's windows over several devices need, with what
// the engine of its devices runs with; nil where it has none. The store is opened
// once and is the instance's to close.
func (i *instance) openGroups(p *configs.Pipeline) (*groupInstance, error) {
	if !p.Grouped() {
		return nil, nil
	}
	plan, err := task.CompileGroups(p)
	if err != nil {
		return nil, fmt.Errorf("pipeline %q: %w", p.Name, err)
	}
	o := i.options
	if i.groupStore == nil {
		if i.groupStore, err = openOrReplaceStore(groupPlace(p), o.BootID, o.Logger); err != nil {
			return nil, err
		}
	}
	o.Plan, o.NewDecoder, o.PartitionOf, o.GroupPartition, o.CreateSource = plan, nil, nil, nil, 0
	o.Store = localStore{i.groupStore}
	o.Logger = o.Logger.With("of", "groups")
	g := &groupInstance{store: i.groupStore}
	if g.engine, err = engine.New(o); err != nil {
		return nil, err
	}
	return g, nil
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
	if g == nil {
		return nil
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

// storeOf is the store, if there is one.
func (g *groupInstance) storeOf() *badgerstore.Store {
	if g == nil {
		return nil
	}
	return g.store
}

// ready reports whether every owned task is live.
func (g *groupInstance) ready() bool { return g == nil || g.engine.Ready() }
