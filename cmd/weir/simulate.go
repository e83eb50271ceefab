package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/weirstream/weir/access"
	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/internal/fleet"
)

// simulateFlags are the flags of weir simulate.
type simulateFlags struct {
	devices     int
	rate        float64
	seed        uint64
	duplicates  float64
	late        float64
	future      float64
	outOfOrder  float64
	overheating int

	count    int64
	duration time.Duration
	to       string
	pipeline string
	gateways int
	json     bool

	csv      string
	device   string
	columns  []string
	interval time.Duration
	start    string
	speed    float64
}

// simulateSummary is what a run says at its end.
type simulateSummary struct {
	Sent       int64 `json:"sent"`
	Duplicates int64 `json:"duplicates"`
	Late       int64 `json:"late"`
	Future     int64 `json:"future"`
	OutOfOrder int64 `json:"out_of_order"`
	Devices    int   `json:"devices"`
}

func newSimulateCommand() *cobra.Command {
	var f simulateFlags
	cmd := &cobra.Command{
		Use:   "simulate",
		Short: "Send the readings of a simulated fleet, or of a CSV file, to MQTT, Kafka or stdout",
		Long: `Sends JSON readings {"device","metric","ts","value","seq"} of a simulated fleet.
What is sent depends on the flags and the seed alone, but for the time of the start.

With --csv it plays a file instead, whose rows have no times: each device takes
one reading every --interval, and a row becomes one wide message
{"device","ts","seq", columns...}.`,
		Example: `  weir simulate --devices 1000 --rate 5000 --for 1m --duplicates 0.05 --to mqtt://localhost:1883
  weir simulate --devices 10000 --rate 0 --count 1000000 --to kafka://localhost:9092/readings
  weir simulate --csv motes.csv --device mote_id --columns temperature,humidity --interval 5s --to -`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return simulate(cmd.Context(), f, simulateStreams{out: cmd.OutOrStdout(), err: cmd.ErrOrStderr()})
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.to, "to", "-", "mqtt://host:port, kafka://host:port/topic, or - for NDJSON on stdout")
	flags.StringVar(&f.pipeline, "pipeline", "", "a pipeline file whose kafka.tls and kafka.sasl, or mqtt.tls, username and password, the connection of --to takes")
	flags.IntVar(&f.devices, "devices", 1000, "devices in the fleet")
	flags.Float64Var(&f.rate, "rate", 1000, "readings a second of the whole fleet; 0 is as fast as they can be sent")
	flags.DurationVar(&f.duration, "for", 0, "how long to send (0: until stopped)")
	flags.Int64Var(&f.count, "count", 0, "how many readings to send (0: no limit)")
	flags.Uint64Var(&f.seed, "seed", 1, "the same seed gives the same fleet and the same faults")
	flags.Float64Var(&f.duplicates, "duplicates", 0, "fraction of readings that repeat the device's last one")
	flags.Float64Var(&f.late, "late", 0, "fraction of readings that are two hours old")
	flags.Float64Var(&f.future, "future", 0, "fraction of readings that are an hour ahead")
	flags.Float64Var(&f.outOfOrder, "out-of-order", 0, "fraction of readings that the next one overtakes")
	flags.IntVar(&f.overheating, "overheating", 0, "devices that rise to 95 for 20 s every minute")
	flags.IntVar(&f.gateways, "gateways", 4, "connections to the MQTT broker")
	flags.BoolVar(&f.json, "json", false, "end with a one-line JSON summary on stdout (with --to -, on stderr)")
	flags.StringVar(&f.csv, "csv", "", "play this CSV file instead of a fleet")
	flags.StringVar(&f.device, "device", "device", "with --csv: the column with the device's name")
	flags.StringSliceVar(&f.columns, "columns", nil, "with --csv: the columns to send")
	flags.DurationVar(&f.interval, "interval", time.Second, "with --csv: event time between two readings of one device")
	flags.StringVar(&f.start, "start", "", "with --csv: event time of the first row, RFC 3339 (default: so that the last row is now)")
	flags.Float64Var(&f.speed, "speed", 0, "with --csv: how many times faster than event time to send (0: as fast as they can be sent)")
	return cmd
}

// simulateStreams is where a run writes.
type simulateStreams struct{ out, err io.Writer }

func simulate(ctx context.Context, f simulateFlags, streams simulateStreams) error {
	if ctx == nil {
		ctx = context.Background()
	}
	if f.count < 0 || f.duration < 0 || f.speed < 0 {
		return usageError{errors.New("simulate: --count, --for and --speed must not be negative")}
	}
	plan, err := f.plan(time.Now())
	if err != nil {
		return usageError{fmt.Errorf("simulate: %w", err)}
	}
	publisher, err := f.publisher(streams.out)
	if err != nil {
		return fmt.Errorf("simulate: %w", err)
	}
	plan.send.Sent = progress(streams.err)
	run := ctx
	if f.duration > 0 {
		var cancel context.CancelFunc
		run, cancel = context.WithTimeout(ctx, f.duration)
		defer cancel()
	}
	totals, err := fleet.Send(run, plan.source, publisher, plan.send)
	// What was sent must arrive also when the time is over or somebody
	// pressed ^C: the summary counts it.
	flush, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	if err := errors.Join(err, publisher.Close(flush)); err != nil {
		return fmt.Errorf("simulate: after %d messages: %w", totals.Sent, err)
	}
	summary := simulateSummary{
		Sent: totals.Sent, Duplicates: totals.Duplicates, Late: totals.Late, Future: totals.Future,
		OutOfOrder: totals.OutOfOrder, Devices: plan.devices,
	}
	return summary.write(f, streams)
}

// simulation is what a run sends, from where, and how fast.
type simulation struct {
	source  fleet.Source
	send    fleet.SendOptions
	devices int
}

func (f simulateFlags) plan(now time.Time) (simulation, error) {
	if f.csv != "" {
		return f.planPlayback(now)
	}
	start := now
	send := fleet.SendOptions{Count: f.count, Speed: 1}
	rate := f.rate
	if rate == 0 {
		if f.count == 0 {
			return simulation{}, errors.New("--rate 0 sends as fast as it can: say how many with --count")
		}
		// One reading a second and device of event time, the last one now:
		// counted from now, the fleet would run ahead of the clock.
		rate, send.Speed = float64(f.devices), 0
		start = now.Add(-time.Duration(float64(f.count) / rate * float64(time.Second)))
	}
	source, err := fleet.New(fleet.Options{
		Devices: f.devices, Seed: f.seed, Rate: rate, Start: event.Time(start.UnixMilli()),
		Duplicates: f.duplicates, Late: f.late, Future: f.future, OutOfOrder: f.outOfOrder,
		Overheating: f.overheating,
	})
	if err != nil {
		return simulation{}, err
	}
	return simulation{source: source, send: send, devices: f.devices}, nil
}

func (f simulateFlags) planPlayback(now time.Time) (simulation, error) {
	file, err := os.Open(f.csv)
	if err != nil {
		return simulation{}, err
	}
	defer file.Close()
	p, err := fleet.NewPlayback(file, fleet.PlaybackOptions{Device: f.device, Columns: f.columns, Interval: f.interval})
	if err != nil {
		return simulation{}, fmt.Errorf("%s: %w", f.csv, err)
	}
	first := now.Add(-p.Span())
	if f.start != "" {
		if first, err = time.Parse(time.RFC3339, f.start); err != nil {
			return simulation{}, fmt.Errorf("--start %q is not RFC 3339, as 2026-01-31T08:00:00Z is", f.start)
		}
	}
	p.StartAt(event.Time(first.UnixMilli()))
	return simulation{
		source:  p,
		send:    fleet.SendOptions{Count: f.count, Speed: f.speed},
		devices: p.Devices(),
	}, nil
}

// publisher opens what --to names.
func (f simulateFlags) publisher(out io.Writer) (fleet.Publisher, error) {
	if f.to == "-" {
		return fleet.OpenLines(out), nil
	}
	u, err := url.Parse(f.to)
	if err != nil || u.Host == "" {
		return nil, usageError{errors.New("--to must be mqtt://host:port, kafka://host:port/topic or -")}
	}
	if f.pipeline != "" {
		return f.secured(u)
	}
	switch u.Scheme {
	case "mqtt", "tcp", "mqtts", "ssl":
		scheme := map[string]string{"mqtt": "tcp", "mqtts": "ssl"}[u.Scheme]
		if scheme == "" {
			scheme = u.Scheme
		}
		password, _ := u.User.Password()
		return fleet.OpenMQTT(fleet.MQTTOptions{
			Broker:   scheme + "://" + u.Host,
			Username: u.User.Username(),
			Password: password,
			ClientID: fmt.Sprintf("weir-simulate-%d", os.Getpid()),
			Gateways: f.gateways,
		})
	case "kafka":
		topic := strings.Trim(u.Path, "/")
		if topic == "" || strings.Contains(topic, "/") {
			return nil, usageError{fmt.Errorf("--to %s: name the topic, as in kafka://localhost:9092/readings", u.Redacted())}
		}
		door, err := access.NewKafka(access.KafkaOptions{Brokers: strings.Split(u.Host, ",")})
		if err != nil {
			return nil, err
		}
		return fleet.OpenKafkaWith(topic, door.Client("weir.simulate"))
	}
	return nil, usageError{fmt.Errorf("--to %s: the scheme must be mqtt, mqtts or kafka", u.Redacted())}
}

// progress returns a function that shows how far a run is, on a terminal only.
func progress(w io.Writer) func(fleet.Totals) {
	file, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return nil
	}
	began := time.Now()
	shown := began
	return func(t fleet.Totals) {
		if time.Since(shown) < 200*time.Millisecond {
			return
		}
		shown = time.Now()
		rate := float64(t.Sent) / shown.Sub(began).Seconds()
		fmt.Fprintf(w, "\r%d sent, %.0f/s ", t.Sent, rate)
	}
}

func (s simulateSummary) write(f simulateFlags, streams simulateStreams) error {
	if !f.json {
		_, err := fmt.Fprintf(streams.err, "\rsent %d messages of %d devices: %d duplicates, %d late, %d future, %d out of order\n",
			s.Sent, s.Devices, s.Duplicates, s.Late, s.Future, s.OutOfOrder)
		return err
	}
	w := streams.out
	if f.to == "-" {
		w = streams.err
	}
	return json.NewEncoder(w).Encode(s)
}
