package alerts_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/alerts"
	"github.com/weirstream/weir/event"
)

// trace is one entry of traces/alerts.yaml of the reference folder.
type trace struct {
	Name string
	Rule struct {
		When       string
		Levels     yaml.MapSlice
		KeepFiring string `yaml:"keep_firing"`
		OnGap      string `yaml:"on_gap"`
	}
	Readings [][]float64
	Events   [][]any  // [second, state, level]
	EventsAt []string `yaml:"events_at"` // "06:00 pending", for the readings of the hole
	Story    string
}

// told is an event as the traces write it.
type told struct {
	Second int
	State  string
	Level  string
}

func TestReferenceTraces(t *testing.T) {
	dir := os.Getenv("WEIR_REFERENCE")
	if dir == "" {
		dir = filepath.Join("..", "..", "shared", "reference")
	}
	file, err := os.ReadFile(filepath.Join(dir, "traces", "alerts.yaml"))
	if os.IsNotExist(err) {
		t.Skipf("no reference folder at %s: set WEIR_REFERENCE to compare with it", dir)
	}
	require.NoError(t, err)
	var traces []trace
	require.NoError(t, yaml.Unmarshal(file, &traces))
	require.NotEmpty(t, traces)
	for _, tr := range traces {
		t.Run(strings.ReplaceAll(tr.Name, " ", "_"), func(t *testing.T) {
			if tr.Story != "" {
				t.Skip("expressions, errors and silences are not the machine's: they stand around it")
			}
			spec, names := tr.spec(t)
			var samples []alerts.Sample
			var want []told
			if tr.EventsAt != nil {
				samples, want = theHole(), readEventsAt(t, tr.EventsAt)
				spec.IdleAfter = 10 * 60_000
			} else {
				for _, r := range tr.Readings {
					samples = append(samples, alerts.Sample{Time: event.Time(r[0] * 1000), Value: r[1]})
				}
				want = readEvents(t, tr.Events)
			}
			require.NotEmpty(t, want)
			require.Equal(t, want, tell(t, spec, names, samples, tr.EventsAt == nil))
		})
	}
}

func (tr trace) spec(t *testing.T) (alerts.Spec, []string) {
	t.Helper()
	s := alerts.Spec{Name: tr.Name}
	s.KeepFiring = span(t, tr.Rule.KeepFiring)
	switch tr.Rule.OnGap {
	case "", "pause":
	case "reset":
		s.OnGap = alerts.Reset
	case "hold":
		s.OnGap = alerts.Hold
	default:
		require.FailNow(t, "unknown on_gap", tr.Rule.OnGap)
	}
	var names []string
	for _, item := range tr.Rule.Levels {
		l := alerts.Level{Name: item.Key.(string)}
		for key, value := range item.Value.(map[string]any) {
			switch key {
			case "above":
				l.Above = number(t, value)
			case "below":
				l.Below = number(t, value)
			case "clear_below":
				l.ClearBelow = number(t, value)
			case "clear_above":
				l.ClearAbove = number(t, value)
			case "hold":
				l.Hold = span(t, value.(string))
			default:
				require.FailNow(t, "unknown key", key)
			}
		}
		s.Levels = append(s.Levels, l)
		names = append(names, l.Name)
	}
	return s, names
}

// tell runs the machine and writes its events as the traces do; traces of
// events_at name no levels.
func tell(t *testing.T, spec alerts.Spec, names []string, samples []alerts.Sample, levels bool) []told {
	t.Helper()
	rule, err := alerts.Compile(spec)
	require.NoError(t, err)
	w := make([]uint64, rule.Words())
	var got []told
	for _, s := range samples {
		_, ev := rule.Step(w, s)
		require.NoError(t, rule.Check(w))
		for _, e := range ev.All() {
			one := told{Second: int(e.Time / 1000), State: e.State.String()}
			if levels && e.Level >= 0 {
				one.Level = names[e.Level]
			}
			got = append(got, one)
		}
	}
	return got
}

// theHole is 11 every 5 minutes from 06:00 to 06:20 and from 07:45 on.
func theHole() []alerts.Sample {
	var samples []alerts.Sample
	for minute := 6 * 60; minute <= 10*60; minute += 5 {
		if minute <= 6*60+20 || minute >= 7*60+45 {
			samples = append(samples, alerts.Sample{Time: event.Time(minute * 60_000), Value: 11})
		}
	}
	return samples
}

func readEvents(t *testing.T, rows [][]any) []told {
	t.Helper()
	var want []told
	for _, row := range rows {
		require.Len(t, row, 3)
		level, _ := row[2].(string)
		want = append(want, told{Second: int(*number(t, row[0])), State: row[1].(string), Level: level})
	}
	return want
}

// readEventsAt picks the states out of sentences such as "07:45 ok, then pending
// again"; what stands in parentheses explains.
func readEventsAt(t *testing.T, lines []string) []told {
	t.Helper()
	var want []told
	for _, line := range lines {
		line, _, _ = strings.Cut(line, " (")
		at, err := time.Parse("15:04", line[:5])
		require.NoError(t, err)
		for _, word := range strings.FieldsFunc(line[5:], func(r rune) bool { return r == ' ' || r == ',' }) {
			switch word {
			case "pending", "firing", "ok", "resolved", "recovering":
				want = append(want, told{Second: at.Hour()*3600 + at.Minute()*60, State: word})
			}
		}
	}
	return want
}

func number(t *testing.T, v any) *float64 {
	t.Helper()
	var f float64
	switch v := v.(type) {
	case float64:
		f = v
	case uint64:
		f = float64(v)
	case int64:
		f = float64(v)
	default:
		require.FailNow(t, "not a number", "%v of %T", v, v)
	}
	return &f
}

func span(t *testing.T, s string) event.Time {
	t.Helper()
	if s == "" {
		return 0
	}
	d, err := time.ParseDuration(s)
	require.NoError(t, err)
	return event.Time(d.Milliseconds())
}
