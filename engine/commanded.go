package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
)

// commandsConfigs are the settings of the topic of commands: the last one of each key is
// kept for as long as it is not taken back.
func (e *Engine) commandsConfigs() map[string]*string {
	policy, insync := "compact", journalConfigs(e.topics.replicas)["min.insync.replicas"]
	return map[string]*string{"cleanup.policy": &policy, "min.insync.replicas": &insync}
}

// prepareCommands makes the topic of commands where it is missing.
func (e *Engine) prepareCommands(ctx context.Context) error {
	topic := e.o.Plan.Pipeline.CommandsTopic
	detail, err := e.describe(ctx, topic)
	if err != nil {
		return err
	}
	if errors.Is(detail.Err, kerr.UnknownTopicOrPartition) {
		if err := e.create(ctx, newTopic{name: topic, partitions: 1, replicas: int16(e.topics.replicas), configs: e.commandsConfigs()}); err != nil {
			return err
		}
		if detail, err = e.describe(ctx, topic); err != nil {
			return err
		}
	}
	if detail.Err != nil {
		return fmt.Errorf("describe topic %q: %w", topic, detail.Err)
	}
	if have := len(detail.Partitions); have != 1 {
		return refuse("topic of commands %q has %d partitions and must have one: that is the order in which commands count", topic, have)
	}
	have, err := e.configs(ctx, topic)
	if err != nil {
		return err
	}
	if policy := have["cleanup.policy"]; strings.TrimSpace(policy) != "compact" {
		return refuse("topic of commands %q must have cleanup.policy=compact (is %q): silences and acknowledgements would be deleted while they are in force", topic, policy)
	}
	return nil
}

// tellCommands tells all tasks that there is a new version.
func (e *Engine) tellCommands() {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, h := range e.runners {
		select {
		case h.commands <- struct{}{}:
		default: // it has been told already
		}
	}
}

// firstCommands waits for all commands there are now, which the task starts with.
func (r *runner) firstCommands(ctx context.Context) error {
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, 5*time.Second) {
		end, err := committedEnd(ctx, r.e.admin, r.plan.Pipeline.CommandsTopic)
		if err == nil {
			r.unseen, err = writtenEnd(ctx, r.e.admin, r.plan.Pipeline.CommandsTopic)
		}
		if err == nil {
			all, err := r.e.commands.upTo(ctx, end)
			if err != nil {
				return err
			}
			if !all {
				r.log.Warn("not all commands are read, the task starts with those that are", "topic", r.plan.Pipeline.CommandsTopic, "end", end)
			}
			r.takeCommands()
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		r.log.Warn("commands not known yet, the task waits for them", "reason", err)
		if err := pauseFor(ctx, wait); err != nil {
			return err
		}
	}
}

// takeCommands puts the newest version in force for the task, which stands between two
// records.
func (r *runner) takeCommands() {
	newest, position := r.e.commands.known()
	if newest == nil || newest == r.commands {
		return
	}
	first := r.commands == nil
	r.commands = newest
	r.task.SetCommands(newest, r.position)
	if !first && r.unseen > 0 {
		r.task.Reconcile()
		// By the place that belongs to this version: another one may have come meanwhile, which has
		// not been reconciled.
		if position >= r.unseen {
			r.unseen = 0
		}
	}
}

// commands are those that the engine was given, or its own.
func (o *Options) commands() *Commands {
	if o.Commands != nil {
		return o.Commands
	}
	return NewCommands(CommandsOptions{Pipeline: o.Plan.Pipeline, Brokers: o.Brokers, ClientOptions: o.ClientOptions, Logger: o.Logger})
}

// Commands returns the state of the commands.
func (e *Engine) Commands() CommandsStatus { return e.commands.Status() }
