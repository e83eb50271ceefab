package main

import (
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/engine/replay"
	"github.com/weirstream/weir/event"
)

// backtestResult is what weir backtest --json prints.
type backtestResult struct {
	backtestSide
	From       string          `json:"from"` // append time of the first reading
	To         string          `json:"to"`   // and of the last
	Seconds    float64         `json:"seconds"`
	PerSecond  float64         `json:"readings_per_second"`
	Compared   *backtestSide   `json:"compared,omitempty"`
	Changes    []changeJSON    `json:"changes,omitempty"`
	RuleChange []ruleComparing `json:"rule_changes,omitempty"`

	pairs []replay.Pair
}

// backtestSide is what one pipeline made of the history.
type backtestSide struct {
	File     string           `json:"file"`
	Pipeline string           `json:"pipeline"`
	Devices  int              `json:"devices"`
	Readings backtestReadings `json:"readings"`
	Unusable []unusableJSON   `json:"unusable"` // by reason
	Rules    []ruleJSON       `json:"rules"`
	Episodes []episodeJSON    `json:"episodes"`

	all   []replay.Episode
	sums  []replay.RuleSummary
	span  event.Time // of history
	lines string     // backtesting.lines
}

// backtestReadings are the readings by class, which add up to All.
type backtestReadings struct {
	All       uint64 `json:"all"`
	Processed uint64 `json:"processed"`
	Filtered  uint64 `json:"filtered"`
	Late      uint64 `json:"late"`
	Future    uint64 `json:"future"`
	Bad       uint64 `json:"bad"`
	Duplicate uint64 `json:"duplicate"`
}

type ruleJSON struct {
	Rule          string  `json:"rule"`
	Episodes      int     `json:"episodes"`
	Pending       int     `json:"pending_only"`
	Open          int     `json:"open"`
	Devices       int     `json:"devices"`
	FiringSeconds float64 `json:"firing_seconds"`
	Flaps         int     `json:"flaps"`
	PerDeviceWeek float64 `json:"per_device_week"`
}

type episodeJSON struct {
	ID       string  `json:"id"`
	Rule     string  `json:"rule"`
	Device   string  `json:"device"` // or the group
	By       string  `json:"by,omitempty"`
	Level    string  `json:"level"`
	Fired    bool    `json:"fired"`
	StartsAt string  `json:"starts_at"`
	FiredAt  string  `json:"fired_at,omitempty"`
	EndsAt   string  `json:"ends_at,omitempty"`
	Seconds  float64 `json:"firing_seconds"`
	Peak     float64 `json:"peak"`
	Kind     string  `json:"kind,omitempty"`
}

// changeJSON is one episode that --compare finds in one run alone, or changed.
type changeJSON struct {
	Change string       `json:"change"` // only_before, only_after or changed
	Before *episodeJSON `json:"before,omitempty"`
	After  *episodeJSON `json:"after,omitempty"`
}

// ruleComparing is what --compare finds of one rule.
type ruleComparing struct {
	Rule       string `json:"rule"`
	Before     int    `json:"before"`
	After      int    `json:"after"`
	Same       int    `json:"same"`
	Changed    int    `json:"changed"`
	OnlyBefore int    `json:"only_before"`
	OnlyAfter  int    `json:"only_after"`
}

// result puts together what came of the run.
func (b *backtesting) result(paths []string) *backtestResult {
	r := &backtestResult{backtestSide: b.side(0, paths[0]), Seconds: b.took.Seconds()}
	if b.last > 0 {
		r.From, r.To = sayMoment(b.first), sayMoment(b.last)
	}
	r.PerSecond = float64(r.Readings.All) / max(r.Seconds, 1e-9)
	if len(b.pipelines) > 1 {
		other := b.side(1, paths[1])
		r.Compared, r.pairs = &other, replay.Compare(r.all, other.all)
		r.compare()
	}
	return r
}

func (b *backtesting) side(pipeline int, path string) backtestSide {
	p := b.pipelines[pipeline]
	c, devices := b.counters(pipeline)
	if !c.Conserved() {
		panic(fmt.Sprintf("backtest: the readings do not add up: %+v", c))
	}
	s := backtestSide{
		File: path, Pipeline: p.Name, Devices: devices, all: b.episodes(pipeline), Rules: []ruleJSON{}, Episodes: []episodeJSON{},
		Readings: backtestReadings{All: c.In, Processed: c.Processed, Filtered: c.Filtered, Late: c.Late, Future: c.Future, Bad: c.Bad, Duplicate: c.Duplicate},
	}
	s.Unusable, s.lines = b.unusable(pipeline), b.lines
	if b.last > b.first {
		s.span = b.last - b.first
	}
	s.sums = replay.Summarize(p, s.all, replay.History{First: b.first, Last: b.last, Devices: devices, Groups: b.groups(pipeline)})
	for _, r := range s.sums {
		s.Rules = append(s.Rules, ruleJSON{
			Rule: r.Rule, Episodes: r.Episodes, Pending: r.Pending, Open: r.Open, Devices: r.Devices,
			FiringSeconds: float64(r.Firing) / 1000, Flaps: r.Flaps, PerDeviceWeek: r.PerDeviceWeek,
		})
	}
	for i := range s.all {
		s.Episodes = append(s.Episodes, *toJSON(&s.all[i]))
	}
	return s
}

func toJSON(e *replay.Episode) *episodeJSON {
	if e == nil {
		return nil
	}
	j := &episodeJSON{
		ID: e.ID, Rule: e.Rule, Device: e.Device, By: e.By, Level: e.Level, Fired: e.Fired, StartsAt: sayMoment(e.Began),
		Seconds: float64(e.Firing()) / 1000, Peak: e.Peak, Kind: e.Kind,
	}
	if e.Fired {
		j.FiredAt = sayMoment(e.Start)
	}
	if !e.Open {
		j.EndsAt = sayMoment(e.End)
	}
	return j
}

// compare fills in what --compare shows.
func (r *backtestResult) compare() {
	r.Changes = []changeJSON{}
	at := map[string]int{}
	for _, rules := range [][]ruleJSON{r.Rules, r.Compared.Rules} {
		for _, rule := range rules {
			if _, known := at[rule.Rule]; !known {
				at[rule.Rule] = len(r.RuleChange)
				r.RuleChange = append(r.RuleChange, ruleComparing{Rule: rule.Rule})
			}
		}
	}
	for _, p := range r.pairs {
		name := ""
		if p.Then != nil {
			name = p.Then.Rule
		} else {
			name = p.Now.Rule
		}
		c := &r.RuleChange[at[name]]
		if p.Then != nil {
			c.Before++
		}
		if p.Now != nil {
			c.After++
		}
		kind := ""
		switch p.Change {
		case replay.Same:
			c.Same++
			continue
		case replay.Changed:
			c.Changed++
			kind = "changed"
		case replay.OnlyThen:
			c.OnlyBefore++
			kind = "only_before"
		case replay.OnlyNow:
			c.OnlyAfter++
			kind = "only_after"
		}
		r.Changes = append(r.Changes, changeJSON{Change: kind, Before: toJSON(p.Then), After: toJSON(p.Now)})
	}
}

// print shows the result to people, with so many episodes at most (0: all).
func (r *backtestResult) print(out io.Writer, top int) error {
	if r.Compared != nil {
		r.printChanges(out, top)
		for _, s := range []*backtestSide{&r.backtestSide, r.Compared} {
			fmt.Fprintf(out, "\n%s\n", s.File)
			s.printRules(out)
			s.printReadings(out)
		}
	} else {
		r.printEpisodes(out, top)
		fmt.Fprintln(out)
		r.printRules(out)
		r.printReadings(out)
	}
	_, err := fmt.Fprintf(out, "devices %d, %s to %s, in %.1f s: %.0f readings/s\n", r.Devices, orDash(r.From), orDash(r.To), r.Seconds, r.PerSecond)
	return err
}

func (s *backtestSide) printEpisodes(out io.Writer, top int) {
	t := newTable(out)
	fmt.Fprintln(t, "RULE\tDEVICE\tLEVEL\tSTART\tEND\tFIRING\tPEAK")
	shown, fired := 0, 0
	for i := range s.all {
		e := &s.all[i]
		if !e.Fired {
			continue
		}
		if fired++; top > 0 && shown == top {
			continue
		}
		shown++
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", e.Rule, e.Device, sayLevel(e), sayMoment(e.Start), sayEnd(e), sayMs(e.Firing()), sayValue(e.Peak))
	}
	_ = t.Flush()
	if fired > shown {
		fmt.Fprintf(out, "... and %d more (--top 0 prints all)\n", fired-shown)
	}
}

// sayLevel is the level of an episode, and what kind of anomaly it came to.
func sayLevel(e *replay.Episode) string {
	if e.Kind == "" {
		return e.Level
	}
	return e.Level + ", " + e.Kind
}

func (s *backtestSide) printRules(out io.Writer) {
	t := newTable(out)
	fmt.Fprintln(t, "RULE\tEPISODES\tDEVICES\tFIRING\tFLAPS\tOPEN\tPENDING ONLY\tPER DEVICE AND WEEK")
	for _, r := range s.sums {
		fmt.Fprintf(t, "%s\t%d\t%d\t%s\t%d\t%d\t%d\t%s\n", r.Rule, r.Episodes, r.Devices, sayMs(r.Firing), r.Flaps, r.Open, r.Pending, s.sayWeekly(r.PerDeviceWeek))
	}
	_ = t.Flush()
	if s.span > 0 && s.span < leastSpan && len(s.sums) > 0 {
		fmt.Fprintf(out, "- : %s of history say too little about a week\n", sayMs(s.span))
	}
}

// leastSpan is the shortest history of which it is shown what it comes to in a week.
const leastSpan = 24 * 3_600_000

// sayWeekly writes the episodes of a device in a week; of a short history they are chance.
func (s *backtestSide) sayWeekly(n float64) string {
	if s.span < leastSpan {
		return "-"
	}
	return strconv.FormatFloat(n, 'g', 3, 64)
}

func (s *backtestSide) printReadings(out io.Writer) {
	c := s.Readings
	fmt.Fprintf(out, "\nreadings %d = processed %d + filtered %d + late %d + future %d + bad %d + duplicate %d\n",
		c.All, c.Processed, c.Filtered, c.Late, c.Future, c.Bad, c.Duplicate)
	s.printUnusable(out)
}

// printChanges shows what --compare found.
func (r *backtestResult) printChanges(out io.Writer, top int) {
	t := newTable(out)
	fmt.Fprintln(t, "\tRULE\tDEVICE\tBEFORE\tAFTER\tFIRING")
	shown, changed := 0, 0
	for _, p := range r.pairs {
		if p.Change == replay.Same {
			continue
		}
		if changed++; top > 0 && shown == top {
			continue
		}
		shown++
		printPair(t, &p)
	}
	_ = t.Flush()
	switch {
	case changed == 0:
		fmt.Fprintln(out, "no episode would change")
	case changed > shown:
		fmt.Fprintf(out, "... and %d more (--top 0 prints all)\n", changed-shown)
	}
	fmt.Fprintln(out)
	fmt.Fprintln(t, "RULE\tBEFORE\tAFTER\tSAME\tCHANGED\tONLY BEFORE\tONLY AFTER")
	for _, c := range r.RuleChange {
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%d\t%d\t%d\n", c.Rule, c.Before, c.After, c.Same, c.Changed, c.OnlyBefore, c.OnlyAfter)
	}
	_ = t.Flush()
}

// printPair shows one episode that changes: - is gone, + is new, ~ is another.
func printPair(out io.Writer, p *replay.Pair) {
	side := func(e *replay.Episode) string {
		if e == nil {
			return "-"
		}
		return e.Level + " " + sayMoment(e.Start) + " to " + sayEnd(e)
	}
	switch p.Change {
	case replay.OnlyThen:
		fmt.Fprintf(out, "-\t%s\t%s\t%s\t\t%s less\n", p.Then.Rule, p.Then.Device, side(p.Then), sayMs(p.Then.Firing()))
	case replay.OnlyNow:
		fmt.Fprintf(out, "+\t%s\t%s\t\t%s\t%s more\n", p.Now.Rule, p.Now.Device, side(p.Now), sayMs(p.Now.Firing()))
	default:
		fmt.Fprintf(out, "~\t%s\t%s\t%s\t%s\t%s\n", p.Now.Rule, p.Now.Device, side(p.Then), side(p.Now), sayDifference(p.Now.Firing()-p.Then.Firing()))
	}
}

func sayDifference(d event.Time) string {
	switch {
	case d > 0:
		return sayMs(d) + " more"
	case d < 0:
		return sayMs(-d) + " less"
	default:
		return "as long"
	}
}

func newTable(out io.Writer) *tabwriter.Writer { return tabwriter.NewWriter(out, 0, 4, 2, ' ', 0) }

// sayMoment writes a time in UTC, with milliseconds where it has some.
func sayMoment(t event.Time) string {
	layout := "2006-01-02T15:04:05Z"
	if t%1000 != 0 {
		layout = "2006-01-02T15:04:05.000Z"
	}
	return time.UnixMilli(int64(t)).UTC().Format(layout)
}

func sayEnd(e *replay.Episode) string {
	if e.Open {
		return "fires still"
	}
	return sayMoment(e.End)
}

func sayMs(t event.Time) string { return configs.FormatSpan(t) }

func sayValue(v float64) string { return strconv.FormatFloat(v, 'g', 6, 64) }

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
