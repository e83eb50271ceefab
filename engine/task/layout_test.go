package task

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/configs"
)

// What the state table would refuse is refused where a file is checked, and not by
// a task that starts again and again.
func TestAPlanIsOneThatTheTableTakes(t *testing.T) {
	for _, windows := range []string{
		"- {name: w, metric: a, count: 4096, compute: [mean], emit: {topic: x}}",
		"- {name: w, metric: a, hopping: {size: 100m, every: 1s}, compute: [mean], emit: {topic: x}}",
		"- {name: w, metric: a, session: {gap: 10ms}, compute: [mean], emit: {topic: x}}",
		manyRolling(5),
		manyRolling(4),
	} {
		src := "name: p\nkafka: {brokers: [\"b:1\"]}\nsource: {topic: s}\ntime: {max_future_skew: 1m}\nwindows:\n" + windows
		p, diagnostics := configs.Parse("p.yaml", []byte(src), configs.Options{})
		if diagnostics.HasErrors() {
			t.Log(diagnostics)
			continue
		}
		plan, err := Compile(p)
		if err != nil {
			t.Log(err)
			require.ErrorContains(t, err, "cells")
			continue
		}
		require.NoError(t, plan.Layout.Validate(), windows)
	}
}

func manyRolling(n int) string {
	all := ""
	for i := range n {
		all += fmt.Sprintf("- {name: r%d, metric: a, rolling: {size: 1000s, resolution: 1s}, compute: [max], emit: {topic: x}}\n", i)
	}
	return all
}
