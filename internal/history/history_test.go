package history

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/engine/task"
	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/ingest/codec"
)

func narrow() Options {
	r := configs.Reading{Device: "device", Metric: "metric", Time: "ts", Value: "value", Seq: "seq"}
	return Options{Format: NDJSON, Reading: r, Message: codec.Options{
		Device: r.Device, Metric: r.Metric, Time: r.Time, Value: r.Value, Seq: r.Seq, Metrics: []string{"temperature"},
	}}
}

func wide() Options {
	r := configs.Reading{Device: "id", Time: "at", Unit: "s", Metrics: []string{"a", "b"}}
	return Options{Format: CSV, Reading: r, Message: codec.Options{Device: r.Device, Time: r.Time, Unit: r.Unit, Wide: r.Metrics, Metrics: r.Metrics}}
}

// readAll returns all of a history, each record as its append time of the day and
// its payload, by device of the test's making: records of one partition stay in order.
func readAll(t *testing.T, text string, o Options) ([]string, *Lines, error) {
	l, err := Open(strings.NewReader(text), o)
	if err != nil {
		return nil, nil, err
	}
	said := map[int][]string{}
	var b Batch
	for {
		err := l.Next(context.Background(), &b)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, l, err
		}
		last := event.Time(0)
		for p, records := range b.Records {
			for _, r := range records {
				require.Equal(t, int64(len(said[p])), r.Offset)
				said[p] = append(said[p], fmt.Sprintf("%s %s", stamp(r), r.Value))
				last = max(last, r.Append)
			}
		}
		require.Equal(t, last, b.Last)
	}
	var all []string
	for p := range filePartitions {
		all = append(all, said[p]...)
	}
	return all, l, nil
}

const day = event.Time(1_772_323_200_000) // 2026-03-01

func stamp(r task.Record) string {
	s := (r.Append - day) / 1000
	return fmt.Sprintf("%02d:%02d:%02d", s/3600, s/60%60, s%60)
}

func TestLines(t *testing.T) {
	reading := func(device, clock, rest string) string {
		return fmt.Sprintf(`{"device":%q,"metric":"temperature","ts":"2026-03-01T%sZ","value":4%s}`, device, clock, rest)
	}
	for _, c := range []struct {
		name, text string
		change     func(*Options)
		want       []string
		err        string
	}{
		{name: "the event time stands in, and never goes back", text: reading("a", "00:00:10", "") + "\n\n" + reading("a", "00:00:05", "") + "\r\n" + reading("a", "00:00:20", ""),
			want: []string{"00:00:10 " + reading("a", "00:00:10", ""), "00:00:10 " + reading("a", "00:00:05", ""), "00:00:20 " + reading("a", "00:00:20", "")}},
		{name: "sorted", text: reading("a", "00:00:10", "") + "\n" + reading("a", "00:00:05", "") + "\n", change: func(o *Options) { o.Sort = true },
			want: []string{"00:00:05 " + reading("a", "00:00:05", ""), "00:00:10 " + reading("a", "00:00:10", "")}},
		{name: "a field with the append time", text: reading("a", "00:00:10", `,"arrived":"2026-03-01T01:00:00Z"`) + "\n" + reading("a", "00:00:10", `,"arrived":1772323200000`),
			change: func(o *Options) { o.Appended = "arrived" },
			want:   []string{"01:00:00 " + reading("a", "00:00:10", `,"arrived":"2026-03-01T01:00:00Z"`), "01:00:00 " + reading("a", "00:00:10", `,"arrived":1772323200000`)}},
		{name: "which is not there", text: reading("a", "00:00:10", ""), change: func(o *Options) { o.Appended = "arrived" }, err: `line 1 has no append time in field "arrived"`},
		{name: "no time", text: "\n" + `{"device":"a","metric":"temperature","value":4}`, err: `line 2 has no time in field "ts"`},
		{name: "no time, a reading every so often", text: strings.Repeat(`{"device":"a","metric":"temperature","value":4}`+"\n", 2), change: func(o *Options) { o.Start, o.Every = day, 5000 },
			want: []string{`00:00:00 {"ts":"2026-03-01T00:00:00.000Z","device":"a","metric":"temperature","value":4}`, `00:00:05 {"ts":"2026-03-01T00:00:05.000Z","device":"a","metric":"temperature","value":4}`}},
		{name: "what is bad comes when the one before it came", text: reading("a", "00:00:10", "") + "\nrubbish\n" + `{"metric":"temperature","value":4}` + "\n[]\n",
			want: []string{"00:00:10 rubbish", `00:00:10 {"metric":"temperature","value":4}`, "00:00:10 " + reading("a", "00:00:10", "")}},
		{name: "set", text: `{"ts":"2026-03-01T00:00:01Z","value":4}` + "\n" + `{ }` + "\n" + `{"device":"b","ts":"2026-03-01T00:00:01Z","value":5}`,
			change: func(o *Options) {
				o.Set = map[string]string{"device": "a", "metric": "temperature"}
				o.Every = 1
				o.Start = day
			},
			want: []string{`00:00:01 {"device":"a","metric":"temperature","ts":"2026-03-01T00:00:01Z","value":4}`,
				`00:00:01 {"device":"a","metric":"temperature"}`,
				`00:00:01 {"device":"a","metric":"temperature","device":"b","ts":"2026-03-01T00:00:01Z","value":5}`}},
		{name: "an array of several devices", text: `[{"device":"a","metric":"temperature","ts":"2026-03-01T00:00:01Z","value":4},{"device":"b","metric":"temperature","ts":"2026-03-01T00:00:02Z","value":4}]`,
			want: []string{`00:00:01 {"device":"a","metric":"temperature","ts":"2026-03-01T00:00:01Z","value":4}`, `00:00:02 {"device":"b","metric":"temperature","ts":"2026-03-01T00:00:02Z","value":4}`}},
		{name: "an array of one", text: `[{"device":"a","metric":"temperature","ts":"2026-03-01T00:00:02Z","value":4},{"device":"a","metric":"temperature","ts":"2026-03-01T00:00:01Z","value":4}]`,
			want: []string{`00:00:02 [{"device":"a","metric":"temperature","ts":"2026-03-01T00:00:02Z","value":4},{"device":"a","metric":"temperature","ts":"2026-03-01T00:00:01Z","value":4}]`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := narrow()
			if c.change != nil {
				c.change(&o)
			}
			got, _, err := readAll(t, c.text, o)
			if c.err != "" {
				require.ErrorContains(t, err, c.err)
				return
			}
			require.NoError(t, err)
			assert.ElementsMatch(t, c.want, got)
		})
	}
}

func TestTables(t *testing.T) {
	for _, c := range []struct {
		name, text string
		o          Options
		want       []string
		err        string
	}{
		{name: "narrow", o: narrow(), text: "device,metric,ts,value,seq,site\na,temperature,2026-03-01 00:00:01,4.5,7,north\na,temperature,2026-03-01T00:00:02Z,true,x,\na,temperature,2026-03-01,warm,,\na,temperature,soon,,8,\n",
			want: []string{`00:00:01 {"device":"a","ts":"2026-03-01T00:00:01.000Z","seq":7,"metric":"temperature","value":4.5}`,
				`00:00:02 {"device":"a","ts":"2026-03-01T00:00:02.000Z","seq":"x","metric":"temperature","value":true}`,
				`00:00:02 {"device":"a","ts":"2026-03-01T00:00:00.000Z","metric":"temperature","value":"warm"}`,
				`00:00:02 {"device":"a","ts":"soon","seq":8,"metric":"temperature"}`}},
		{name: "wide", o: wide(), text: "id,at,b,a,c\n\"p \"\"1\"\"\",1772323201.5,,+4,9\nq,2026-03-01 00:00:02,5,-.5,9\n",
			want: []string{`00:00:01 {"id":"p \"1\"","at":1772323201.5,"a":4}`, `00:00:02 {"id":"q","at":1772323202.000,"a":-0.5,"b":5}`}},
		{name: "other names", o: func() Options {
			o := wide()
			o.Columns, o.Set, o.Start, o.Every = map[string]string{"b": "humidity"}, map[string]string{"device": "d"}, day, 60_000
			return o
		}(), text: "humidity\n4\n5\n", want: []string{`00:00:00 {"at":1772323200.000,"id":"d","b":4}`, `00:01:00 {"at":1772323260.000,"id":"d","b":5}`}},
		{name: "no such column", o: func() Options {
			o := narrow()
			o.Format = CSV
			o.Columns = map[string]string{"device": "mote"}
			return o
		}(), text: "device,value\n", err: `the CSV file has no column "mote"; its columns are device, value`},
		{name: "no such role", o: func() Options {
			o := narrow()
			o.Format = CSV
			o.Columns = map[string]string{"divice": "device"}
			return o
		}(), text: "device,value\n", err: "messages of the pipeline have no divice"},
		{name: "columns missing", o: func() Options { o := narrow(); o.Format = CSV; return o }(), text: "timestamp,value\n1,2\n", err: "the CSV file has no column for device and metric; its columns are timestamp, value: say which it is with --column device=COLUMN, or what with --set device=NAME"},
		{name: "no metric at all", o: wide(), text: "id,at,c\n", err: "no column for a or b"},
		{name: "rows of other lengths", o: wide(), text: "id,at,a\nx,1\n", err: "wrong number of fields"},
		{name: "empty", o: wide(), text: "", err: "read the header"},
		{name: "no time", o: wide(), text: "id,a\nx,1\n", err: `row 1 has no time in column "at": name the column that holds it with --column time=COLUMN`},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.o.Format = CSV
			got, _, err := readAll(t, c.text, c.o)
			if c.err != "" {
				require.ErrorContains(t, err, c.err)
				return
			}
			require.NoError(t, err)
			assert.ElementsMatch(t, c.want, got)
		})
	}
}

// A file that is not in order says so, and how far.
func TestBackwards(t *testing.T) {
	line := func(clock string) string {
		return fmt.Sprintf(`{"device":"a","metric":"temperature","ts":"2026-03-01T%sZ","value":4}`+"\n", clock)
	}
	_, l, err := readAll(t, line("03:00:00")+line("02:59:30")+line("01:00:00"), narrow())
	require.NoError(t, err)
	n, furthest := l.Backwards()
	assert.Equal(t, int64(1), n)
	assert.Equal(t, event.Time(2*3_600_000), furthest)
}

// Lines are whole, however the stream is cut and however long they are.
func TestLinesAreWhole(t *testing.T) {
	var text strings.Builder
	for i := range 3000 {
		fmt.Fprintf(&text, `{"device":"d%d","metric":"temperature","ts":"2026-03-01T00:00:00Z","value":%d,"pad":%q}`+"\n", i%7, i, strings.Repeat("x", i%500+i/2999*600_000))
	}
	want, _, err := readAll(t, text.String(), narrow())
	require.NoError(t, err)
	require.Len(t, want, 3000)
	l, err := Open(iotest.HalfReader(strings.NewReader(text.String())), narrow())
	require.NoError(t, err)
	n := 0
	for b := new(Batch); ; {
		err := l.Next(context.Background(), b)
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		for _, records := range b.Records {
			for _, r := range records {
				require.Equal(t, byte('}'), r.Value[len(r.Value)-1])
				n++
			}
		}
	}
	assert.Equal(t, 3000, n)
	broken, err := Open(iotest.ErrReader(errors.New("disk on fire")), narrow())
	require.NoError(t, err)
	require.ErrorContains(t, broken.Next(context.Background(), new(Batch)), "disk on fire")
}
