package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// typingErrors is how many letters off a word may be for a command to be proposed in its place.
const typingErrors = 2

// unknownCommand refuses words behind a command that has subcommands only, and names those that may have been meant.
func unknownCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	said := fmt.Sprintf("unknown command %q", args[0])
	if cmd.HasParent() {
		said += " of " + cmd.Name()
	}
	cmd.SuggestionsMinimumDistance = typingErrors
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		return usageError{fmt.Errorf("%s; did you mean %s?", said, strings.Join(near, " or "))}
	}
	var known []string
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			known = append(known, c.Name())
		}
	}
	return usageError{fmt.Errorf("%s; the commands are %s", said, strings.Join(known, ", "))}
}
