package main

import (
	"net"
	"testing"

	"github.com/stretchr/testify/require"
)

// A command that does not exist is a usage error, which proposes what may have been meant.
func TestUnknownCommands(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"rnu", "pipeline.yaml"}, `unknown command "rnu"; did you mean run?`},
		{[]string{"vaildate"}, `unknown command "vaildate"; did you mean validate?`},
		{[]string{"alert", "ls"}, `unknown command "alert"; did you mean alerts?`},
		{[]string{"frobnicate"}, `unknown command "frobnicate"; the commands are alerts, backtest, `},
		{[]string{"alerts", "lss"}, `unknown command "lss" of alerts; did you mean ls?`},
		{[]string{"state", "frobnicate"}, `unknown command "frobnicate" of state; the commands are export, get, groups, ls`},
	} {
		_, _, err := execute(t, c.args...)
		require.ErrorContains(t, err, c.want)
		require.ErrorAs(t, err, new(usageError), c.args)
	}
}

// Where nothing can listen, the message names the flag and says what to do.
func TestListenErrors(t *testing.T) {
	other, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { require.NoError(t, other.Close()) }()
	taken := other.Addr().String()
	for address, want := range map[string]string{
		taken:            "--http " + taken + " is taken, by another weir or another program: take another port with --http 127.0.0.1:",
		"9464":           "--http 9464 must be host:port, such as 127.0.0.1:9464, or empty for none",
		"192.0.2.1:9464": "is no address of this machine",
	} {
		err := (&outside{}).listen(address)
		require.ErrorContains(t, err, want)
	}
	require.ErrorContains(t, (&outside{}).listen(taken), "or go without console, metrics and API with --http ''")
}
