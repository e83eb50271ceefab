package mutants

// meanings are mutants of what a pipeline means: rules of docs/SEMANTICS.md.
func meanings() []mutant {
	return []mutant{
		{"swallowed-in-silence", "a session that another swallows ends with a record", []edit{
			{"operators/window/session.go", "if r.Revision == 0 {\n\t\treturn", "if r.Revision >= 0 {\n\t\treturn"},
		}, "operators/window", "TestSessionsEqualModel"},
		{"sessions-stay-apart", "all sessions that take a reading become one", []edit{
			{"operators/window/session.go", "found.second = i\n\t\t\treturn found", "return found"},
		}, "operators/window", "TestSessionsEqualModel"},
		{"merged-into-missing", "the record of a swallowed session says which one swallowed it", []edit{
			{"engine/task/records.go", "b = append(b, `,\"merged_into\":`...)\n\t\tb = t.stamps.append(b, r.MergedInto)\n", ""},
		}, "engine/task", "TestScripts"},
		{"reopened-unseen", "a session that had closed and is open again has greater revisions", []edit{
			{"operators/window/session.go", "c.reopen()", ""},
		}, "operators/window", "TestChangingSessionsNeverRepeatARevision"},
		{"rolling-pane-too-old", "a reading before the start of a rolling window changes nothing", []edit{
			{"operators/window/rolling.go", "if begun && p <= newest-r.panes {", "if begun && p < newest-r.panes {"},
		}, "operators/window", "TestRollingEqualsList"},
		{"rolling-pane-kept", "a pane of a rolling window makes room for the one that takes its place", []edit{
			{"operators/window/rolling.go", "if !held {\n\t\tclear(cell)", "if !held {\n\t\tclear(cell[:1])"},
		}, "operators/window", "TestRollingEqualsList"},
		{"days-of-24-hours", "a calendar day has 23 or 25 hours where clocks change", []edit{
			{"operators/window/days.go", "d.starts(n), d.starts(n+1)\n", "d.starts(n), d.starts(n)+dayMs\n"},
		}, "operators/window", "TestDaysEqualModel"},
		{"day-twice-ends-late", "a time that comes twice is the first", []edit{
			{"operators/window/days.go", "if start := shown - old; start < after {", "if start := shown - old; start < after && young >= old {"},
		}, "operators/window", "TestDaysEqualModel"},
		{"reset-keeps-dedupe", "with its clock a device's dedupe is dropped", []edit{
			{"engine/task/reset.go", "\tt.table.Clear(t.slot)\n", `	var kept []uint64
	if t.plan.dedupeCol >= 0 {
		kept = append(kept, t.table.Row(t.plan.dedupeCol, t.slot)...)
	}
	t.table.Clear(t.slot)
	for cell := range len(kept) / dedupeWords {
		copy(t.table.Write(t.plan.dedupeCol, cell, t.slot), kept[cell*dedupeWords:][:dedupeWords])
	}
`},
		}, "engine/task", "TestAResetDeviceIsANewOne"},
		{"resets-unnamed", "the number of resets is part of an episode's identity", []edit{
			{"engine/task/records.go", "e.EpisodeStart, t.resets())", "e.EpisodeStart, 0)"},
		}, "engine/task", "TestScripts"},
		{"late-since-kept", "late since is of the first late reading since the last processed one", []edit{
			{"engine/task/process.go", "head[headClock], head[headLate] = uint64(now), 0", "head[headClock] = uint64(now)"},
		}, "engine/task", "TestScripts"},
		{"times-but-one", "63 event times are remembered", []edit{
			{"operators/dedupe_time.go", "= DedupeTimeCells*DedupeWords - 1", "= DedupeTimeCells*DedupeWords - 2"},
		}, "operators", "TestDedupeTime"},
		{"derived-makes-late", "a reading is late only if it is so for the metrics derived from its own as well", []edit{
			{"engine/task/task.go", "late = late && t.gone(&t.plan.metrics[t.plan.derived[k].metric], at, clock)", "_ = k"},
		}, "engine/task", "TestScripts"},
		{"fields-half-there", "only an object that holds all fields of an expression gives a derived reading", []edit{
			{"engine/task/expression.go", "if math.IsNaN(in.Fields[k]) {\n\t\t\treturn 0, false\n\t\t}", "_ = in.Fields[k]"},
		}, "engine/task", "TestScripts"},
		{"roster-unsaid", "the version of the roster in force is a fact in the journal", []edit{
			{"engine/task/facts.go", "f.list, f.records = append(f.list, fact), records", "f.records = records"},
		}, "engine/task", "TestFactsOfTheRoster"},
		{"roster-remembered", "a new version of the roster holds for devices that are known, too", []edit{
			{"engine/task/roster.go", "\tclear(f.rows)\n", ""},
			{"engine/task/roster.go", "t.plan.rules[k].fittedTo = unfitted", "_ = k"},
		}, "engine/task", "TestScripts"},
		{"silence-judged-later", "a silence is judged by the version of the roster in force when it was due", []edit{
			{"engine/task/roster.go", "\tt.armSome(math.MaxInt)\n", "\t_ = math.MaxInt\n"},
		}, "engine/task", "TestSilenceIsJudgedByTheRosterOfItsTime"},
		{"lowest-level-first", "a device's own thresholds need not rise from level to level", []edit{
			{"alerts/device.go", "into.lowest = into.leastEnter()", "into.lowest = levels[0].enter"},
		}, "alerts", "TestThresholdsMayChange"},
		{"half-a-level", "a level whose device lacks one of its thresholds is neither entered nor left", []edit{
			{"alerts/device.go", "case t.Enter != t.Enter || t.Leave != t.Leave:", "case t.Enter != t.Enter:"},
		}, "alerts", "TestMissingThreshold"},
		{"rank-rounded-up", "a quantile is the value of rank floor(q (n - 1))", []edit{
			{"operators/aggregate/quantile.go", "rank := q.part * (count - 1) / q.whole", "rank := (q.part*(count-1) + q.whole - 1) / q.whole"},
		}, "operators/aggregate", "TestAgainstDefinition"},
	}
}
