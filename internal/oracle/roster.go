package oracle

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/csv"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/weirstream/weir/configs"
)

// labels are what a roster says of a device, as text by name; a cell that is
// empty is none.
type labels map[string]string

// kind is what the cells of a column are.
type kind uint8

const (
	isText kind = iota
	isNumber
	isTruth
)

// roster is one version of the file that names the devices. A nil one knows none.
type roster struct {
	kinds   map[string]kind // by column
	devices map[string]labels
}

// fingerprint names a version: the first 8 bytes of the SHA-256 of the file.
func fingerprint(file []byte) uint64 {
	sum := sha256.Sum256(file)
	return binary.BigEndian.Uint64(sum[:])
}

// readRoster reads a version.
func readRoster(file []byte) (*roster, error) {
	cells := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(file, []byte("\ufeff"))))
	cells.TrimLeadingSpace = true // also before a quote
	rows, err := cells.ReadAll()
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		for i := range row {
			row[i] = strings.TrimSpace(row[i])
		}
	}
	if len(rows) == 0 {
		return nil, errors.New("it has no header")
	}
	header := rows[0]
	key := slices.Index(header, "device")
	if key < 0 {
		return nil, errors.New("it has no column device")
	}
	r := &roster{kinds: map[string]kind{}, devices: map[string]labels{}}
	for _, row := range rows[1:] {
		all := labels{}
		for i, name := range header {
			if i != key && row[i] != "" {
				all[name] = row[i]
			}
		}
		r.devices[row[key]] = all
	}
	for i, name := range header {
		if i != key {
			r.kinds[name] = kindOf(rows[1:], i)
		}
	}
	return r, nil
}

// kindOf looks at all cells of a column that are not empty.
func kindOf(rows [][]string, column int) kind {
	numbers, truths := true, true
	for _, row := range rows {
		cell := row[column]
		if cell == "" {
			continue
		}
		_, number := cellNumber(cell)
		numbers, truths = numbers && number, truths && (cell == "true" || cell == "false")
	}
	switch {
	case numbers:
		return isNumber
	case truths:
		return isTruth
	default:
		return isText
	}
}

// cellNumber is the number that a cell is, which has to be finite and decimal.
func cellNumber(cell string) (float64, bool) {
	v, err := strconv.ParseFloat(cell, 64)
	return v, err == nil && !strings.ContainsAny(cell, "xXpP_") && !math.IsInf(v, 0) && !math.IsNaN(v)
}

// of are the labels of a device.
func (r *roster) of(device string) labels {
	if r == nil {
		return nil
	}
	return r.devices[device]
}

// number is a label that is a number.
func (r *roster) number(device, name string) (float64, bool) {
	cell, ok := r.of(device)[name]
	if !ok {
		return 0, false
	}
	return cellNumber(cell)
}

// typed are the labels of a device as expressions see them: of the kinds that the
// pipeline was checked with. A column that is used has no other kind in a version that
// was taken, but for texts that all look like something else.
func (r *roster) typed(device string, known map[string]kind) map[string]any {
	all := map[string]any{}
	of := r.of(device)
	for name, k := range known { // unordered: into a map
		all[name] = typed(of[name], k)
	}
	return all
}

// typed is a cell as a value; an empty one is "", no number, or false.
func typed(cell string, k kind) any {
	switch k {
	case isNumber:
		if v, ok := cellNumber(cell); ok {
			return v
		}
		return math.NaN()
	case isTruth:
		return cell == "true"
	default:
		return cell
	}
}

// rostersOf reads the versions at hand, by fingerprint. The first is the one that
// lies beside the pipeline file.
func rostersOf(in *Input, report *Report) (map[uint64]*roster, *roster) {
	all := map[uint64]*roster{}
	for _, file := range in.Rosters {
		r, err := readRoster(file)
		if err != nil {
			report.add(Difference{Kind: Roster, Source: -1, Output: -1, Text: fmt.Sprintf("roster version %016x cannot be read: %v", fingerprint(file), err)})
			continue
		}
		all[fingerprint(file)] = r
	}
	if len(in.Rosters) == 0 {
		return all, nil
	}
	return all, all[fingerprint(in.Rosters[0])]
}

// rostersKnown says of each version that came into force whether it is at hand:
// without it no outcome from there on can be checked.
func (t *task) rostersKnown(j *journal) bool {
	known := !slices.ContainsFunc(t.report.Differences, func(d Difference) bool { return d.Kind == Roster })
	for _, e := range j.entries {
		for _, f := range e.facts {
			if !f.isRoster || t.p.Roster == nil || t.rosters[f.roster] != nil {
				continue
			}
			known = false
			t.report.add(Difference{
				Kind: Roster, Topic: t.p.JournalTopic, Source: f.position, Output: e.output,
				Text: fmt.Sprintf("roster version %016x came into force at source offset %d, and it is none of the %d given: what was written from there on cannot be checked without that file",
					f.roster, f.position, len(t.in.Rosters)),
			})
		}
	}
	return known
}

// enterRoster lets a version of the roster come into force.
func (t *task) enterRoster(f fact) {
	t.step++
	t.source = f.position
	if t.p.Roster == nil {
		t.illegal(f, "", fmt.Sprintf("roster version %016x came into force, and the pipeline has no roster", f.roster))
		return
	}
	before := t.roster
	if t.former != nil && !t.former.expects {
		before = nil // nobody was expected so far
	}
	t.roster, t.typed = t.rosters[f.roster], map[string]map[string]any{}
	t.expect(before)
	for _, d := range t.ordered() {
		for rule := range d.rules {
			t.inhibit(d, rule, false)
		}
	}
	if t.unobeyed {
		t.unobeyed = false
		t.unsure = t.guessed
		t.obey()
		t.unsure = false
		return
	}
	for _, d := range t.ordered() {
		t.review(d)
	}
}

// labelKinds are the columns that the pipeline was checked with.
func labelKinds(p *configs.Pipeline) map[string]kind {
	all := map[string]kind{}
	if p.Roster == nil {
		return all
	}
	for _, l := range p.Roster.Labels {
		all[l.Name] = kind(l.Kind)
	}
	return all
}
