// Command weir turns streams of sensor readings into rolling windows and alerts,
// exactly once.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

// The exit codes: a check that failed is told from a command that was not understood.
const (
	exitFailed = 1
	exitUsage  = 2
)

// usageError marks an error in how the command was called.
type usageError struct{ error }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	root := newRootCommand()
	if err := root.ExecuteContext(ctx); err != nil {
		var usage usageError
		if errors.As(err, &usage) {
			fmt.Fprintf(os.Stderr, "weir: %v\nRun 'weir --help' for the commands.\n", err)
			os.Exit(exitUsage)
		}
		if err.Error() != "" {
			fmt.Fprintln(os.Stderr, "weir:", err)
		}
		os.Exit(exitFailed)
	}
}

// newRootCommand assembles the subcommands, one file each.
func newRootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:           "weir",
		Short:         "Exactly-once windows and alerts for fleets of sensors",
		Version:       version(),
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          unknownCommand,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.AddCommand(
		newRunCommand(), newDemoCommand(), newValidateCommand(), newExplainCommand(),
		newSimulateCommand(), newStateCommand(), newVerifyCommand(),
		newTestCommand(), newBacktestCommand(), newDiffCommand(), newAlertsCommand(),
		newInitCommand(), newHealthCommand(),
	)
	return root
}
