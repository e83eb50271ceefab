package task

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/alerts/commands"
)

// Of a device that was never heard nothing is left when the roster strikes it, and the device
// that takes its place in memory is another one: what it inhibited is taken back under its own
// name all the same.
func TestWhoIsStruckInhibitsNobody(t *testing.T) {
	p := newPlant(t, `
time: {wait_for_late: 0s, idle_after: 2m}
devices: {roster: roster.csv}
rules:
- {name: hot, when: temperature, levels: {warning: {above: 50}}}
- {name: missing, no_data: {after: 15m, expect: roster}}
inhibit:
- {source: {rule: missing}, target: {rule: hot}, equal: labels.site}
`, plantOptions{roster: "device,site\na,x\n"})
	p.commands = &commands.Set{}
	p.setCommands()
	p.advance(Now{Wall: at(0), Mono: 0, Position: 0})
	p.advance(Now{Wall: at(1_000), Mono: 1_000_000, Position: 0})
	require.Len(t, p.written, 1)
	require.Equal(t, "inhibit/missing/site/x/a", p.written[0].key)
	p.setRoster("device,site\nb,y\n")
	p.take()
	require.Len(t, p.written, 2)
	require.Equal(t, "inhibit/missing/site/x/a", p.written[1].key)
	require.Empty(t, p.written[1].value)
}
