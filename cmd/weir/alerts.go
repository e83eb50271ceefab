package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/weirstream/weir/access"
	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/outlets/board"
)

// shortID is how many digits of an episode's id people are shown.
const shortID = 12

// alertsFlags are common to all commands of weir alerts.
type alertsFlags struct {
	brokers []string
	json    bool
	who
}

func newAlertsCommand() *cobra.Command {
	f := &alertsFlags{}
	cmd := &cobra.Command{
		Use:   "alerts",
		Short: "See open alerts; acknowledge, silence and explain them",
		Long: `Reads the alerts topic of a pipeline, and writes what you say of its alerts to its topic of commands, where the
running pipeline finds it. ID is the id of an alert, or its first digits.`,
		Args: unknownCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.PersistentFlags().StringSliceVar(&f.brokers, "brokers", nil, "host:port of brokers, in place of kafka.brokers; for an embedded broker without a fixed port")
	cmd.PersistentFlags().BoolVar(&f.json, "json", false, "print JSON, one object a line")
	cmd.AddCommand(newAlertsLsCommand(f), newAlertsExplainCommand(f), newAckCommand(f), newUnackCommand(f),
		newSilenceCommand(f), newSilencesCommand(f), newUnsilenceCommand(f))
	return cmd
}

// says adds the flags that say who says something, and why.
func (f *alertsFlags) says(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.Author, "author", os.Getenv("USER"), "who says so")
	cmd.Flags().StringVar(&f.Reason, "reason", "", "why")
}

// desk opens the desk of a pipeline file.
func (f *alertsFlags) desk(cmd *cobra.Command, file string) (*desk, error) {
	p, err := loadPipeline(file, func(d configs.Diagnostic) { fmt.Fprintln(cmd.ErrOrStderr(), d) })
	if err != nil {
		return nil, err
	}
	brokers := f.brokers
	if len(brokers) == 0 {
		brokers = p.Kafka.Brokers
		if e := p.Kafka.Embedded; e != nil && e.Port == 0 {
			return nil, usageError{errors.New("alerts: the embedded broker has no fixed port: set kafka.embedded.port, or say with --brokers where the running one listens")}
		} else if e != nil {
			brokers = []string{net.JoinHostPort("127.0.0.1", strconv.Itoa(e.Port))}
		}
	}
	door, err := access.NewKafka(access.KafkaOptions{Settings: p.Kafka, Brokers: brokers})
	if err != nil {
		return nil, err
	}
	return newDesk(p, door), nil
}

// said checks that somebody says something.
func (f *alertsFlags) said() error {
	if f.Author == "" {
		return usageError{errors.New("alerts: say who with --author: USER is not set")}
	}
	return nil
}

// with runs something at the desk of the pipeline file that the first argument names.
func (f *alertsFlags) with(do func(cmd *cobra.Command, d *desk, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		d, err := f.desk(cmd, args[0])
		if err != nil {
			return err
		}
		defer d.close()
		return do(cmd, d, args[1:])
	}
}

// wanted are the alerts that ls shows.
type wanted struct{ rule, device, group, level, state string }

func (w wanted) has(e *board.Episode) bool {
	for _, f := range [][2]string{{w.rule, e.Rule}, {w.device, e.Device}, {w.group, e.Group}, {w.level, e.Level}, {w.state, e.State}} {
		if f[0] != "" && f[0] != f[1] {
			return false
		}
	}
	return true
}

func newAlertsLsCommand(f *alertsFlags) *cobra.Command {
	var w wanted
	cmd := &cobra.Command{
		Use: "ls FILE", Short: "List open alerts, those that fire first",
		Example: `  weir alerts ls pipeline.yaml
  weir alerts ls --rule too-warm --json pipeline.yaml`,
		Args: exactly(1),
		RunE: f.with(func(cmd *cobra.Command, d *desk, _ []string) error {
			s, err := d.see(cmd.Context())
			if err != nil {
				return err
			}
			if s.dropped > 0 {
				fmt.Fprintf(cmd.ErrOrStderr(), "more alerts are open than are shown: %d were left out\n", s.dropped)
			}
			return s.list(cmd.OutOrStdout(), listOptions{wanted: w, json: f.json, now: d.now()})
		}),
	}
	cmd.Flags().StringVar(&w.rule, "rule", "", "only of this rule")
	cmd.Flags().StringVar(&w.device, "device", "", "only of this device")
	cmd.Flags().StringVar(&w.group, "group", "", "only of this group")
	cmd.Flags().StringVar(&w.level, "level", "", "only at this level")
	cmd.Flags().StringVar(&w.state, "state", "", "only in this state: firing, recovering or pending")
	return cmd
}

type listOptions struct {
	wanted
	json bool
	now  time.Time
}

// listed is an open alert as ls and the HTTP API have it.
type listed struct {
	board.Episode
	AckSent bool `json:"ack_sent,omitempty"` // acknowledged, but no event tells yet
}

func (s *sight) listed(e board.Episode) listed {
	_, sent := s.version.Ack(e.ID)
	return listed{Episode: e, AckSent: sent && e.Acked == nil}
}

// list prints the open alerts.
func (s *sight) list(out io.Writer, o listOptions) error {
	if o.json {
		encoder := json.NewEncoder(out)
		encoder.SetEscapeHTML(false)
		for i := range s.open {
			if o.has(&s.open[i]) {
				if err := encoder.Encode(s.listed(s.open[i])); err != nil {
					return err
				}
			}
		}
		return nil
	}
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "STATE\tLEVEL\tRULE\tDEVICE\tSINCE\tFOR\tID\tFLAGS")
	for i := range s.open {
		e := &s.open[i]
		if !o.has(e) {
			continue
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", e.State, orDash(e.Level), e.Rule, plain(ofWhom(e)), e.StartsAt.UTC().Format(time.DateTime),
			spanSince(e.StartsAt, o.now), e.ID[:min(shortID, len(e.ID))], plain(strings.Join(s.flagsOf(e), ", ")))
	}
	return w.Flush()
}

// plain is a text that others have chosen, without what moves the cursor of a terminal.
func plain(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, text)
}

// ofWhom is the device, or the group with what it is by.
func ofWhom(e *board.Episode) string {
	switch {
	case e.Group == "":
		return e.Device
	case e.By == configs.GroupAll:
		return "(all)"
	}
	return "(" + strings.TrimPrefix(e.By, "labels.") + " " + e.Group + ")"
}

// wholeMinutes writes a duration of a minute or more, without seconds where there are none: 4m, 4m40s.
func wholeMinutes(d time.Duration) string {
	text := d.String()
	if rest, whole := strings.CutSuffix(text, "m0s"); whole {
		return rest + "m"
	}
	return text
}

// spanSince is how long something lasts, in its two largest units.
func spanSince(from, to time.Time) string {
	d := to.Sub(from)
	switch {
	case d < 0:
		return "0s"
	case d < time.Minute:
		return d.Truncate(time.Second).String()
	case d < time.Hour:
		return wholeMinutes(d.Truncate(time.Second))
	case d < 24*time.Hour:
		return wholeMinutes(d.Truncate(time.Minute))
	}
	return fmt.Sprintf("%dd%dh", int(d.Hours())/24, int(d.Hours())%24)
}
