package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/engine/task"
)

func newDiffCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "diff OLD NEW",
		Short: "Say of each window and rule whether a changed file keeps its state",
		Long: `Compares two pipeline files and says what becomes of the state of the old one when weir run goes on with the new one:
of each window and rule whether its state is kept, or why not, and what means something else from then on. Whatever it
says, it has succeeded; only files that cannot run are an error.`,
		Example: `  weir diff cold-chain.yaml stricter.yaml
  git show HEAD:cold-chain.yaml > old.yaml && weir diff --json old.yaml cold-chain.yaml`,
		Args: exactly(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			var pipelines []*configs.Pipeline
			for _, path := range args {
				p, err := loadPipeline(path, func(d configs.Diagnostic) { fmt.Fprintln(cmd.ErrOrStderr(), d) })
				if err != nil {
					return err
				}
				pipelines = append(pipelines, p)
			}
			e, err := task.EvolvePipelines(pipelines[0], pipelines[1])
			if err != nil {
				return err
			}
			return printEvolution(cmd.OutOrStdout(), e, asJSON)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return cmd
}

// diffReport is what weir diff --json prints.
type diffReport struct {
	// Kept says whether weir run goes on from the state.
	Kept    bool       `json:"kept"`
	Reasons []string   `json:"reasons"`
	Parts   []diffPart `json:"parts"`
}

type diffPart struct {
	Kind    string   `json:"kind"`
	Name    string   `json:"name,omitempty"`
	State   string   `json:"state"` // kept, reset, new or removed
	Because string   `json:"because,omitempty"`
	Notes   []string `json:"notes,omitempty"`
}

func printEvolution(out io.Writer, e task.Evolution, asJSON bool) error {
	report := diffReport{Kept: e.Kept, Reasons: append([]string{}, e.Reasons...), Parts: []diffPart{}}
	for i := range e.Parts {
		p := &e.Parts[i]
		report.Parts = append(report.Parts, diffPart{Kind: p.Kind, Name: p.Name, State: p.Outcome(), Because: p.Because, Notes: p.Notes})
	}
	if asJSON {
		return printJSON(out, report)
	}
	for _, p := range report.Parts {
		name := p.Kind
		if p.Name != "" {
			name += " " + p.Name
		}
		switch p.State {
		case "kept":
			fmt.Fprintf(out, "%s: state kept\n", name)
		case "new":
			fmt.Fprintf(out, "%s: new, without state\n", name)
		case "removed":
			fmt.Fprintf(out, "%s: removed, and its state with it\n", name)
		default:
			fmt.Fprintf(out, "%s: state reset, because %s\n", name, p.Because)
		}
		for _, note := range p.Notes {
			fmt.Fprintf(out, "    %s\n", note)
		}
	}
	verdict := "weir run goes on from the state"
	if !e.Kept {
		verdict = "weir run cannot go on from the state"
	}
	if _, err := fmt.Fprintln(out, verdict); err != nil {
		return err
	}
	for _, reason := range e.Reasons {
		fmt.Fprintf(out, "    %s\n", reason)
	}
	return nil
}
