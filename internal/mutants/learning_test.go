package mutants

// learnings are mutants of what rules know from before: newest values of an expression,
// what was learned of a series, and what a changed file leaves of it all.
func learnings() []mutant {
	return []mutant{
		{"older-value-last", "an expression sees the newest value of everything it names", []edit{
			{"engine/task/formula.go", "if cell[valueTime] > at || cell[valueTime]", "if cell[valueTime]"},
		}, "engine/task", "TestFormulasEqualTheModel"},
		{"values-as-they-come", "new values of one cause are put in the order of their times", []edit{
			{"engine/task/formula.go", "\tslices.SortStableFunc(news, newValue.compare)\n", ""},
			{"engine/task/formula.go", "\t\"math\"\n\t\"slices\"\n", "\t\"math\"\n"},
		}, "engine/task", "TestFormulasEqualTheModel"},
		{"values-unjournaled", "the newest values of an expression are known after a recovery", []edit{
			{"engine/task/formula.go", "w := t.table.Write(f.col, int(v.input), t.slot)", "w := t.table.Cell(f.col, int(v.input), t.slot)"},
		}, "engine/task", "TestFormulasEqualTheModel"},
		{"error-is-zero", "an expression that cannot be worked out gives no sample", []edit{
			{"engine/task/formula.go", "return v, err == nil", "return v, err == nil || v == 0"},
		}, "engine/task", "TestFormulasEqualTheModel"},
		{"error-as-recovery", "an alert whose expression cannot be worked out goes on firing", []edit{
			{"engine/task/formula.go", "\t\t\tt.sayState(r, \"error\")\n", "\t\t\tt.evaluate(f.rule, alerts.Sample{Time: at, Value: math.Inf(-1)}, nil)\n"},
		}, "engine/task", "TestFormulasEqualTheModel"},
		{"worked-unsaid", "that an expression works again is said", []edit{
			{"engine/task/formula.go", "\t\tt.sayState(r, \"worked\")\n", ""},
		}, "engine/task", "TestFormulasEqualTheModel"},
		{"repeats-by-the-sample", "repeats count from the moment of the event, not from the time of its sample", []edit{
			{"engine/task/manner.go", "uint64(t.moment+r.every), 0\n\t\tt.sooner(t.moment + r.every)", "uint64(e.Time+r.every), 0\n\t\tt.sooner(e.Time + r.every)"},
		}, "engine/task", "TestScripts"},
		{"flapping-span-open", "a change just as long ago as within counts", []edit{
			{"alerts/flapping.go", "event.Time(at)-1 >= t-f.Within", "event.Time(at)-1 > t-f.Within"},
		}, "alerts", "TestFlappingEqualsAList"},
		{"keeps-firing-not", "keep_firing holds an alert until it has been calm for so long", []edit{
			{"alerts/step.go", "st.s.Time-m.missed < st.rule.keepFiring:", "st.s.Time < m.missed:"},
		}, "alerts", "TestGolden"},
		{"silent-while-behind", "where records carry their producers' times, no silence counts before the task has caught up", []edit{
			{"engine/task/absence.go", "\tif t.o.WallStamped && t.floor == 0 {\n\t\tdue = max(due, t.Clock()+1) // from when it counts is not known yet\n\t}\n", ""},
		}, "engine/task", "TestNoSilenceBeforeCaughtUp"},
		{"expected-anew", "a device that the roster names is expected from when it came to do so, not from each start", []edit{
			{"engine/task/absence.go", "if t.slot = slot; t.table.Row(headCol, slot)[headExpected] == 0 {", "if t.slot = slot; true {"},
		}, "engine/task", "TestSilenceAndRepeatsEqualAModel"},
		{"never-heard-forgotten", "a device that was never heard is missed after a recovery, too", []edit{
			{"engine/task/silence.go", "\t\tt.armTimer(slot)\n\t\tif t.isArmed", "\t\tif event.Time(t.table.Row(headCol, slot)[headSeen]) > 0 {\n\t\t\tt.armTimer(slot)\n\t\t}\n\t\tif t.isArmed"},
		}, "engine/task", "TestScripts"},
		{"levels-not-in-the-name", "a rule whose levels have changed begins anew, and what it had open ends", []edit{
			{"engine/task/carry.go", "spec.Name, strings.Join(levels, \",\"))", "spec.Name, \"levels\")"},
		}, "engine/task", "TestEvolve"},
		{"series-of-another", "what was learned from one series is nothing for another", []edit{
			{"engine/task/carry.go", "return ofMetrics(name, []string{c.sayWhen(spec)})", "return ofMetrics(name, []string{\"series\"})"},
		}, "engine/task", "TestEvolve"},
		{"manner-begins-anew", "repeats and escalation of a rule whose state is kept go on", []edit{
			{"engine/task/carry.go", "rule != \"\" && !rules[rule] {", "rule != \"\" {"},
		}, "engine/task", "TestMannerGoesOn"},
		{"manner-without-its-rule", "what a rule has beside its state goes on only with that", []edit{
			{"engine/task/carry.go", "rule != \"\" && !rules[rule] {", "rule == \"-\" {"},
		}, "engine/task", "TestMannerComesAndGoes"},
		{"findings-of-others", "what windows remember of the rules on them follows the file", []edit{
			{"engine/task/task.go", "\tt.recode()\n", ""},
		}, "engine/task", "TestScripts/corrections"},
		{"rules-change-places", "what one rule has found is not what another has", []edit{
			{"engine/task/recode.go", "digest += found[one.rule]", "digest += found[before[0].rule] % one.outcomes"},
		}, "engine/task", "TestScripts/corrections"},
		{"closed-once-more", "windows that wait otherwise for what is late begin anew", []edit{
			{"engine/task/carry.go", "if restart && closesByClock(old.Name) {", "if restart && closesByClock(\"\") {"},
		}, "engine/task", "TestScripts/waits"},
		{"cold-detector", "a detector does not judge before it has seen enough", []edit{
			{"alerts/anomaly/channel.go", "if m.filled < warmAt {", "if m.filled < warmAt/4 {"},
		}, "alerts/anomaly", "TestWarmUp"},
		{"series-unjournaled", "what was learned of a series is there after a recovery", []edit{
			{"alerts/anomaly/row.go", "\tr.Write(0)\n", ""},
		}, "engine/task", "TestAnomaliesAcrossRestarts"},
		{"seasons-unjournaled", "what was learned of the hours of a day is there after a recovery", []edit{
			{"alerts/anomaly/state.go", "if s.row != nil {", "if false {"},
		}, "alerts/anomaly", "TestFold"},
		{"kind-of-the-calm", "resolved tells what kind of anomaly it came to", []edit{
			{"engine/task/anomaly.go", "setVerdict(verdict, v, anomaly.Kind(verdict[verdictKind]))", "setVerdict(verdict, v, v.Kind)"},
		}, "engine/task", "TestAnomalyModel"},
	}
}
