package alerts_test

import (
	"bufio"
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/alerts"
	"github.com/weirstream/weir/event"
)

var update = flag.Bool("update", false, "rewrite testdata from what the machine does")

// A golden file is a sequence of blocks: comments (#), a rule over several lines,
// then readings ("10s 61", or "forget 40s"), one a line, each with what it did
// behind "|". -update rewrites what stands behind the bars.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			want, err := os.ReadFile(file)
			require.NoError(t, err)
			got := play(t, want)
			if *update {
				require.NoError(t, os.WriteFile(file, got, 0o644))
				return
			}
			require.Equal(t, string(want), string(got))
		})
	}
}

// player is the machine of the block being played.
type player struct {
	spec *alerts.Spec // not yet compiled
	rule *alerts.Rule
	name []string // of the levels
	w    []uint64
}

func play(t *testing.T, file []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	var p player
	for scan := bufio.NewScanner(bytes.NewReader(file)); scan.Scan(); {
		line, _, _ := strings.Cut(scan.Text(), "|")
		line = strings.TrimRight(line, " ")
		words := strings.Fields(line)
		switch {
		case len(words) == 0 || words[0][0] == '#':
			fmt.Fprintln(&out, scan.Text())
		case words[0] == "rule":
			p = player{spec: &alerts.Spec{Name: "golden"}}
			require.NoError(t, p.options(words[1:]), line)
			fmt.Fprintln(&out, line)
		case words[0] == "level":
			require.NotNil(t, p.spec, "a level outside a rule: %s", line)
			require.NoError(t, p.level(words[1:]), line)
			fmt.Fprintln(&out, line)
		default:
			did, err := p.feed(words)
			require.NoError(t, err, line)
			out.WriteString(strings.TrimRight(fmt.Sprintf("%-12s | %s", line, did), " ") + "\n")
		}
	}
	return out.Bytes()
}

func (p *player) options(words []string) (err error) {
	for _, word := range words {
		key, value, _ := strings.Cut(word, "=")
		switch key {
		case "idle_after":
			p.spec.IdleAfter, err = duration(value)
		case "keep_firing":
			p.spec.KeepFiring, err = duration(value)
		case "on_gap":
			p.spec.OnGap = map[string]alerts.OnGap{"pause": alerts.Pause, "reset": alerts.Reset, "hold": alerts.Hold}[value]
		default:
			err = fmt.Errorf("unknown option %q", key)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (p *player) level(words []string) error {
	l := alerts.Level{Name: words[0]}
	for _, word := range words[1:] {
		key, value, _ := strings.Cut(word, "=")
		if key == "hold" {
			hold, err := duration(value)
			if err != nil {
				return err
			}
			l.Hold = hold
			continue
		}
		v, err := strconv.ParseFloat(value, 64)
		if err != nil {
			return err
		}
		into, ok := map[string]**float64{"above": &l.Above, "below": &l.Below, "clear_below": &l.ClearBelow, "clear_above": &l.ClearAbove}[key]
		if !ok {
			return fmt.Errorf("unknown option %q", key)
		}
		*into = &v
	}
	p.spec.Levels = append(p.spec.Levels, l)
	p.name = append(p.name, l.Name)
	return nil
}

func (p *player) feed(words []string) (string, error) {
	if p.rule == nil {
		var err error
		if p.rule, err = alerts.Compile(*p.spec); err != nil {
			return "", err
		}
		p.w = make([]uint64, p.rule.Words())
	}
	if words[0] == "forget" {
		at, err := duration(words[1])
		if err != nil {
			return "", err
		}
		ev, ok := p.rule.Forget(p.w, at)
		if !ok {
			return "", nil
		}
		return p.tell(ev), nil
	}
	at, err := duration(words[0])
	if err != nil {
		return "", err
	}
	v, err := strconv.ParseFloat(words[1], 64)
	if err != nil {
		return "", err
	}
	changed, ev := p.rule.Step(p.w, alerts.Sample{Time: at, Value: v})
	if err := p.rule.Check(p.w); err != nil {
		return "", err
	}
	if !changed {
		return "unchanged", nil
	}
	told := make([]string, 0, 2)
	for _, e := range ev.All() {
		told = append(told, p.tell(e))
	}
	return strings.Join(told, " ; "), nil
}

func (p *player) tell(e alerts.Event) string {
	level := "-"
	if e.Level >= 0 {
		level = p.name[e.Level]
	}
	if e.Previous >= 0 && e.Previous != e.Level {
		level += " after " + p.name[e.Previous]
	}
	return fmt.Sprintf("%v %s, %v against %v, #%d of episode %v", e.State, level, e.Value, e.Threshold, e.Number, time.Duration(e.EpisodeStart)*time.Millisecond)
}

func duration(s string) (event.Time, error) {
	d, err := time.ParseDuration(s)
	return event.Time(d.Milliseconds()), err
}
