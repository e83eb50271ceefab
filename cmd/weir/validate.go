package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/engine/task"
)

// validateFlags are the flags of weir validate.
type validateFlags struct {
	json   bool
	schema bool
}

func newValidateCommand() *cobra.Command {
	var f validateFlags
	cmd := &cobra.Command{
		Use:   "validate FILE...",
		Short: "Check pipeline files strictly",
		Long: `Checks pipeline files and prints everything there is to say about them, a line
each: file:line:col: message. Warnings say so; they do not fail the check.
What ${NAME} and ${file:/path} refer to must be there.`,
		Example: `  weir validate pipeline.yaml
  weir validate --json *.yaml
  weir validate --schema > pipeline.schema.json    # for the editor's completion`,
		Args: func(_ *cobra.Command, args []string) error {
			if f.schema != (len(args) == 0) {
				return usageError{fmt.Errorf("validate: name one or more pipeline files, or --schema alone")}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.schema {
				_, err := cmd.OutOrStdout().Write(configs.Schema())
				return err
			}
			return validate(cmd.OutOrStdout(), f, args)
		},
	}
	cmd.Flags().BoolVar(&f.json, "json", false, "print the findings as a JSON array")
	cmd.Flags().BoolVar(&f.schema, "schema", false, "print the JSON Schema of the pipeline file")
	return cmd
}

// validate checks files and fails where one has errors.
func validate(out io.Writer, f validateFlags, files []string) error {
	wrong := 0
	all := configs.Diagnostics{} // not nil: an empty JSON array, not null
	for _, path := range files {
		src, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("validate: %w", err)
		}
		p, found := checkPipeline(path, src)
		all = append(all, found...)
		if found.HasErrors() {
			wrong++
		}
		if f.json {
			continue
		}
		fmt.Fprint(out, found)
		if !found.HasErrors() {
			fmt.Fprintf(out, "%s: ok (pipeline %s, windows: %d, rules: %d)\n", path, p.Name, len(p.Windows), len(p.Rules))
		}
	}
	if f.json {
		e := json.NewEncoder(out)
		e.SetEscapeHTML(false)
		if err := e.Encode(all); err != nil {
			return err
		}
	}
	if wrong > 0 {
		return fmt.Errorf("validate: %d of %d pipeline files cannot run", wrong, len(files))
	}
	return nil
}

// checkPipeline parses a pipeline and compiles it as run would, so that what
// passes here also starts.
func checkPipeline(path string, src []byte) (*configs.Pipeline, configs.Diagnostics) {
	p, found := configs.Parse(path, src, configs.Options{Getenv: os.LookupEnv, ReadFile: os.ReadFile})
	if found.HasErrors() {
		return p, found
	}
	_, err := task.Compile(p)
	if err == nil && p.Grouped() {
		_, err = task.CompileGroups(p)
	}
	if err != nil {
		found = append(found, configs.Diagnostic{File: path, Line: 1, Col: 1, Message: err.Error()})
	}
	return p, found
}
