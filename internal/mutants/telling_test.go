package mutants

// tellings are mutants of what is told of alerts beside their state: who suppresses,
// acknowledges and escalates them. They are rules of docs/SEMANTICS.md.
func tellings() []mutant {
	return []mutant{
		{"open-unknown-after-recovery", "episodes that were open before a recovery hear of commands behind it", []edit{
			{"engine/task/timers.go", "\tif head[headFlags]&flagOpen != 0 {\n\t\tt.setOpen(slot)\n\t}\n", ""},
		}, "engine/task", "TestSuppressionSurvivesRecoveryAndDoesNotDependOnSteps"},
		{"commands-from-their-end", "the topic of commands is read from its beginning", []edit{
			{"engine/commands.go", "{0: kgo.NewOffset().AtStart()}", "{0: kgo.NewOffset().AtEnd()}"},
		}, "engine", "TestCommandsReachTasks"},
		{"commands-in-parts", "a version of the commands is never a part of what was there", []edit{
			{"engine/commands.go", "whole := int64(0), end == 0", "whole := int64(0), true"},
		}, "engine", "TestCommandsAreReadWhole"},
		{"commands-uncommitted", "only commands of committed transactions count", []edit{
			{"engine/commands.go", "kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords(),", "kgo.KeepControlRecords(),"},
		}, "engine", "TestCommandsOfGivenUpTransactions"},
		{"commands-moved", "commands take effect where the journal says they did", []edit{
			{"engine/task/commands.go", "t.commandsEntered(Fact{Position: position, ", "t.commandsEntered(Fact{Position: position + 1, "},
		}, "internal/simulation", "TestFoldsAreVerified"},
		{"commands-before-what-was-due", "what was due before commands entered belongs to the ones before", []edit{
			{"engine/task/commands.go", "\tif !first {\n\t\tt.settleDue()\n\t}\n\tt.commands, t.bounds", "\tt.commands, t.bounds"},
		}, "engine/task", "TestWhatWasDueIsNotSilenced"},
		{"nonsense-changes-nothing", "a record that is no command takes back what stood under its key", []edit{
			{"alerts/commands/set.go", "\tif err != nil {\n\t\ts.takeBack(offset, name)\n\t\treturn err", "\tif err != nil {\n\t\treturn err"},
		}, "alerts/commands", "TestVersions"},
		{"silence-ends-unsaid", "an alert is said again when a silence of it ends", []edit{
			{"engine/task/suppress.go", "all = append(all, s.Start, s.End)", "all = append(all, s.Start)"},
		}, "engine/task", "TestScripts"},
		{"silence-at-its-end", "a silence is in force before its end", []edit{
			{"alerts/commands/silence.go", "s.Start <= t && t < s.End", "s.Start <= t && t <= s.End"},
		}, "engine/task", "TestScripts"},
		{"ack-left", "the acknowledgement of an episode that has ended is taken back", []edit{
			{"engine/task/suppress.go", "\t\tt.command(commands.AckKey(id), nil)\n", ""},
		}, "engine/task", "TestScripts"},
		{"repeated-though-acked", "an acknowledged alert is not repeated", []edit{
			{"engine/task/manner.go", "alerts.Marks(t.table.Cell(r.col, 0, t.slot))&markAcked != 0", "false"},
		}, "engine/task", "TestScripts"},
		{"escalates-though-acked", "unless: acked withholds a step from an acknowledged alert", []edit{
			{"engine/task/escalate.go", "s.Never || marks&markAcked == 0", "s.After > 0"},
		}, "engine/task", "TestScripts"},
		{"step-withheld-for-good", "a step withheld is taken when the acknowledgement is taken back", []edit{
			{"engine/task/commands.go", "\t\tt.catchSteps()\n", ""},
		}, "engine/task", "TestScripts"},
		{"step-unjournaled", "a step of an escalation is taken once, also across a recovery", []edit{
			{"engine/task/escalate.go", "\tw := t.table.Write(r.col, 0, t.slot)\n", "\tw := t.table.Cell(r.col, 0, t.slot)\n"},
			{"engine/task/manner.go", "copy(t.table.Write(r.col, 0, t.slot), scratch)", "copy(t.table.Cell(r.col, 0, t.slot), scratch)"},
			{"engine/task/suppress.go", "alerts.SetMarks(t.table.Write(r.col, 0, t.slot), marks)", "alerts.SetMarks(t.table.Cell(r.col, 0, t.slot), marks)"},
		}, "engine/task", "TestSuppressionSurvivesRecoveryAndDoesNotDependOnSteps"},
		{"escalation-since-begun-anew", "steps count from the first event firing of the episode", []edit{
			{"engine/task/escalate.go", "case e.State == alerts.EventFiring && e.Previous < 0:", "case e.State == alerts.EventFiring:"},
		}, "engine/task", "TestScripts"},
		{"schedule-by-the-clock", "a schedule is judged by the time at which something was due, however far the clock has moved", []edit{
			{"engine/task/suppress.go", "!r.schedule.inside(t.moment)", "!r.schedule.inside(t.Clock())"},
		}, "engine/task", "TestSuppressionSurvivesRecoveryAndDoesNotDependOnSteps"},
		{"inhibited-for-good", "an alert is inhibited no longer than its source fires", []edit{
			{"engine/task/inhibit.go", "if !r.source || before == now {", "if !r.source || now < before {"},
		}, "engine/task", "TestScripts"},
		{"inhibitor-left", "a source that fires no more takes back by which label it inhibits", []edit{
			{"engine/task/inhibit.go", "\tcase s.before >= a.least && s.now < a.least:\n\t\tt.command(in.Key(), nil)\n", ""},
		}, "engine/task", "TestScripts"},
		{"inhibited-by-its-own-cause", "what inhibits on the same device counts as it stood when the cause began", []edit{
			{"engine/task/inhibit.go", "if c.slot == t.slot && c.rule == rule {", "if false {"},
		}, "internal/simulation", "TestFoldsAreVerified"},
		{"inhibitor-of-another-label", "a new roster moves an inhibition to the new text of the label", []edit{
			{"engine/task/inhibit.go", "\t\tif text == s.text {\n", "\t\tif text != \"\" {\n"},
		}, "engine/task", "TestSuppressionSurvivesRecoveryAndDoesNotDependOnSteps"},
		{"inhibits-itself", "no alert inhibits itself", []edit{
			{"alerts/commands/version.go", "if source.Whose == q.Target && source.Rule == q.TargetRule {", "if false {"},
		}, "alerts/commands", "TestInhibits"},
	}
}
