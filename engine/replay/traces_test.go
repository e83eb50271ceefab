package replay

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/require"
)

// trace is one entry of traces/alerts.yaml of the reference folder.
type trace struct {
	Name     string
	Events   [][]any  // [second, state, level]
	EventsAt []string `yaml:"events_at"` // "06:00 pending", in a test that begins at 06:00
}

// The tests of alert-lifecycles.yaml are the traces of the reference folder, all of them,
// under their names and with their events. What traces tell as stories is compared by
// people.
func TestTheLifecyclesAreTheTraces(t *testing.T) {
	dir := os.Getenv("WEIR_REFERENCE")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "reference")
	}
	file, err := os.ReadFile(filepath.Join(dir, "traces", "alerts.yaml"))
	if os.IsNotExist(err) {
		t.Skip("the reference data are not there (WEIR_REFERENCE names their folder)")
	}
	require.NoError(t, err)
	var traces []trace
	require.NoError(t, yaml.Unmarshal(file, &traces))
	var tests []usersTest
	for _, test := range usersTests(t) {
		if test.pipeline.Name == "alert-lifecycles" {
			tests = append(tests, test)
		}
	}
	require.Len(t, tests, len(traces))
	compared := 0
	for i, tr := range traces {
		require.Equal(t, tr.Name, tests[i].Name)
		var want, got []string
		for _, e := range tr.Events {
			level := fmt.Sprint(e[2])
			if e[2] == nil {
				level = ""
			}
			want = append(want, fmt.Sprint(e[0], " ", e[1], " ", level))
		}
		for _, line := range tr.EventsAt {
			line, _, _ = strings.Cut(line, " (")
			at, err := time.Parse("15:04", line[:5])
			require.NoError(t, err)
			for _, word := range strings.FieldsFunc(line[5:], func(r rune) bool { return r == ' ' || r == ',' }) {
				switch word {
				case "pending", "firing", "ok", "resolved", "recovering":
					want = append(want, fmt.Sprint((at.Hour()-6)*3600+at.Minute()*60, " ", word))
				}
			}
		}
		for _, e := range tests[i].Expect {
			one := fmt.Sprint(e.At/1000, " ", e.State)
			if tr.EventsAt == nil {
				one += " " + e.Level
			}
			got = append(got, one)
		}
		if tr.Events != nil || tr.EventsAt != nil {
			compared++
			require.Equal(t, want, got, tr.Name)
		}
	}
	require.Equal(t, 7, compared)
}

// While an alert is silenced and goes on, its episode is one and the same.
func TestASilencedAlertKeepsItsEpisode(t *testing.T) {
	for _, test := range usersTests(t) {
		if test.Name != "silence ends while the alert is still on" {
			continue
		}
		st := tell(t, test, nil)
		require.Len(t, st.alerts, 3)
		for i, a := range st.alerts {
			require.Equal(t, st.alerts[0].ID, a.ID)
			require.Equal(t, i+1, a.Number)
		}
		return
	}
	require.Fail(t, "there is no such test")
}
