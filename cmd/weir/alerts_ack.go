package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

func newAckCommand(f *alertsFlags) *cobra.Command {
	cmd := &cobra.Command{
		Use: "ack FILE ID", Short: "Acknowledge an alert: it is not repeated, and does not escalate",
		Long: `Says that somebody knows of an alert. It goes on, with acked in its records, but is not repeated and does not escalate (other
than unless: never) until it ends or this is taken back.`,
		Example: `  weir alerts ack pipeline.yaml 5f0c41d2 --reason "door is open, closing it"`,
		Args:    exactly(2),
		RunE: f.with(func(cmd *cobra.Command, d *desk, args []string) error {
			if err := f.said(); err != nil {
				return err
			}
			e, err := d.ack(cmd.Context(), args[0], f.who)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "acknowledged: %s %s of %s (%s)\n", e.Rule, e.Level, plain(ofWhom(&e)), e.ID)
			return err
		}),
	}
	f.says(cmd)
	return cmd
}

func newUnackCommand(f *alertsFlags) *cobra.Command {
	return &cobra.Command{
		Use: "unack FILE ID", Short: "Take an acknowledgement back",
		Args: exactly(2),
		RunE: f.with(func(cmd *cobra.Command, d *desk, args []string) error {
			a, err := d.unack(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "no longer acknowledged: %s of %s (%s)\n", plain(a.Rule), plain(a.Name()), a.ID)
			return err
		}),
	}
}
