package main

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/engine"
	"github.com/weirstream/weir/engine/task"
	"github.com/weirstream/weir/statestore"
)

// withGroupState is withState for the groups of a pipeline.
func withGroupState(path string, look func(*stateFiles) error) error {
	p, err := loadPipeline(path, func(configs.Diagnostic) {})
	if err != nil {
		return err
	}
	if !p.Grouped() {
		return fmt.Errorf("pipeline %q has no windows over several devices (by)", p.Name)
	}
	plan, err := task.CompileGroups(p)
	if err != nil {
		return err
	}
	return withPlan(groupPlace(p), plan, look)
}

func (s *stateFiles) groups(out io.Writer) error {
	encoder := json.NewEncoder(out)
	return s.each(func(_ int32, c engine.LocalCopy) error {
		for slot := statestore.Slot(0); slot < c.Table.Bound(); slot++ {
			if !c.Table.Live(slot) {
				continue
			}
			if group, ok := s.plan.DescribeGroup(c.Table, slot); ok {
				if err := encoder.Encode(group); err != nil {
					return err
				}
			}
		}
		return nil
	})
}
