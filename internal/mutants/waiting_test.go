package mutants

// waitings are mutants of what comes due on the task's clock, and of what is said
// again: rules of docs/SEMANTICS.md.
func waitings() []mutant {
	return []mutant{
		{"repeats-lost-at-recovery", "what is due of a device is due after a recovery, too", []edit{
			{"engine/task/timers.go", "if due := event.Time(head[headTimer]); due != 0 {", "if due := event.Time(head[headTimer]); due == 1 {"},
		}, "engine/task", "TestRestartAnywhereChangesNothing"},
		{"late-is-no-sign", "a late reading is a sign of life", []edit{
			{"engine/task/task.go", "\tt.heard()\n", "\tif !t.late(int(r.Metric), at, event.Time(t.table.Row(headCol, slot)[headClock])) {\n\t\tt.heard()\n\t}\n"},
		}, "internal/simulation", "TestFoldsAreVerified"},
		{"recovering-begins-anew", "repeats count from the last event firing", []edit{
			{"engine/task/manner.go", "case alerts.EventFiring:", "case alerts.EventFiring, alerts.EventRecovering:"},
		}, "internal/simulation", "TestFoldsAreVerified"},
		{"struck-in-silence", "a device that the roster no longer names ends what a rule on its silence has open", []edit{
			{"engine/task/absence.go", "\t\t\tt.endAbsence(r, \"struck\")\n", ""},
		}, "engine/task", "TestSilenceAndRepeatsEqualAModel"},
		{"first-fact-moved", "the fact that sets the clock is told where devices are expected from then on", []edit{
			{"engine/task/facts.go", "stays := f.first && t.plan.expects", "stays := false"},
		}, "engine/task", "TestTheFactThatSetsTheClockStays"},
		{"flapping-forgotten", "a rule on whom the roster names goes on to flap when the device is forgotten", []edit{
			{"engine/task/absence.go", "\t\t\tkeep(r.flapCol)\n", ""},
		}, "engine/task", "TestScripts"},
		{"flapping-until-none", "an alert no longer flaps when fewer than half of the changes are near", []edit{
			{"alerts/flapping.go", "flapping = 2*near >= f.Changes", "flapping = near > 0"},
		}, "internal/simulation", "TestFoldsAreVerified"},
		{"repeat-counts-as-change", "what is said again is no change", []edit{
			{"engine/task/manner.go", "case e.Again:\n\t\te.Flapping", "case e.Again && e.Repeat == 0:\n\t\te.Flapping"},
		}, "internal/simulation", "TestFoldsAreVerified"},
	}
}
