//go:build real

package chaos

import (
	"fmt"
	"time"
)

// rules are those of the pipeline, with what inhibits what. Between them they have every kind of timer: silence, repeats, escalation, and a
// schedule that begins at the next full minute and another that ends there. They come due within seconds. The rule ratio divides by zero
// whenever a device is not hot.
func rules(now time.Time, untold bool) string {
	minute := func(n int) string { return now.UTC().Add(time.Duration(n) * time.Minute).Format("15:04") }
	labelled := `
  - {source: {rule: heated}, target: {rule: hall}, equal: labels.site}
  - {source: {rule: hall, level: critical}, target: {rule: long}, equal: labels.site}
  - {source: {rule: silent}, target: {rule: missing}, equal: labels.site}`
	told := `
  - name: missing
    no_data: {after: 4s, expect: roster, severity: critical}
    repeat_every: 10s
    flapping: {changes: 2, within: 60s}
    message: "{{device}} of {{labels.site}} has been silent for {{value}} s"
  - {name: odd, anomaly: {of: temperature, sensitivity: one false alarm per hour}, repeat_every: 2s}`
	if untold {
		labelled, told = "", ""
	}
	return fmt.Sprintf(`rules:
  - name: hot
    when: tumbling.mean
    levels:
      warning: {above: labels.limit, clear_below: labels.calm}
      critical: {above: 80, clear_below: 75, hold: 2s}
    repeat_every: 2s
    escalate: [{after: 1s, severity: page}, {after: 4s, unless: never, severity: boss}]
    message: "{{device}} of {{labels.site}} is at {{value}}"
  - name: heated
    when: newest.mean
    levels:
      warning: {above: 60, clear_below: 50, hold: 1s}
    keep_firing: 1s
    flapping: {changes: 3, within: 10s}
    message: "{{device}} has been at {{value}} for {{active_for}}"
  - name: long
    when: recent.p95
    levels:
      warning: {above: 50, clear_below: 40, hold: 1s}
    on_gap: reset
    schedule: {days: mon-sun, from: %[1]q, to: %[2]q, timezone: UTC}
  - name: warm
    when: temperature
    levels:
      warning: {above: 30, clear_below: 25}
    schedule: {days: mon-sun, from: %[2]q, to: %[1]q, timezone: UTC}
    escalate: [{after: 2s, severity: page}]
  - name: beyond
    when: tumbling.mean - labels.limit
    levels:
      warning: {above: -6, clear_below: -10}
      critical: {above: 20, hold: 1s}
    keep_firing: 2s
    repeat_every: 3s
    flapping: {changes: 2, within: 20s}
    message: "{{device}} is {{value | printf \"%%.3f\"}} beyond its limit"
  - name: ratio
    when: "labels.limit / (temperature > 45 ? temperature - 45 : 0)"
    levels:
      warning: {above: 1}
  - name: silent
    no_data: {after: 3s, severity: gone}
    repeat_every: 2s
    escalate: [{after: 1s, severity: page}]%[4]s
  - name: hall
    when: site.max
    levels:
      warning: {above: 60, clear_below: 50}
      critical: {above: 85, hold: 2s}
    repeat_every: 3s
    escalate: [{after: 2s, severity: page}]
    message: "{{group}} is at {{value}}"
  - name: all
    when: fleet.mean
    levels:
      warning: {above: 26, clear_below: 24}
    keep_firing: 3s
inhibit:
  - {source: {rule: hot}, target: {rule: warm}, equal: device}
  - {source: {rule: hot, level: critical}, target: {rule: beyond, level: warning}, equal: device}%[3]s
`, minute(1), minute(2), labelled, told)
}
