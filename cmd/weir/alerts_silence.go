package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/weirstream/weir/alerts/commands"
	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/event"
)

// silenceFlags say what is silenced and when.
type silenceFlags struct {
	name, span, start, end string
	maintenance            bool
	rules, devices, labels []string
}

func newSilenceCommand(f *alertsFlags) *cobra.Command {
	var s silenceFlags
	cmd := &cobra.Command{
		Use: "silence FILE [MATCHER...]", Short: "Suppress alerts for some time",
		Long: `Suppresses the alerts that all matchers fit, from --start (now, where absent) for a time or until --end. They go on, with
suppressed_by in their records; receivers that notify people leave such alerts out.

A matcher is NAME OP VALUE in one word: NAME is rule, device, group, level or labels.NAME; OP is = or !=, or with a regular
expression for the whole text =~ or !~. --rule, --device and --label say the same: --device press-1 is device=press-1, and
--label site=Hamburg is labels.site=Hamburg.

The times are those of the clock of the pipeline's tasks, which is that of the brokers.`,
		Example: `  weir alerts silence pipeline.yaml --device press-12 --for 2h --reason "belt is being changed"
  weir alerts silence pipeline.yaml --label site=Hamburg 'rule!=fire' --start 2026-03-01T22:00:00Z --end 2026-03-02T06:00:00Z --maintenance
  weir alerts silence pipeline.yaml 'device=~press-.*' --for 30m --name presses`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usageError{fmt.Errorf("usage: %s", cmd.UseLine())}
			}
			return nil
		},
		RunE: f.with(func(cmd *cobra.Command, d *desk, args []string) error {
			if err := f.said(); err != nil {
				return err
			}
			one, err := s.silence(d.now(), args)
			if err != nil {
				return usageError{fmt.Errorf("silence: %w", err)}
			}
			one.Author, one.Reason = f.Author, f.Reason
			fits, err := d.silence(cmd.Context(), one)
			if errors.Is(err, errNoCommand) {
				return usageError{fmt.Errorf("silence: %w", err)}
			}
			if err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			fmt.Fprintf(out, "%s: %s, from %s to %s\n", one.Key(), sayMatchers(one.Matchers), clockTime(one.Start), clockTime(one.End))
			if len(fits) == 0 {
				fmt.Fprintln(out, "it fits no open alert")
			}
			for i := range fits {
				fmt.Fprintf(out, "it fits %s %s of %s (%.*s)\n", fits[i].Rule, fits[i].Level, plain(ofWhom(&fits[i])), shortID, fits[i].ID)
			}
			return nil
		}),
	}
	f.says(cmd)
	flags := cmd.Flags()
	flags.StringVar(&s.name, "name", "", "what it is called, to change it or take it back; made up where absent")
	flags.StringVar(&s.span, "for", "", "how long, such as 2h or 1d")
	flags.StringVar(&s.start, "start", "", "from when, such as 2026-03-01T12:00:00Z; now where absent")
	flags.StringVar(&s.end, "end", "", "until when, in place of --for")
	flags.BoolVar(&s.maintenance, "maintenance", false, "call it maintenance: nobody is to wonder")
	flags.StringArrayVar(&s.rules, "rule", nil, "alerts of this rule")
	flags.StringArrayVar(&s.devices, "device", nil, "alerts of this device")
	flags.StringArrayVar(&s.labels, "label", nil, "alerts of devices with this label, such as site=Hamburg or site=~Ham.*")
	return cmd
}

// silence makes the silence that the flags and the matchers behind the file say.
func (s *silenceFlags) silence(now time.Time, matchers []string) (commands.Silence, error) {
	one := s.named(now)
	texts := append([]string{}, matchers...)
	for _, r := range s.rules {
		texts = append(texts, "rule="+r)
	}
	for _, d := range s.devices {
		texts = append(texts, "device="+d)
	}
	for _, l := range s.labels {
		texts = append(texts, "labels."+l)
	}
	if len(texts) == 0 {
		return one, errors.New("say what with --rule, --device, --label or a matcher; everything is 'rule=~.*'")
	}
	for _, text := range texts {
		m, err := parseMatcher(text)
		if err != nil {
			return one, err
		}
		one.Matchers = append(one.Matchers, m)
	}
	var err error
	one.Start, one.End, err = s.times(now, silenceWords{start: "--start", end: "--end", span: "--for"})
	return one, err
}

// named is the silence with kind and name and nothing else.
func (s *silenceFlags) named(now time.Time) commands.Silence {
	one := commands.Silence{Kind: commands.KindSilence, Name: cmp.Or(s.name, newName(now, rand.Uint32()))}
	if s.maintenance {
		one.Kind = commands.KindMaintenance
	}
	return one
}

// silenceWords are what the times of a silence are called where they were said.
type silenceWords struct{ start, end, span string }

// times are the start and the end of the silence.
func (s *silenceFlags) times(now time.Time, called silenceWords) (start, end event.Time, err error) {
	start = event.Time(now.UnixMilli())
	if s.start != "" {
		if start, err = parseClockTime(called.start, s.start); err != nil {
			return 0, 0, err
		}
	}
	switch {
	case s.span != "" && s.end != "":
		return 0, 0, fmt.Errorf("%s and %s exclude each other", called.span, called.end)
	case s.span != "":
		span, err := configs.ParseSpan(s.span)
		if err != nil {
			return 0, 0, fmt.Errorf("%s %q %w", called.span, s.span, err)
		}
		end = start + span
	case s.end != "":
		if end, err = parseClockTime(called.end, s.end); err != nil {
			return 0, 0, err
		}
	default:
		return 0, 0, fmt.Errorf("say how long with %s, or until when with %s", called.span, called.end)
	}
	if end <= start {
		return 0, 0, fmt.Errorf("it ends at %s, which is not later than its start %s", clockTime(end), clockTime(start))
	}
	return start, end, nil
}

func parseClockTime(called, text string) (event.Time, error) {
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return 0, fmt.Errorf("%s %q must be a time such as 2026-03-01T12:00:00Z", called, text)
	}
	return event.Time(t.UnixMilli()), nil
}

// parseMatcher reads NAME OP VALUE. The value may have anything in it.
func parseMatcher(text string) (commands.Matcher, error) {
	i := strings.IndexAny(text, "=!")
	if i < 1 {
		return commands.Matcher{}, fmt.Errorf("matcher %q must be NAME=VALUE, NAME!=VALUE, NAME=~EXPRESSION or NAME!~EXPRESSION", text)
	}
	op := text[i : i+1]
	if i+1 < len(text) && (text[i+1] == '~' || text[i:i+2] == "!=") {
		op = text[i : i+2]
	}
	return commands.NewMatcher(text[:i], op, text[i+len(op):])
}

func sayMatchers(list []commands.Matcher) string {
	var texts []string
	for _, m := range list {
		texts = append(texts, m.String())
	}
	return strings.Join(texts, " and ")
}

func clockTime(t event.Time) string {
	return time.UnixMilli(int64(t)).UTC().Format(time.RFC3339)
}

func newSilencesCommand(f *alertsFlags) *cobra.Command {
	return &cobra.Command{
		Use: "silences FILE", Short: "List silences and times of maintenance", Args: exactly(1),
		RunE: f.with(func(cmd *cobra.Command, d *desk, _ []string) error {
			s, err := d.see(cmd.Context())
			if err != nil {
				return err
			}
			return s.listSilences(cmd.OutOrStdout(), listOptions{json: f.json, now: d.now()})
		}),
	}
}

// shownSilence is a silence as silences and the HTTP API have it.
type shownSilence struct {
	Name        string         `json:"name"`
	Maintenance bool           `json:"maintenance,omitempty"`
	Matchers    []shownMatcher `json:"matchers"`
	Start       string         `json:"start"`
	End         string         `json:"end"`
	Author      string         `json:"author"`
	Reason      string         `json:"reason"`
	At          string         `json:"at,omitempty"`
	State       string         `json:"state"` // in force, over or to come
	Fits        []string       `json:"fits"`  // ids of open alerts
}

type shownMatcher struct {
	Name  string `json:"name"`
	Op    string `json:"op"`
	Value string `json:"value"`
}

func (s *sight) silence(one *commands.Silence, now time.Time) shownSilence {
	shown := shownSilence{
		Name: one.Name, Maintenance: one.Kind == commands.KindMaintenance, Start: clockTime(one.Start), End: clockTime(one.End),
		Author: one.Author, Reason: one.Reason, State: "in force", Fits: []string{}, At: clockTime(one.At),
	}
	switch at := event.Time(now.UnixMilli()); {
	case at < one.Start:
		shown.State = "to come"
	case at >= one.End:
		shown.State = "over"
	}
	for _, m := range one.Matchers {
		shown.Matchers = append(shown.Matchers, shownMatcher{m.Name, m.Op, m.Value})
	}
	for _, e := range s.fits(one) {
		shown.Fits = append(shown.Fits, e.ID)
	}
	return shown
}

func (s *sight) listSilences(out io.Writer, o listOptions) error {
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	if !o.json {
		fmt.Fprintln(w, "NAME\tSTATE\tSTART\tEND\tFITS\tAUTHOR\tMATCHERS\tREASON")
	}
	list := s.version.Silences()
	for i := range list {
		shown := s.silence(&list[i], o.now)
		if o.json {
			if err := encoder.Encode(shown); err != nil {
				return err
			}
			continue
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d\t%s\t%s\t%s\n", list[i].Key(), shown.State, shown.Start, shown.End, len(shown.Fits), plain(orDash(shown.Author)),
			sayMatchers(list[i].Matchers), plain(shown.Reason))
	}
	return w.Flush()
}

func newUnsilenceCommand(f *alertsFlags) *cobra.Command {
	return &cobra.Command{
		Use: "unsilence FILE NAME", Short: "Take a silence or a time of maintenance back", Args: exactly(2),
		RunE: f.with(func(cmd *cobra.Command, d *desk, args []string) error {
			one, err := d.unsilence(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "taken back: %s\n", one.Key())
			return err
		}),
	}
}
