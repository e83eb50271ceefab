package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/engine"
	"github.com/weirstream/weir/engine/task"
	"github.com/weirstream/weir/statestore"
	"github.com/weirstream/weir/statestore/badgerstore"
)

func newStateCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "state",
		Short: "Look into the local state of a pipeline that is not running",
		Long: `The local state is a copy as of the last checkpoint; the journal topic holds what came after. A clean stop seals it,
so that it is complete. Only one process may have it open: stop the pipeline, or look at a copy of the directory.`,
		Args: unknownCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	var asJSON bool
	ls := &cobra.Command{
		Use: "ls FILE", Short: "List the partitions with their devices and position", Args: exactly(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withState(args[0], func(s *stateFiles) error { return s.list(cmd.OutOrStdout(), asJSON) })
		},
	}
	ls.Flags().BoolVar(&asJSON, "json", false, "one JSON object a line")
	get := &cobra.Command{
		Use: "get FILE DEVICE", Short: "Show one device: clock, windows, rules", Args: exactly(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withState(args[0], func(s *stateFiles) error { return s.get(cmd.OutOrStdout(), args[1]) })
		},
	}
	export := &cobra.Command{
		Use: "export FILE", Short: "Write every device as one JSON object a line", Args: exactly(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withState(args[0], func(s *stateFiles) error { return s.export(cmd.OutOrStdout()) })
		},
	}
	groups := &cobra.Command{
		Use: "groups FILE", Short: "Write every group of windows over several devices as one JSON object a line", Args: exactly(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withGroupState(args[0], func(s *stateFiles) error { return s.groups(cmd.OutOrStdout()) })
		},
	}
	cmd.AddCommand(ls, get, export, groups)
	return cmd
}

func exactly(n int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != n {
			return usageError{fmt.Errorf("usage: %s", cmd.UseLine())}
		}
		return nil
	}
}

// stateFiles is the open store of a pipeline.
type stateFiles struct {
	plan  *task.Plan
	store *badgerstore.Store
}

func withState(path string, look func(*stateFiles) error) error {
	p, err := loadPipeline(path, func(configs.Diagnostic) {})
	if err != nil {
		return err
	}
	plan, err := task.Compile(p)
	if err != nil {
		return err
	}
	return withPlan(p, plan, look)
}

// withPlan opens the store that belongs to a plan, which is the pipeline's or that
// of its groups.
func withPlan(p *configs.Pipeline, plan *task.Plan, look func(*stateFiles) error) error {
	if _, err := os.Stat(stateDir(p)); err != nil {
		return fmt.Errorf("pipeline %q has no local state here (state.dir): %w", p.Name, err)
	}
	store, err := openStore(p, bootID(), slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer store.Close()
	return look(&stateFiles{plan: plan, store: store})
}

// each visits the usable copies in order of partition.
func (s *stateFiles) each(visit func(partition int32, c engine.LocalCopy) error) error {
	partitions, err := s.store.Tasks()
	if err != nil {
		return err
	}
	for _, p := range partitions {
		c, err := engine.OpenCopy(s.plan, localTask{s.store.Task(p)})
		if errors.Is(err, engine.ErrNoCopy) {
			continue
		}
		if err != nil {
			return fmt.Errorf("partition %d: %w", p, err)
		}
		if err := visit(p, c); err != nil {
			return err
		}
	}
	return nil
}

// partitionState is a line of `weir state ls`.
type partitionState struct {
	Partition int32         `json:"partition"`
	Devices   int           `json:"devices"`
	Seq       uint64        `json:"seq"`
	Offset    int64         `json:"offset"`
	Sealed    bool          `json:"sealed"`
	Bytes     int64         `json:"bytes"`
	Counters  task.Counters `json:"counters"`
}

func (s *stateFiles) list(out io.Writer, asJSON bool) error {
	table := tabwriter.NewWriter(out, 0, 4, 2, ' ', tabwriter.AlignRight)
	if !asJSON {
		fmt.Fprintln(table, "partition\tdevices\trecord\toffset\tsealed\tbytes\treadings\t")
	}
	err := s.each(func(p int32, c engine.LocalCopy) error {
		line := partitionState{Partition: p, Devices: c.Table.Len(), Seq: c.Seq, Offset: c.Offset, Sealed: c.Sealed, Bytes: c.Table.LiveBytes(), Counters: c.Counters}
		if asJSON {
			return json.NewEncoder(out).Encode(line)
		}
		_, err := fmt.Fprintf(table, "%d\t%d\t%d\t%d\t%t\t%d\t%d\t\n", p, line.Devices, line.Seq, line.Offset, line.Sealed, line.Bytes, line.Counters.In)
		return err
	})
	if err != nil {
		return err
	}
	return table.Flush()
}

func (s *stateFiles) get(out io.Writer, device string) error {
	found := false
	err := s.each(func(p int32, c engine.LocalCopy) error {
		slot, ok := c.Table.Lookup([]byte(device))
		if !ok {
			return nil
		}
		found = true
		encoder := json.NewEncoder(out)
		encoder.SetIndent("", "  ")
		return encoder.Encode(s.plan.Describe(c.Table, slot))
	})
	if err == nil && !found {
		return fmt.Errorf("device %q has no local state here", device)
	}
	return err
}

func (s *stateFiles) export(out io.Writer) error {
	encoder := json.NewEncoder(out)
	return s.each(func(_ int32, c engine.LocalCopy) error {
		for slot := statestore.Slot(0); slot < c.Table.Bound(); slot++ {
			if !c.Table.Live(slot) {
				continue
			}
			if err := encoder.Encode(s.plan.Describe(c.Table, slot)); err != nil {
				return err
			}
		}
		return nil
	})
}
