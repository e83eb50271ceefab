package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/configs/examples"
	"github.com/weirstream/weir/engine/task"
	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/internal/fleet"
)

type demoFlags struct {
	duration time.Duration
	json     bool
	dir      string
	devices  int
	rate     float64
	level    string
	http     string
	anyPort  bool // where the port of http is taken
}

func newDemoCommand() *cobra.Command {
	var f demoFlags
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Show the main job: embedded brokers, a simulated fleet over MQTT, windows and alerts",
		Long: `Starts a Kafka and an MQTT broker inside the process and a fleet of simulated devices, some of which send
twice, late or from the future, and a few of which overheat; runs the pipeline of configs/examples/demo.yaml on
their readings; shows what happens; and ends with one line of JSON that obeys the conservation law.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.duration < 0 {
				return usageError{errors.New("--for must not be negative")}
			}
			f.anyPort = !cmd.Flags().Changed("http")
			return runDemo(cmd.Context(), f)
		},
	}
	cmd.Flags().DurationVar(&f.duration, "for", 30*time.Second, "how long the fleet sends; 0: until stopped")
	cmd.Flags().BoolVar(&f.json, "json", false, "print the summary line only")
	cmd.Flags().StringVar(&f.dir, "dir", "", "keep broker data and state here (default: a temporary directory)")
	cmd.Flags().IntVar(&f.devices, "devices", 1000, "devices in the fleet")
	cmd.Flags().Float64Var(&f.rate, "rate", 2000, "readings a second of the whole fleet")
	cmd.Flags().StringVar(&f.http, "http", "127.0.0.1:9464", "address for the console, as of weir run; any free port where the default is taken; empty: none")
	cmd.Flags().StringVar(&f.level, "log-level", "error", "debug, info, warn or error")
	return cmd
}

// demoSummary is the line a demo ends with. Readings is the sum of the seven
// classes behind it.
type demoSummary struct {
	Readings  uint64  `json:"readings"`
	Processed uint64  `json:"processed"`
	Filtered  uint64  `json:"filtered"`
	Late      uint64  `json:"late"`
	Future    uint64  `json:"future"`
	Bad       uint64  `json:"bad"`
	Duplicate uint64  `json:"duplicate"`
	Retained  uint64  `json:"retained"`
	Windows   uint64  `json:"windows"`
	Alerts    uint64  `json:"alerts"`
	P99Ms     float64 `json:"p99_ms"`
}

func (s demoSummary) conserved() bool {
	return s.Readings == s.Processed+s.Filtered+s.Late+s.Future+s.Bad+s.Duplicate+s.Retained
}

func runDemo(ctx context.Context, f demoFlags) error {
	log, err := newLogger(f.level, false)
	if err != nil {
		return usageError{err}
	}
	dir := f.dir
	if dir == "" {
		if dir, err = os.MkdirTemp("", "weir-demo-"); err != nil {
			return err
		}
		defer os.RemoveAll(dir)
	}
	p, err := demoPipeline(dir)
	if err != nil {
		return err
	}
	i, err := openInstance(p, instanceOptions{Logger: log})
	if err != nil {
		return err
	}
	defer i.Close()
	latencies := &latencyLog{}
	i.work().engine.Observe(latencies)
	i.heard = latencies.AlertLatency // with a console its metrics observe the engine
	closeConsole, err := openDemoConsole(ctx, i, f, log)
	if err != nil {
		return err
	}
	defer closeConsole()
	summary, err := playDemo(ctx, i, f, log, latencies)
	if err != nil {
		return err
	}
	line, err := json.Marshal(summary)
	if err != nil {
		return err
	}
	fmt.Println(string(line))
	if !summary.conserved() {
		return errors.New("readings are missing: the summary does not add up")
	}
	return nil
}

// demoPipeline is the example file with its directories moved.
func demoPipeline(dir string) (*configs.Pipeline, error) {
	p, err := parsePipeline("demo.yaml", examples.Demo, func(configs.Diagnostic) {})
	if err != nil {
		return nil, err
	}
	p.Kafka.Embedded.Dir = filepath.Join(dir, "kafka")
	p.State.Dir = filepath.Join(dir, "state")
	return p, nil
}

// playDemo runs the pipeline while the fleet sends, waits until every message is
// folded and committed, and stops.
func playDemo(ctx context.Context, i *instance, f demoFlags, log *slog.Logger, latencies *latencyLog) (demoSummary, error) {
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	group, groupCtx := errgroup.WithContext(running)
	group.Go(func() error { return i.Run(groupCtx) })
	var summary demoSummary
	group.Go(func() error {
		defer stop()
		if err := awaitDemo(groupCtx, func() bool { return i.bridgeCounts().Connected }); err != nil {
			return err
		}
		view := newLiveView(i, f.json)
		viewing, endView := context.WithCancel(groupCtx)
		var viewer sync.WaitGroup
		viewer.Go(func() { view.run(viewing) })
		err := sendFleet(ctx, groupCtx, i, f)
		if err == nil {
			err = awaitDemo(groupCtx, func() bool { return drained(i) })
		}
		endView()
		viewer.Wait()
		summary = summarize(i, latencies)
		return err
	})
	err := group.Wait()
	if errors.Is(err, context.Canceled) {
		err = nil
	}
	return summary, err
}

// sendFleet publishes until the time is over or somebody presses ^C, which is
// no error: the demo then ends with its summary.
func sendFleet(user, running context.Context, i *instance, f demoFlags) error {
	source, err := fleet.New(fleet.Options{
		Devices: f.devices, Rate: f.rate, Seed: 1, Start: event.Time(time.Now().UnixMilli()),
		Duplicates: 0.03, Late: 0.01, Future: 0.005, OutOfOrder: 0.02, Overheating: min(5, f.devices),
	})
	if err != nil {
		return err
	}
	publisher, err := fleet.OpenMQTT(fleet.MQTTOptions{Broker: i.mqtt.URL(), Gateways: 2})
	if err != nil {
		return err
	}
	sending, cancel := context.WithCancel(running)
	defer cancel()
	if f.duration > 0 {
		sending, cancel = context.WithTimeout(sending, f.duration)
		defer cancel()
	}
	stopped := context.AfterFunc(user, cancel)
	defer stopped()
	_, err = fleet.Send(sending, source, publisher, fleet.SendOptions{Speed: 1})
	flush, done := context.WithTimeout(running, 10*time.Second)
	defer done()
	return errors.Join(err, publisher.Close(flush))
}

// drained reports whether all that the MQTT broker delivered is in Kafka, and
// all that is in Kafka is folded and committed.
func drained(i *instance) bool {
	b := i.bridgeCounts()
	if i.mqtt.Waiting(i.work().pipeline.MQTT.ClientID) > 0 || b.Received != b.RetainedDropped+b.Produced {
		return false
	}
	records := uint64(0)
	for _, t := range i.work().engine.Status() {
		if t.Lag() > 0 {
			return false
		}
		records += t.Counters.Records
	}
	return records >= uint64(b.Produced)
}

func awaitDemo(ctx context.Context, done func() bool) error {
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for !done() {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
	}
	return nil
}

func summarize(i *instance, latencies *latencyLog) demoSummary {
	var c task.Counters
	for _, t := range i.work().engine.Status() {
		c = c.Add(t.Counters)
	}
	retained := uint64(i.bridgeCounts().RetainedDropped)
	return demoSummary{
		Readings: c.In + retained, Processed: c.Processed, Filtered: c.Filtered, Late: c.Late, Future: c.Future, Bad: c.Bad,
		Duplicate: c.Duplicate, Retained: retained, Windows: c.Windows, Alerts: c.Alerts,
		P99Ms: float64(latencies.quantile(0.99).Microseconds()) / 1000,
	}
}

// latencyLog keeps every alert latency; a demo has few alerts.
type latencyLog struct {
	mu  sync.Mutex
	all []time.Duration
}

// Committed implements engine.Observer.
func (*latencyLog) Committed(time.Duration, int) {}

// Checkpointed implements engine.Observer.
func (*latencyLog) Checkpointed(time.Duration) {}

// Recovered implements engine.Observer.
func (*latencyLog) Recovered(time.Duration) {}

// AlertLatency implements engine.Observer.
func (l *latencyLog) AlertLatency(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, d)
}

// quantile is the nearest-rank quantile; 0 where nothing was measured.
func (l *latencyLog) quantile(q float64) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.all) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(l.all))
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}
