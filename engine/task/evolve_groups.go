package task

import (
	"fmt"

	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/statestore"
)

// EvolvePipelines compares two pipelines: what they keep for each device, and their
// windows over several devices.
func EvolvePipelines(old, now *configs.Pipeline) (Evolution, error) {
	e := &evolving{}
	var err error
	if e.old, err = Compile(old); err != nil {
		return Evolution{}, fmt.Errorf("pipeline %q: %w", old.Name, err)
	}
	if e.now, err = Compile(now); err != nil {
		return Evolution{}, fmt.Errorf("pipeline %q: %w", now.Name, err)
	}
	e.identity()
	e.compare()
	groups := *e
	if groups.old, err = groupPlan(old); err != nil {
		return Evolution{}, err
	}
	if groups.now, err = groupPlan(now); err != nil {
		return Evolution{}, err
	}
	groups.devices = e
	groups.compare()
	e.out = groups.out
	e.repeats()
	e.finish()
	return e.out, nil
}

// groupPlan is CompileGroups, or a plan of nothing where there are no groups.
func groupPlan(p *configs.Pipeline) (*Plan, error) {
	if !p.Grouped() {
		nothing := *p
		nothing.Windows, nothing.Rules = nil, nil
		return &Plan{Pipeline: &nothing}, nil
	}
	c, err := CompileGroups(p)
	if err != nil {
		return nil, fmt.Errorf("pipeline %q: %w", p.Name, err)
	}
	return c, nil
}

// partialColumn is the column of a device's part of a window over several.
func (c *Plan) partialColumn(name string) statestore.Column {
	for i := range c.partials {
		if c.partials[i].window.Name == name {
			return c.Layout.Columns[c.partials[i].col]
		}
	}
	return statestore.Column{}
}

// samePartials reports whether each device keeps its part of the window as it did.
func (e *evolving) samePartials(name string) bool {
	return e.devices == nil || e.devices.old.partialColumn(name) == e.devices.now.partialColumn(name)
}
