package simulation

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/csv"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// rosterName is what the pipeline calls the file.
const rosterName = "fleet.csv"

// version is one version of the file that names the devices.
type version struct {
	at      time.Duration // since the beginning of the world; a process has it a while later
	content []byte
	what    string
	bad     bool // no engine may take it
}

// fingerprint is what facts call a version.
func (v *version) fingerprint() string {
	sum := sha256.Sum256(v.content)
	return fmt.Sprintf("%016x", binary.BigEndian.Uint64(sum[:8]))
}

// columns of the first version. No expression, rule or message uses the last one, whose name is one of weir's own labels.
func columns() []string {
	return []string{"device", "site", "limit", "calm", "upper", "factor", "active", "severity"}
}

// firstRoster draws the version that the pipeline is checked with.
func firstRoster(rng *rand.Rand) version {
	return version{content: file(rows(columns(), rng)), what: "first"}
}

// laterRosters draws the versions that come during a world. The last of them can be used.
func laterRosters(s *shape, span time.Duration, rng *rand.Rand) []version {
	var all []version
	for range 1 + rng.IntN(3) {
		all = append(all, laterRoster(s, rng))
	}
	if all[len(all)-1].bad {
		all = append(all, version{content: file(rows(columns(), rng)), what: "new"})
	}
	times := make([]time.Duration, len(all))
	for i := range times {
		times[i] = time.Duration(rng.Int64N(int64(span)))
	}
	slices.Sort(times)
	for i := range all {
		all[i].at = times[i]
	}
	return all
}

// laterRoster draws a version. Each is odd in its own way.
func laterRoster(s *shape, rng *rand.Rand) version {
	all := rows(columns(), rng)
	one := func(column, text string) {
		all[1+rng.IntN(len(all)-1)][slices.Index(all[0], column)] = text
	}
	every := func(column string, text func() string) {
		k := slices.Index(all[0], column)
		for _, row := range all[1:] {
			row[k] = text()
		}
	}
	v := version{what: "new"}
	switch rng.IntN(12) {
	case 0:
		v.what = "a text is numbers"
		every("site", func() string { return fmt.Sprint(rng.IntN(20)) })
	case 1:
		v.what = "nobody has a truth value"
		every("active", func() string { return "" })
	case 2:
		v.what = "columns elsewhere"
		all = moved(rng)
	case 3:
		v.what = "nobody is named"
		all = all[:1]
	case 4:
		v.what, v.content = "the first again", s.rosters[0].content
		return v
	case 5:
		v.what, v.bad = "a number is none", strings.Contains(s.text, "labels.limit")
		one("limit", []string{"much", "0x1p5", "inf", "NaN", "1_0"}[rng.IntN(5)])
	case 6:
		v.what, v.bad = "a column is gone", strings.Contains(s.text, "labels.active")
		k := slices.Index(all[0], "active")
		for i := range all {
			all[i] = slices.Delete(all[i], k, k+1)
		}
	case 7:
		v.what, v.bad = "a quote is open", true
		v.content = append(file(all), "\"pump-0"...)
		return v
	case 8:
		v.what, v.bad, v.content = "empty", true, nil
		return v
	}
	v.content = file(all)
	return v
}

// moved are lines whose columns stand in another order, among others.
func moved(rng *rand.Rand) [][]string {
	names := append(columns(), "more", "alertname")
	rng.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	return rows(names, rng)
}

// rows draws lines: the header, and one for each device, some left out. The first device gives every column its kind.
func rows(names []string, rng *rand.Rand) [][]string {
	all := [][]string{names}
	for i := range 18 {
		for _, name := range []string{fmt.Sprintf("pump-%d", i), fmt.Sprintf("pump-%d", i) + oddSuffix} {
			if i > 0 && rng.IntN(5) == 0 {
				continue
			}
			row := make([]string, len(names))
			for k, column := range names {
				row[k] = cell(column, rng)
				if column == "device" {
					row[k] = name
				} else if i > 0 && rng.IntN(8) == 0 {
					row[k] = ""
				}
				if rng.IntN(10) == 0 {
					row[k] = " " + row[k] + " "
				}
			}
			all = append(all, row)
		}
	}
	return all
}

// cell draws what stands in a column.
func cell(column string, rng *rand.Rand) string {
	number := func(least, span int) string {
		forms := []string{"%d", "%d.5", "+%d", "%d.00", "%de0", "0%d"}
		return fmt.Sprintf(forms[rng.IntN(len(forms))], least+rng.IntN(span))
	}
	switch column {
	case "site":
		return []string{"north", "south", `the "east", 2`, "Ü"}[rng.IntN(4)]
	case "limit":
		return number(45, 20)
	case "calm":
		return number(35, 20)
	case "upper":
		return number(60, 20)
	case "factor":
		return []string{"1", "-2.5", "1e3", "0", "1e-2", "1e300"}[rng.IntN(6)]
	case "active":
		return []string{"true", "false"}[rng.IntN(2)]
	default:
		return []string{"a", "b"}[rng.IntN(2)]
	}
}

// file is the CSV text of lines.
func file(all [][]string) []byte {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	if err := w.WriteAll(all); err != nil {
		panic(err) // a buffer takes everything
	}
	return b.Bytes()
}
