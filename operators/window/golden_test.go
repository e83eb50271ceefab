package window_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/operators"
	"github.com/weirstream/weir/operators/window"
)

// TestGolden plays the scripts of testdata. A script is read from top to bottom:
//
//	window NAME SIZE[/EVERY] AGGREGATE...    a tumbling or hopping window
//	count NAME N AGGREGATE...                a count window
//	time KEY=SPAN...                         the pipeline's rules of time
//	TIME[@APPENDED] VALUE                    a reading; without @ appended as it happens
//	rings                                    lists the rings that the windows share
//	digest N                                 what emissions return from here on
//	silent | forget                          the device is silent, is forgotten
//
// and what follows from a line stands below it, after ">". With -update the
// scripts are rewritten, to be read as a diff.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	update := flag.Lookup("update").Value.String() == "true"
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			want, err := os.ReadFile(file)
			require.NoError(t, err)
			got := (&script{t: t}).play(string(want))
			if update {
				require.NoError(t, os.WriteFile(file, []byte(got), 0o644))
				return
			}
			assert.Equal(t, string(want), got)
		})
	}
}

func TestMain(m *testing.M) {
	flag.Bool("update", false, "rewrite the goldens")
	flag.Parse()
	os.Exit(m.Run())
}

type script struct {
	t      *testing.T
	specs  []window.Spec
	time   window.Time
	counts []*countWindow
	device *device
	digest uint8
}

type countWindow struct {
	*window.Count
	spec window.CountSpec
	row  *movingRow
}

func (s *script) play(text string) string {
	var out bytes.Buffer
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "  >") {
			continue
		}
		out.WriteString(line)
		for _, said := range s.line(strings.Fields(line)) {
			fmt.Fprintf(&out, "  > %s\n", said)
		}
	}
	return out.String()
}

// line does what a line asks for and returns what follows from it.
func (s *script) line(words []string) []string {
	if len(words) == 0 || strings.HasPrefix(words[0], "#") {
		return nil
	}
	switch words[0] {
	case "window":
		size, every, hopping := strings.Cut(words[2], "/")
		if !hopping {
			every = size
		}
		s.specs = append(s.specs, window.Spec{Name: words[1], Size: s.span(size), Every: s.span(every), Compute: words[3:]})
		return nil
	case "count":
		return s.countWindow(words[1:])
	case "time":
		return s.rules(words[1:])
	}
	d := s.started()
	d.said = nil
	switch words[0] {
	case "digest":
		n, err := strconv.ParseUint(words[1], 10, 8)
		require.NoError(s.t, err)
		s.digest = uint8(n)
	case "rings":
		for k, r := range d.rings {
			var names []string
			for _, i := range d.member[k] {
				names = append(names, s.specs[i].Name)
			}
			d.say(fmt.Sprintf("%s: %d cells of %d words", strings.Join(names, " "), r.Cells(), r.Words()))
		}
	case "silent":
		d.silent()
	case "forget":
		d.forget()
	default:
		s.reading(words)
	}
	return d.said
}

func (s *script) started() *device {
	if s.device == nil {
		d, err := newDevice(s.specs, s.time)
		require.NoError(s.t, err)
		d.digest = func(string) uint8 { return s.digest }
		s.device = d
	}
	return s.device
}

func (s *script) countWindow(words []string) []string {
	n, err := strconv.Atoi(words[1])
	require.NoError(s.t, err)
	spec := window.CountSpec{Name: words[0], N: n, Compute: words[2:]}
	c, err := window.NewCount(spec)
	require.NoError(s.t, err)
	s.counts = append(s.counts, &countWindow{Count: c, spec: spec, row: newMovingRow(c.Cells(), c.Words())})
	return nil
}

func (s *script) rules(words []string) []string {
	for _, word := range words {
		key, value, _ := strings.Cut(word, "=")
		switch key {
		case "wait_for_late":
			s.time.WaitForLate = s.span(value)
		case "max_future_skew":
			s.time.MaxFutureSkew = s.span(value)
		case "allow_backfill":
			s.time.Backfill = s.span(value)
		default:
			require.Fail(s.t, "unknown rule of time", key)
		}
	}
	return nil
}

func (s *script) reading(words []string) {
	at, appended, ok := strings.Cut(words[0], "@")
	if !ok {
		appended = at
	}
	a := operators.Arrival{Event: s.span(at), Append: s.span(appended)}
	v, err := strconv.ParseFloat(words[1], 64)
	require.NoError(s.t, err)
	if len(s.specs) > 0 {
		s.device.reading(a, v)
	}
	for _, c := range s.counts {
		if !c.Insert(c.row, a.Event, v) {
			s.device.say(c.spec.Name + " unchanged")
			continue
		}
		if r, full := c.Result(c.row.Words()); full {
			s.device.say(describe(c.spec.Name, c.spec.Compute, &r))
		}
	}
}

func (s *script) span(text string) event.Time {
	d, err := time.ParseDuration(text)
	require.NoError(s.t, err)
	return event.Time(d.Milliseconds())
}
