package task

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/event"
)

// lifecycle is one entry of traces/alerts.yaml of the reference folder.
type lifecycle struct {
	Name     string
	Rule     yaml.MapSlice
	Readings [][]float64
	Events   [][]any  // [second, state, level]
	EventsAt []string `yaml:"events_at"` // "06:00 pending", for the readings of the hole
	Story    string
}

// The lifecycles that other systems document, through a whole pipeline.
func TestLifecyclesAgreeWithTheReference(t *testing.T) {
	file, err := os.ReadFile(filepath.Join(filepath.Dir(arroyo(t)), "traces", "alerts.yaml"))
	require.NoError(t, err)
	var all []lifecycle
	require.NoError(t, yaml.UnmarshalWithOptions(file, &all, yaml.UseOrderedMap()))
	told := 0
	for _, l := range all {
		if l.Story != "" {
			continue // expressions and silences
		}
		told++
		t.Run(strings.ReplaceAll(l.Name, " ", "_"), func(t *testing.T) {
			rule, err := yaml.MarshalWithOptions(append(yaml.MapSlice{{Key: "name", Value: "r"}, {Key: "when", Value: "m"}}, l.Rule...), yaml.Flow(true))
			require.NoError(t, err)
			p := mustPlant(t, "time: {idle_after: 10m}\nrules:\n- "+string(rule))
			if l.EventsAt != nil {
				require.Equal(t, statesAt(t, l.EventsAt), tellLifecycle(t, p, theHole(), false))
				return
			}
			require.Equal(t, fmt.Sprint(l.Events), fmt.Sprint(tellLifecycle(t, p, l.Readings, true)))
		})
	}
	require.GreaterOrEqual(t, told, 7)
}

// tellLifecycle folds readings of one device, [second, value], and tells the events.
func tellLifecycle(t *testing.T, p *plant, readings [][]float64, levels bool) [][]any {
	for _, r := range readings {
		at := scriptDay + event.Time(r[0]*1000)
		require.NoError(t, p.fold(reading{device: "d", metric: "m", at: at, appended: at, value: fmt.Sprint(r[1]), seq: -1}.record()))
	}
	var events [][]any
	for _, o := range p.taken() {
		var a alertRecord
		decodeStrictly(t, o.value, &a)
		e := []any{(event.Time(a.At.UnixMilli()) - scriptDay) / 1000, a.State}
		if levels && a.Level != nil {
			e = append(e, *a.Level)
		} else if levels {
			e = append(e, nil)
		}
		events = append(events, e)
	}
	return events
}

// theHole is 11 every 5 minutes from 06:00 to 06:20 and from 07:45 on.
func theHole() [][]float64 {
	var readings [][]float64
	for minute := 6 * 60; minute <= 10*60; minute += 5 {
		if minute <= 6*60+20 || minute >= 7*60+45 {
			readings = append(readings, []float64{float64(minute * 60), 11})
		}
	}
	return readings
}

// statesAt picks the states out of sentences such as "07:45 ok, then pending
// again"; what stands in parentheses explains.
func statesAt(t *testing.T, lines []string) [][]any {
	var events [][]any
	for _, line := range lines {
		line, _, _ = strings.Cut(line, " (")
		at, err := time.Parse("15:04", line[:5])
		require.NoError(t, err)
		for _, word := range strings.FieldsFunc(line[5:], func(r rune) bool { return r == ' ' || r == ',' }) {
			switch word {
			case "pending", "firing", "ok", "resolved", "recovering":
				events = append(events, []any{event.Time(at.Hour()*3600 + at.Minute()*60), word})
			}
		}
	}
	return events
}
