package main

import (
	"bytes"
	_ "embed"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/template"
)

//go:embed results.md.tmpl
var reportTemplate string

// reasons say why goals are not met; a person writes them, from profiles.
//
//go:embed reasons.md
var reasons string

// page is what the template shows.
type page struct {
	Reasons  string
	Quick    bool
	Files    []string
	Facts    []fact
	Lines    []string // commands as they were typed
	Goals    table
	Sections []section
	Troubles []string
}

type fact struct{ Name, Value string }

type table struct {
	Header []string
	Rows   [][]string
}

type section struct {
	Title, Intro string
	Parts        []part
}

// part is a table and its plots.
type part struct {
	Title   string
	Table   table
	Plots   []plot
	Command string
}

// plot is a drawing beside the page.
type plot struct {
	Alt, Path string
	svg       []byte
}

// writeReport writes RESULTS.md and its plots into a folder, from results files.
func writeReport(files []string, folder string) error {
	var all []result
	for i, file := range files {
		some, err := readResults([]string{file})
		if err != nil {
			return err
		}
		for _, r := range some {
			r.Run += i * 1000 // runs of different files are not of one run
			all = append(all, r)
		}
	}
	p := compose(all)
	p.Reasons = reasons
	for _, file := range files {
		p.Files = append(p.Files, relative(folder, file))
	}
	text, err := p.render()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(folder, "plots"), 0o755); err != nil {
		return err
	}
	for _, s := range p.Sections {
		for _, part := range s.Parts {
			for _, plot := range part.Plots {
				if err := os.WriteFile(filepath.Join(folder, plot.Path), plot.svg, 0o644); err != nil {
					return err
				}
			}
		}
	}
	return os.WriteFile(filepath.Join(folder, "RESULTS.md"), text, 0o644)
}

// relative names a file as seen from the report, and never by the machine's folders.
func relative(folder, file string) string {
	a, errA := filepath.Abs(folder)
	b, errB := filepath.Abs(file)
	if errA == nil && errB == nil {
		if name, err := filepath.Rel(a, b); err == nil && !strings.HasPrefix(name, "..") {
			return name
		}
	}
	return filepath.Base(file)
}

func (p page) render() ([]byte, error) {
	t, err := template.New("results").Parse(reportTemplate)
	if err != nil {
		return nil, fmt.Errorf("template of the report: %w", err)
	}
	var out bytes.Buffer
	if err := t.Execute(&out, p); err != nil {
		return nil, fmt.Errorf("write the report: %w", err)
	}
	lines := strings.Split(out.String(), "\n")
	var kept []string
	for i, line := range lines {
		if line = strings.TrimRight(line, " "); line == "" && (i == 0 || len(kept) > 0 && kept[len(kept)-1] == "") {
			continue
		}
		kept = append(kept, line)
	}
	return []byte(strings.TrimRight(strings.Join(kept, "\n"), "\n") + "\n"), nil
}

// compose makes the page from results.
func compose(all []result) page {
	var p page
	var t tally
	facts := map[string]string{}
	for _, r := range all {
		p.Quick = p.Quick || r.Quick
		if r.Facts != nil {
			maps.Copy(facts, r.Facts)
			p.Lines = append(p.Lines, r.Command)
			facts["measured"] = r.At.Format("2006-01-02")
			continue
		}
		t.all = append(t.all, r)
		switch {
		case r.Failed != "":
			first, _, _ := strings.Cut(r.Failed, "\n")
			p.Troubles = append(p.Troubles, fmt.Sprintf("%s, %s, %s: %s", r.Measure, r.Case, r.Engine, first))
		case !r.good():
			p.Troubles = append(p.Troubles, fmt.Sprintf("%s, %s, %s: %s", r.Measure, r.Case, r.Engine, r.Verdict))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(facts)) {
		p.Facts = append(p.Facts, fact{name, facts[name]})
	}
	p.Goals = goalTable(t, p.Quick)
	for _, s := range sections(t) {
		if len(s.Parts) > 0 {
			p.Sections = append(p.Sections, s)
		}
	}
	return p
}
