package oracle

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/weirstream/weir/configs"
)

// files are the file of the pipeline and the former ones.
func (in *Input) files() []*configs.Pipeline {
	return append([]*configs.Pipeline{in.Pipeline}, in.Before...)
}

// isSession reports whether a window of that name is a session window by some file: what a record
// says of it does not tell by which.
func (in *Input) isSession(name string) bool {
	return slices.ContainsFunc(in.files(), func(p *configs.Pipeline) bool {
		at := windowOf(p, name)
		return at >= 0 && p.Windows[at].Kind == configs.Session
	})
}

// layoutSince is what a layout header begins with: since when, 8 bytes, and a version.
const layoutSince = 9

// columnsOf reads a layout header: of each column name, cells and words, as one text; nil where it
// is none.
func columnsOf(header []byte) map[string]bool {
	if len(header) < layoutSince {
		return nil
	}
	all := map[string]bool{}
	for r := (&noteReader{rest: header[layoutSince:]}); len(r.rest) > 0; {
		name, cells, words := r.name(), r.number(), r.number()
		if r.cut {
			return nil
		}
		all[fmt.Sprintf("%s %d %d", name, cells, words)] = true
	}
	return all
}

// FileHeader reads the header weir-file of a record of the journal; 0 where it is none.
func FileHeader(value []byte) uint64 {
	if len(value) != 8 {
		return 0
	}
	return binary.BigEndian.Uint64(value)
}

// first is what is to be checked with the file that was in force when the journal begins.
func (j *journal) first() *Input {
	if len(j.entries) == 0 {
		return j.in
	}
	return j.in.under(j.entries[0].by)
}

// under is an input with another file.
func (in *Input) under(p *configs.Pipeline) *Input {
	other := *in
	other.Pipeline, other.Before = p, in.files() // some of them twice
	return &other
}

// filesKnown finds the file by which each record was written, and says where that is not at hand:
// no outcome from there on can be checked. A file that is not at hand has one stand in for it that has
// the same windows and rules, as far as the layout of the state says so.
func (j *journal) filesKnown() bool {
	j.fillIn()
	files, shaped := map[uint64]*configs.Pipeline{}, map[uint64]*configs.Pipeline{}
	for _, p := range j.in.files() {
		files[p.Fingerprint] = p
	}
	for _, e := range j.entries {
		if p := files[e.file]; p != nil && e.file != 0 {
			shaped[e.shape] = p
		}
	}
	if n := len(j.entries); n > 0 && shaped[j.entries[n-1].shape] == nil {
		shaped[j.entries[n-1].shape] = j.in.Pipeline // a comment in it may be another, or an old version of weir does not tell
	}
	var last *entry
	for _, e := range j.entries {
		p := files[e.file]
		if p == nil || e.file == 0 {
			p = shaped[e.shape]
			if p != nil && e.file != 0 && (last == nil || last.file != e.file) {
				j.report.Assumed++
			}
		}
		switch {
		case p == nil:
			j.report.add(Difference{Kind: File, Topic: j.in.Pipeline.JournalTopic, Source: e.from, Output: e.output,
				Text: fmt.Sprintf("from source offset %d on the windows and rules were those of another file (%016x), which is none of the %d given: what was written from there on cannot be checked without it",
					e.from, e.file, len(j.in.Before)+1)})
			return false
		}
		if e.by = p; last != nil && last.by != p {
			j.report.Files++
		}
		last = e
	}
	return true
}

// fillIn tells each record what the last one before it with headers tells: a file is in force until
// another is. Those before the first header go by that one where they have its layout.
func (j *journal) fillIn() {
	var told *entry
	for _, e := range j.entries {
		switch {
		case e.file != 0 || e.columns != nil:
			told = e
		case told != nil && e.shape == told.shape:
			e.file = told.file
		}
	}
	for i := len(j.entries) - 2; i >= 0; i-- {
		if e, next := j.entries[i], j.entries[i+1]; e.file == 0 && e.shape == next.shape {
			e.file = next.file
		}
	}
}
