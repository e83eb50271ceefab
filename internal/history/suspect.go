package history

import "github.com/weirstream/weir/event"

// mostSuspects is of how many messages it is remembered where in the file they stand.
const mostSuspects = 10_000

// placed is the place of a message in the log that a file stands in for.
type placed struct {
	partition int
	offset    int64
}

// suspects are the lines of messages that hold a reading which probably cannot be used: the first ones, for examples.
type suspects struct {
	line int64 // of the message at hand; 0: nothing about it is suspect
	at   map[placed]int64
}

// judge looks at the readings of the message in a line.
func (s *suspects) judge(readings []event.Reading, line int64) {
	s.line = 0
	for i := range readings {
		if r := &readings[i]; r.Bad != "" || r.Value.Kind == event.String {
			s.line = line
		}
	}
}

// put notes where a message came to lie.
func (s *suspects) put(at placed, line int64) {
	if line == 0 || len(s.at) == mostSuspects {
		return
	}
	if s.at == nil {
		s.at = map[placed]int64{}
	}
	s.at[at] = line
}

// LineOf is the line, or the row behind the header of a CSV file, of a message that holds a reading which cannot be used; 0: not known. It
// must not be called while Next is.
func (l *Lines) LineOf(partition int32, offset int64) int64 {
	return l.suspects.at[placed{int(partition), offset}]
}
