package configs

import (
	"reflect"
	"strings"

	"github.com/weirstream/weir/alerts/anomaly"
	"github.com/weirstream/weir/event"
)

// Anomaly is a rule on what is unusual in a series.
type Anomaly struct {
	// FalseAlarmsPer is the mean time between two false alarms of one series, in
	// milliseconds: from one hour to 3,650 days.
	FalseAlarmsPer event.Time
}

// The bounds of a sensitivity, in milliseconds.
const (
	mostSensitive  = anomaly.Hour
	leastSensitive = 10 * anomaly.Year
)

// falseAlarm is what a sensitivity begins with; a word or a span follows.
const falseAlarm = "one false alarm per "

const sensitivityForm = `write how often the rule may be wrong about one device: "one false alarm per month", or per hour, day, week, year or a span such as 14d`

// sensitivity is how often a rule on anomalies may be wrong, in words.
type sensitivity struct {
	leaf
	value event.Time
}

func (v *sensitivity) read(s scalar, _ reflect.StructTag) string {
	if s.kind == plainNumber {
		return "is a number, which says nothing of how often the rule will be wrong; " + sensitivityForm
	}
	var problem string
	v.value, problem = parseSensitivity(s.text)
	return problem
}

func (v *sensitivity) schema(tag reflect.StructTag) map[string]any {
	return withDefault(orReference(map[string]any{"anyOf": []any{
		map[string]any{"type": "string", "pattern": "^(" + falseAlarm + ")?([0-9]+(d|h|ms|m|s))+$"},
		map[string]any{"enum": []string{falseAlarm + "hour", falseAlarm + "day", falseAlarm + "week", falseAlarm + "month", falseAlarm + "year"}},
	}}), tag, func(v string) any { return v })
}

// parseSensitivity reads a sensitivity. The second result says what is wrong with
// it, in words that follow `path=value `.
func parseSensitivity(s string) (event.Time, string) {
	if t, err := anomaly.ParseSensitivity(s); err == nil {
		return t, ""
	}
	words := []string{"hour", "day", "week", "month", "year"}
	rest, full := strings.CutPrefix(s, falseAlarm)
	if _, err := anomaly.ParseSensitivity(falseAlarm + rest); err == nil && !full {
		return 0, `is only a word; write "` + falseAlarm + rest + `"`
	}
	t, problem := parseSpan(rest)
	switch {
	case problem != "" && full:
		return 0, "ends in neither hour, day, week, month or year nor a span such as 14d" + suggest(rest, words)
	case problem != "":
		return 0, "is not known; " + sensitivityForm
	case t < mostSensitive:
		return 0, "is too often; the most is " + `"` + falseAlarm + `hour"`
	case t > leastSensitive:
		return 0, "is too rare; the least is " + `"` + falseAlarm + formatSpan(leastSensitive) + `"`
	}
	return t, ""
}

// anomalous makes what a rule on anomalies looks at the `when` of the rule, so that
// all that holds for that holds for it.
func (c *checker) anomalous(doc *ruleDoc) {
	a := doc.Anomaly
	if a == nil {
		return
	}
	if doc.When.set {
		c.errorf(doc.When.at, "%s does not go with anomaly; write what the rule looks at as anomaly.of, or make two rules", &doc.When)
	}
	if doc.Levels.set {
		c.errorf(doc.Levels.at, "%s does not go with anomaly, which has one level and no thresholds; write anomaly.severity, or make two rules", doc.Levels.path)
		doc.Levels.items, doc.Levels.names = nil, nil
	}
	if doc.NoData != nil {
		c.errorf(a.at, "%s does not go with no_data; silence is no value: make two rules", a.path)
	}
	c.without(doc)
	if doc.When = a.Of; a.bad || doc.NoData != nil {
		doc.When.set, doc.When.bad = false, true
	}
	a.Of.raw = "" // it is a setting once, not twice
}

// without refuses what has no meaning for a rule on anomalies.
func (c *checker) without(doc *ruleDoc) {
	for _, l := range []struct {
		*leaf
		why string
	}{
		{&doc.Evaluate.leaf, "it judges each value of what it looks at once, when it is there"},
		{&doc.KeepFiring.leaf, "an anomaly ends once the series has been calm for " + plural(anomaly.CalmFor, "value")},
		{&doc.OnGap.leaf, "there is no hold that a hole could interrupt"},
	} {
		if l.set && !l.bad {
			c.errorf(l.at, "%s has no effect with anomaly: %s; remove it", l.leaf, l.why)
		}
		l.raw, l.set = "", false
	}
	doc.KeepFiring.value, doc.OnGap.value = 0, "pause"
}

// anomaly checks what is left of a rule on anomalies.
func (c *checker) anomaly(doc *ruleDoc, r *Rule) {
	if a := doc.Anomaly; a != nil {
		c.word(&a.Severity)
		r.Anomaly = &Anomaly{FalseAlarmsPer: a.Sensitivity.value}
		r.Levels = []Level{{Name: a.Severity.value}}
	}
}

// showsAnomaly says why a message cannot hold a field, for a rule on anomalies or
// for any other; nothing where it can.
func (doc *ruleDoc) showsAnomaly(field string) string {
	switch {
	case doc.Anomaly != nil && field == "threshold":
		return "has nothing to show: anomalies have no threshold; write {{expected}}"
	case doc.Anomaly == nil && (field == "kind" || field == "expected"):
		return "has nothing to show: the rule is none on anomalies"
	}
	return ""
}

// usualAnomaly is the usual message of a rule on anomalies.
func (doc *ruleDoc) usualAnomaly(who string) string {
	return who + ": {{rule}} is {{level}}, " + doc.When.value + ` = {{value}} where {{expected | printf "%.6g"}} was expected ({{kind}})`
}
