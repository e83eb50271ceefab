package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/weirstream/weir/access"
	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/event"
	"github.com/weirstream/weir/internal/oracle"
	"github.com/weirstream/weir/internal/oracle/topics"
)

// verifyFlags are the flags of weir verify.
type verifyFlags struct {
	json    bool
	wait    time.Duration
	brokers []string
	// rosters are the files with versions of the roster; the one beside the pipeline
	// file comes first.
	rosters []string
	// before are former files of the pipeline, and formers what they say.
	before  []string
	formers []*configs.Pipeline
}

// verifySummary is what weir verify --json prints.
type verifySummary struct {
	Verified         bool                `json:"verified"`
	Readings         int                 `json:"readings"`
	Aggregates       int                 `json:"aggregates"`
	Alerts           int                 `json:"alerts"`
	Quarantined      int                 `json:"quarantined"`
	Resets           int                 `json:"resets"`
	Oversized        int                 `json:"oversized"`
	Facts            int                 `json:"facts"`
	Unjournaled      int                 `json:"unjournaled"`
	FilesChanged     int                 `json:"files_changed"`
	FilesAssumed     int                 `json:"files_assumed"`
	SkewMs           event.Time          `json:"skew_ms"`
	Groups           *verifyGroups       `json:"groups,omitempty"` // of windows over several devices
	OpenTransactions int                 `json:"open_transactions"`
	Topics           map[string]int      `json:"topics"`
	Differences      []oracle.Difference `json:"differences"`
}

func newVerifyCommand() *cobra.Command {
	var f verifyFlags
	cmd := &cobra.Command{
		Use:   "verify FILE",
		Short: "Check what a pipeline wrote against an independent model",
		Long: `Reads the source, the outputs and the journal of a pipeline read_committed, works out with a simple model that shares
no processing code with the engine what must have been written, and compares: every output there once, none unexpected,
in order per device, ids and sequences right, wall time entered only where it may, no open transaction. docs/SEMANTICS.md
says what exactly is expected. Nothing is written.

The source must not grow while this runs, must have message.timestamp.type=LogAppendTime, and must still hold what the
pipeline began with. A partition at a time is held in memory, and the readings of all windows over several devices; those have
their partials and the journal of their groups read as well. Stop such a pipeline first where it has many partitions: its tasks
tell how far they are each second, and nothing stands still.

A pipeline with a roster is checked against the version that was in force at each reading. The file beside the pipeline is
one of them; older ones are given with --roster.

A pipeline whose file has changed is checked against the file that was in force at each reading, as the journal tells: give the
former ones with --before. What went on and what began anew is then checked as well (docs/RELOAD.md).`,
		Example: `  weir verify pipeline.yaml
  weir verify --json --wait 5m pipeline.yaml
  weir verify --roster roster-2025.csv --roster roster-2026.csv pipeline.yaml
  weir verify --before pipeline-2025.yaml pipeline.yaml`,
		Args: exactly(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.wait < 0 {
				return usageError{errors.New("verify: --wait must not be negative")}
			}
			p, err := loadPipeline(args[0], func(d configs.Diagnostic) { fmt.Fprintln(cmd.ErrOrStderr(), d) })
			if err != nil {
				return err
			}
			for _, path := range f.before {
				former, err := loadPipeline(path, func(configs.Diagnostic) {})
				if err != nil {
					return err
				}
				f.formers = append(f.formers, former)
			}
			if p.Roster != nil {
				f.rosters = append([]string{rosterPath(args[0], p)}, f.rosters...)
			}
			return verify(cmd.Context(), p, f, cmd.OutOrStdout())
		},
	}
	cmd.Flags().BoolVar(&f.json, "json", false, "print one JSON object")
	cmd.Flags().DurationVar(&f.wait, "wait", 30*time.Second, "how long to wait until everything is folded and no transaction is open")
	cmd.Flags().StringSliceVar(&f.brokers, "brokers", nil, "host:port of brokers, in place of kafka.brokers; for an embedded broker without a fixed port")
	cmd.Flags().StringArrayVar(&f.rosters, "roster", nil, "a file with an older version of the roster; may be given more than once")
	cmd.Flags().StringArrayVar(&f.before, "before", nil, "a former file of the pipeline; may be given more than once")
	return cmd
}

// rosterPath is where the roster of a pipeline file is.
func rosterPath(file string, p *configs.Pipeline) string {
	if filepath.IsAbs(p.Roster.Path) {
		return p.Roster.Path
	}
	return filepath.Join(filepath.Dir(file), p.Roster.Path)
}

// verifyBrokers says where the brokers of a pipeline are.
func verifyBrokers(p *configs.Pipeline, f verifyFlags) ([]string, error) {
	e := p.Kafka.Embedded
	switch {
	case len(f.brokers) > 0:
		return f.brokers, nil
	case e == nil:
		return p.Kafka.Brokers, nil
	case e.Port == 0:
		return nil, usageError{errors.New("verify: the embedded broker has no fixed port: set kafka.embedded.port, or say with --brokers where the running one listens")}
	default:
		return []string{net.JoinHostPort("127.0.0.1", strconv.Itoa(e.Port))}, nil
	}
}

// verify checks a pipeline and prints what it finds. The error says that
// something is not as it must be.
func verify(ctx context.Context, p *configs.Pipeline, f verifyFlags, out io.Writer) error {
	if ctx == nil {
		ctx = context.Background()
	}
	if what := oracle.Unknown(p); what != "" {
		return usageError{fmt.Errorf("verify: this pipeline cannot be checked yet: %s", what)}
	}
	for i, former := range f.formers {
		if former.Name != p.Name || former.Source.Topic != p.Source.Topic {
			return usageError{fmt.Errorf("verify: --before %s is the file of pipeline %s on topic %s, and not a former one of pipeline %s on topic %s", f.before[i], former.Name, former.Source.Topic, p.Name, p.Source.Topic)}
		}
		if what := oracle.Unknown(former); what != "" {
			return usageError{fmt.Errorf("verify: the file %s cannot be checked yet: %s", f.before[i], what)}
		}
	}
	seeds, err := verifyBrokers(p, f)
	if err != nil {
		return err
	}
	v := &verification{pipeline: p, before: f.formers, out: out, quiet: f.json}
	for _, path := range f.rosters {
		file, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("verify: read roster: %w", err)
		}
		v.rosters = append(v.rosters, file)
	}
	door, err := access.NewKafka(access.KafkaOptions{Settings: p.Kafka, Brokers: seeds})
	if err != nil {
		return fmt.Errorf("verify: %w", err)
	}
	reader, err := topics.Open(p, door.Client("weir."+p.Name+".verify"), f.formers...)
	if err != nil {
		return fmt.Errorf("verify: %w", err)
	}
	defer reader.Close()
	standing, err := reader.Await(ctx, f.wait)
	if err != nil {
		return fmt.Errorf("verify: %w", door.Explain(err))
	}
	v.standing = standing
	v.summary.Topics, v.summary.Differences = map[string]int{}, []oracle.Difference{}
	v.summary.OpenTransactions = len(standing.Open)
	v.summary.Differences = append(v.summary.Differences, standing.Unsettled()...)
	if len(v.summary.Differences) == 0 {
		if err := v.partitions(ctx, reader); err != nil {
			return fmt.Errorf("verify: %w", door.Explain(err))
		}
	}
	v.summary.Verified = len(v.summary.Differences) == 0
	if f.json {
		e := json.NewEncoder(out)
		e.SetEscapeHTML(false)
		if err := e.Encode(v.summary); err != nil {
			return err
		}
	} else {
		v.print()
	}
	if !v.summary.Verified {
		return fmt.Errorf("verify: %d differences", len(v.summary.Differences))
	}
	return nil
}

// verification is a check under way.
type verification struct {
	pipeline *configs.Pipeline
	before   []*configs.Pipeline
	rosters  [][]byte // versions of the roster
	standing *topics.Standing
	out      io.Writer
	quiet    bool
	summary  verifySummary
}

// partitions checks one partition after the other: what one needed is free again
// before the next is read.
func (v *verification) partitions(ctx context.Context, reader *topics.Reader) error {
	fleet, err := reader.ReadFleet(ctx, v.standing, v.summary.Topics)
	if err != nil {
		return err
	}
	for p := range v.standing.Partitions {
		in, err := reader.Read(ctx, v.standing, p, v.summary.Topics)
		if err != nil {
			return err
		}
		in.Rosters, in.Fleet, in.Before = v.rosters, fleet, v.before
		r := oracle.Check(in)
		s := &v.summary
		s.Readings += r.Readings
		s.Aggregates += r.Aggregates
		s.Alerts += r.Alerts
		s.Quarantined += r.Quarantined
		s.Resets += r.Resets
		s.Oversized += r.Oversized
		s.Facts += r.Facts
		s.Unjournaled += r.Unjournaled
		s.FilesChanged += r.Files
		s.FilesAssumed += r.Assumed
		s.SkewMs = max(s.SkewMs, r.Skew)
		s.Differences = append(s.Differences, r.Differences...)
		v.addSent(fleet, &r.Sent)
		if v.quiet {
			continue
		}
		fmt.Fprintf(v.out, "partition %d: %d readings (processed %d, duplicate %d, late %d, future %d, bad %d, filtered %d), %d aggregates, %d alerts, %d quarantined, %d facts: %s\n",
			p, r.Readings, r.Classes.Processed, r.Classes.Duplicate, r.Classes.Late, r.Classes.Future, r.Classes.Bad, r.Classes.Filtered,
			r.Aggregates, r.Alerts, r.Quarantined, r.Facts, verdict(len(r.Differences)))
		v.printSent(fleet, &r.Sent)
	}
	return v.groups(ctx, reader, fleet)
}

func verdict(differences int) string {
	switch differences {
	case 0:
		return "verified"
	case 1:
		return "1 difference"
	default:
		return strconv.Itoa(differences) + " differences"
	}
}

// print says what was found, for people.
func (v *verification) print() {
	s := &v.summary
	for _, open := range v.standing.Upstream {
		fmt.Fprintf(v.out, "warning: a producer's transaction is open in the source, %s: what lies behind it was not checked\n", open)
	}
	if s.Unjournaled > 0 {
		fmt.Fprintf(v.out, "note: %d readings lie before what the journal still tells: silence was judged by append times alone there, so differences among them prove nothing\n", s.Unjournaled)
	}
	if s.FilesChanged > 0 {
		fmt.Fprintf(v.out, "note: the file of the pipeline changed %d times, of each partition by itself; each reading was checked by the one in force\n", s.FilesChanged)
	}
	if s.FilesAssumed > 0 {
		fmt.Fprintf(v.out, "note: the journal names a file %d times that was not given, and one with the same windows and rules stood in: where its thresholds or messages were others, differences prove nothing; give it with --before\n", s.FilesAssumed)
	}
	if s.Oversized > 0 {
		fmt.Fprintf(v.out, "note: %d records stand for outputs too large for their topics; those were not looked into\n", s.Oversized)
	}
	fmt.Fprint(v.out, oracle.Lines(s.Differences))
	if g := s.Groups; g != nil {
		fmt.Fprintf(v.out, "windows over several devices: %d readings gathered, %d in %d partials (%d came late), %d ungrouped, %d not due yet; %d aggregates, %d alerts\n",
			g.Gathered, g.InPartials, g.Partials, g.Late, g.Ungrouped, g.Unsent, g.Aggregates, g.Alerts)
	}
	fmt.Fprintf(v.out, "pipeline %s: %d readings, %d aggregates, %d alerts, %d quarantined, %d facts, clocks at most %d ms apart, %d open transactions: %s\n",
		v.pipeline.Name, s.Readings, s.Aggregates, s.Alerts, s.Quarantined, s.Facts, s.SkewMs, s.OpenTransactions, verdict(len(s.Differences)))
}
