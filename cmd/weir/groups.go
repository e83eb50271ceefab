package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

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

// openGroups opens what a pipeline's windows over several devices need, with what
// the engine of its devices runs with; nil where it has none.
func openGroups(p *configs.Pipeline, o engine.Options) (*groupInstance, error) {
	if !p.Grouped() {
		return nil, nil
	}
	plan, err := task.CompileGroups(p)
	if err != nil {
		return nil, fmt.Errorf("pipeline %q: %w", p.Name, err)
	}
	store, err := openOrReplaceStore(groupPlace(p), o.BootID, o.Logger)
	if err != nil {
		return nil, err
	}
	o.Plan, o.NewDecoder, o.PartitionOf, o.GroupPartition, o.CreateSource = plan, nil, nil, nil, 0
	o.Store = localStore{store}
	o.Logger = o.Logger.With("of", "groups")
	g := &groupInstance{store: store}
	if g.engine, err = engine.New(o); err != nil {
		return nil, errors.Join(err, store.Close())
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

func (g *groupInstance) collectGarbage(ctx context.Context, log *slog.Logger) {
	if g == nil {
		return
	}
	for again := true; again && ctx.Err() == nil; {
		var err error
		if again, err = g.store.RunGC(); err != nil {
			log.Warn("collect garbage of the state store of the groups", "error", err)
			return
		}
	}
}

// ready reports whether every owned task is live.
func (g *groupInstance) ready() bool { return g == nil || g.engine.Ready() }

func (g *groupInstance) close() error {
	if g == nil {
		return nil
	}
	return g.store.Close()
}
