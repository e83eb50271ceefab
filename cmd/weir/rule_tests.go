package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/engine/replay"
	"github.com/weirstream/weir/operators/roster"
)

func newTestCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "test FILE.test.yaml...",
		Short: "Run tests of rules under virtual time",
		Long: `Runs tests of a pipeline's rules: readings in a compact notation, under virtual time, and what must follow from them.
Nothing is read from or sent to brokers, and hours of readings take milliseconds. A test that fails prints what it
expected and what it found side by side. docs/TESTING_RULES.md describes the files.`,
		Example: `  weir test cold-chain.test.yaml
  weir test --json *.test.yaml`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usageError{errors.New("test: name one or more files of tests")}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return testFiles(cmd.OutOrStdout(), args, asJSON)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return cmd
}

// testReport is what weir test --json prints.
type testReport struct {
	Passed int `json:"passed"`
	Failed int `json:"failed"`
	// Findings are what is wrong with the files themselves.
	Findings configs.Diagnostics `json:"findings"`
	Tests    []testOutcome       `json:"tests"`
}

type testOutcome struct {
	File       string        `json:"file"`
	Line       int           `json:"line"`
	Name       string        `json:"name"`
	Passed     bool          `json:"passed"`
	Alerts     []replay.Line `json:"alerts,omitempty"`
	Aggregates []replay.Line `json:"aggregates,omitempty"`
	Readings   []replay.Line `json:"readings,omitempty"`
	Steps      []replay.Line `json:"steps,omitempty"`
	Hints      []string      `json:"hints,omitempty"`
}

// testFiles runs all tests of all files, and fails where one of them does or a file
// cannot be used.
func testFiles(out io.Writer, files []string, asJSON bool) error {
	report := testReport{Findings: configs.Diagnostics{}, Tests: []testOutcome{}}
	text := out
	if asJSON {
		text = io.Discard
	}
	unusable := 0
	for _, path := range files {
		src, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("test: %w", err)
		}
		all, found := parseScenarios(path, src)
		report.Findings = append(report.Findings, found...)
		fmt.Fprint(text, found)
		if all == nil {
			unusable++
			continue
		}
		if err := report.run(text, path, all); err != nil {
			return fmt.Errorf("test: %s: %w", path, err)
		}
	}
	if len(report.Tests) > 0 || unusable == 0 {
		fmt.Fprintf(text, "%d passed, %d failed\n", report.Passed, report.Failed)
	}
	if asJSON {
		if err := printJSON(out, report); err != nil {
			return err
		}
	}
	switch {
	case unusable > 0 && len(report.Tests) == 0:
		return fmt.Errorf("test: no test was run, for %d of %d files cannot be used", unusable, len(files))
	case unusable > 0:
		return fmt.Errorf("test: %d of %d files cannot be used", unusable, len(files))
	case report.Failed > 0:
		return fmt.Errorf("test: %d of %d tests failed", report.Failed, report.Failed+report.Passed)
	}
	return nil
}

// parseScenarios reads a file of tests and the pipeline it names, beside it.
func parseScenarios(path string, src []byte) (*configs.Scenarios, configs.Diagnostics) {
	if _, found := checkPipeline(path, src); !found.HasErrors() {
		tests := strings.TrimSuffix(path, filepath.Ext(path)) + ".test.yaml"
		return nil, configs.Diagnostics{{File: path, Line: 1, Col: 1, Message: "this is a pipeline, in which there are no tests: name a file of tests, such as " + tests}}
	}
	return configs.ParseScenarios(path, src, configs.ScenarioOptions{Load: func(pipeline string) (*configs.Pipeline, error) {
		if !filepath.IsAbs(pipeline) {
			pipeline = filepath.Join(filepath.Dir(path), pipeline)
		}
		return loadPipeline(pipeline, func(configs.Diagnostic) {})
	}})
}

// run runs the tests of one file.
func (t *testReport) run(out io.Writer, path string, all *configs.Scenarios) error {
	o, err := replayOptions(all.Pipeline)
	if err != nil {
		return err
	}
	for i := range all.Tests {
		s := &all.Tests[i]
		v, err := replay.Run(s, all.Pipeline, o)
		if err != nil {
			return fmt.Errorf("%s: %w", s.Name, err)
		}
		t.Tests = append(t.Tests, testOutcome{
			File: path, Line: s.Line, Name: s.Name, Passed: v.Passed, Alerts: v.Alerts, Aggregates: v.Aggregates, Readings: v.Readings, Steps: v.Steps, Hints: v.Hints,
		})
		if v.Passed {
			t.Passed++
			fmt.Fprintf(out, "ok    %s: %s\n", path, s.Name)
			continue
		}
		t.Failed++
		fmt.Fprintf(out, "FAIL  %s:%d: %s\n%s", path, s.Line, s.Name, v.Diff())
	}
	return nil
}

// replayOptions are what a replay needs of a pipeline, its roster among it.
func replayOptions(p *configs.Pipeline) (replay.Options, error) {
	o := replay.Options{Message: codecOptions(p)}
	if p.Roster == nil {
		return o, nil
	}
	content, err := os.ReadFile(p.Roster.File)
	if err == nil {
		o.Roster, err = roster.Parse(content)
	}
	if err != nil {
		return o, fmt.Errorf("devices.roster: %w", err)
	}
	return o, nil
}

func printJSON(out io.Writer, v any) error {
	e := json.NewEncoder(out)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}
