package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/weirstream/weir/access"
	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/internal/history"
)

// backtestFlags are the flags of weir backtest.
type backtestFlags struct {
	input   string
	format  string
	set     map[string]string
	columns map[string]string

	appended string
	start    string
	every    time.Duration
	sort     bool

	kafka    string
	brokers  []string
	from, to string

	compare string
	top     int
	json    bool
}

func newBacktestCommand() *cobra.Command {
	var f backtestFlags
	cmd := &cobra.Command{
		Use:   "backtest FILE (--input FILE | --kafka TOPIC)",
		Short: "Run a pipeline over history and show its alerts; sends nothing",
		Long: `Folds history as the pipeline would have folded it, as fast as it can be read, and prints the episodes of its alerts
and what each rule did. Nothing is sent and no state is kept.

History is a file of messages as they stand in the source topic, one a line (NDJSON); a CSV file with a header; or a
range of a Kafka topic, read_committed. Of a file the event time stands in for the append time, so no reading is from
the future, unless --appended names a field that holds it. A file that is not in the order of time, such as one device
after the other, wants --sort.

With --compare a changed pipeline runs over the same history, and what would change is shown.`,
		Example: `  weir backtest cold-chain.yaml --input march.ndjson
  weir backtest cold-chain.yaml --input march.ndjson --compare stricter.yaml
  weir backtest steam.yaml --input motes.csv --column device=mote_id --every 5s --sort
  weir backtest boiler.yaml --input boiler.csv --set device=boiler-1 --set metric=temperature --column time=timestamp
  weir backtest cold-chain.yaml --kafka readings --from 2026-03-01T00:00:00Z --to 2026-03-08T00:00:00Z`,
		Args: exactly(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.check(); err != nil {
				return usageError{fmt.Errorf("backtest: %w", err)}
			}
			return backtest(cmd.Context(), args[0], f, simulateStreams{out: cmd.OutOrStdout(), err: cmd.ErrOrStderr()})
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.input, "input", "", "a file with history; - for stdin")
	flags.StringVar(&f.format, "format", "", "ndjson or csv (default: csv for a file whose name ends so)")
	flags.StringToStringVar(&f.set, "set", nil, "device=NAME, metric=NAME: for messages of a file that lack it")
	flags.StringToStringVar(&f.columns, "column", nil, "HELD=COLUMN: the CSV column that holds device, metric, time, value, seq or a metric, where its name is another")
	flags.StringVar(&f.appended, "appended", "", "the field of messages of a file that holds their append time")
	flags.DurationVar(&f.every, "every", 0, "for files without times: event time between two messages of one device")
	flags.StringVar(&f.start, "start", "2026-01-01T00:00:00Z", "with --every: event time of every device's first message, RFC 3339")
	flags.BoolVar(&f.sort, "sort", false, "read the whole file into memory and put it in the order of time")
	flags.StringVar(&f.kafka, "kafka", "", "a topic with history")
	flags.StringSliceVar(&f.brokers, "brokers", nil, "with --kafka: host:port of brokers, in place of kafka.brokers")
	flags.StringVar(&f.from, "from", "", "with --kafka: append time of the first record, RFC 3339 (default: the oldest)")
	flags.StringVar(&f.to, "to", "", "with --kafka: append time before which the range ends, RFC 3339 (default: now)")
	flags.StringVar(&f.compare, "compare", "", "a changed pipeline file: show what would change")
	flags.IntVar(&f.top, "top", 20, "how many episodes to print (0: all)")
	flags.BoolVar(&f.json, "json", false, "print one JSON object, with all episodes")
	return cmd
}

// check finds flags that contradict each other.
func (f *backtestFlags) check() error {
	if (f.input == "") == (f.kafka == "") {
		return errors.New("name the history with either --input FILE or --kafka TOPIC")
	}
	if f.kafka == "" && (f.from != "" || f.to != "" || len(f.brokers) > 0) {
		return errors.New("--from, --to and --brokers go with --kafka")
	}
	if f.kafka != "" && (f.format != "" || len(f.set) > 0 || len(f.columns) > 0 || f.appended != "" || f.every != 0 || f.sort) {
		return errors.New("--format, --set, --column, --appended, --every and --sort go with --input")
	}
	if f.format == "" && f.kafka == "" {
		f.format = string(history.NDJSON)
		if strings.HasSuffix(strings.ToLower(f.input), ".csv") {
			f.format = string(history.CSV)
		}
	}
	switch history.Format(f.format) {
	case history.NDJSON, history.CSV, "":
	default:
		return fmt.Errorf("--format %s must be ndjson or csv", f.format)
	}
	for _, role := range slices.Sorted(maps.Keys(f.set)) {
		if role != "device" && role != "metric" {
			return fmt.Errorf("--set %s=%s: only device and metric can be set", role, f.set[role])
		}
	}
	switch {
	case len(f.columns) > 0 && f.format != string(history.CSV):
		return errors.New("--column goes with CSV files")
	case f.every < 0 || f.every > 0 && f.every < time.Millisecond:
		return errors.New("--every must be at least 1ms")
	case f.top < 0:
		return errors.New("--top must not be negative")
	}
	for _, flag := range []struct{ name, value string }{{"start", f.start}, {"from", f.from}, {"to", f.to}} {
		if _, err := parseMoment(flag.value); err != nil {
			return fmt.Errorf("--%s %s is not a time: write it such as 2026-03-01T08:00:00Z", flag.name, flag.value)
		}
	}
	return nil
}

// parseMoment reads a time of a flag; the zero time for none.
func parseMoment(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	return time.Parse(time.RFC3339, s)
}

// backtest runs one or two pipelines over history and prints what came of it.
func backtest(ctx context.Context, path string, f backtestFlags, streams simulateStreams) error {
	if ctx == nil {
		ctx = context.Background()
	}
	paths := []string{path}
	if f.compare != "" {
		paths = append(paths, f.compare)
	}
	var pipelines []*configs.Pipeline
	for _, path := range paths {
		p, err := loadPipeline(path, func(d configs.Diagnostic) { fmt.Fprintln(streams.err, d) })
		if err != nil {
			return err
		}
		pipelines = append(pipelines, p)
	}
	source, closeSource, err := f.open(ctx, pipelines[0])
	if err != nil {
		return fmt.Errorf("backtest: %w", err)
	}
	defer closeSource()
	b, err := newBacktesting(pipelines, source, f.kafka != "")
	if err != nil {
		return fmt.Errorf("backtest: %w", err)
	}
	b.lines = map[string]string{"": "", string(history.NDJSON): "line", string(history.CSV): "row"}[f.format]
	if err := b.run(ctx, newProgressBar(streams.err)); err != nil {
		return fmt.Errorf("backtest: %w", err)
	}
	result := b.result(paths)
	if lines, ok := source.(*history.Lines); ok {
		if n, furthest := lines.Backwards(); n > 0 {
			fmt.Fprintf(streams.err, "warning: the file is not in the order of time: %d of its messages are older than one before them, by up to %s; what is said of silence is not to be trusted without --sort\n",
				n, sayMs(furthest))
		}
	}
	if f.json {
		err = printJSON(streams.out, result)
	} else {
		err = result.print(streams.out, f.top)
	}
	return errors.Join(err, result.nothingUsed())
}

// open opens the history.
func (f *backtestFlags) open(ctx context.Context, p *configs.Pipeline) (history.Source, func(), error) {
	start, _ := parseMoment(f.start)
	from, _ := parseMoment(f.from)
	to, _ := parseMoment(f.to)
	if f.kafka != "" {
		brokers, err := verifyBrokers(p, verifyFlags{brokers: f.brokers})
		if err != nil {
			return nil, nil, err
		}
		door, err := access.NewKafka(access.KafkaOptions{Settings: p.Kafka, Brokers: brokers})
		if err != nil {
			return nil, nil, err
		}
		r, err := history.OpenRange(ctx, history.RangeOptions{Client: door.Client("weir.backtest"), Topic: f.kafka, From: from, To: to})
		if err != nil {
			return nil, nil, door.Explain(err)
		}
		return r, r.Close, nil
	}
	var in io.Reader = os.Stdin
	closeInput, size := func() {}, int64(0)
	if f.input != "-" {
		file, err := os.Open(f.input)
		if err != nil {
			return nil, nil, err
		}
		if info, err := file.Stat(); err == nil && info.Mode().IsRegular() {
			size = info.Size()
		}
		in, closeInput = file, func() { _ = file.Close() }
	}
	lines, err := history.Open(in, history.Options{
		Format: history.Format(f.format), Message: codecOptions(p), Reading: p.Source.Reading, Columns: f.columns, Set: f.set,
		Appended: f.appended, Start: event.Time(start.UnixMilli()), Every: event.Time(f.every.Milliseconds()), Sort: f.sort, Size: size,
	})
	if err != nil {
		closeInput()
		return nil, nil, err
	}
	return lines, closeInput, nil
}
