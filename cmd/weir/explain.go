package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/weirstream/weir/configs"
)

func newExplainCommand() *cobra.Command {
	var o configs.ExplainOptions
	cmd := &cobra.Command{
		Use:   "explain FILE",
		Short: "Say in plain English what a pipeline does",
		Long: `Prints what a pipeline does, each window and rule as one sentence. With --full it
lists every setting with its value as well, and marks the defaults. Secrets, and
what else came from ${NAME} or ${file:/path}, are shown as written in the file.`,
		Example: `  weir explain pipeline.yaml
  weir explain --full pipeline.yaml`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usageError{fmt.Errorf("explain: name one pipeline file")}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := loadPipeline(args[0], func(d configs.Diagnostic) {
				fmt.Fprintln(cmd.ErrOrStderr(), d)
			})
			if err != nil {
				return err
			}
			_, err = fmt.Fprint(cmd.OutOrStdout(), p.Explain(o))
			return err
		},
	}
	cmd.Flags().BoolVar(&o.Full, "full", false, "list every setting, and mark the defaults")
	return cmd
}
