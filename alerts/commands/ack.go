package commands

import (
	"fmt"
	"strings"

	"github.com/weirstream/weir/event"
)

// idDigits is the length of an episode's id, in hexadecimal digits.
const idDigits = 32

// Ack says that somebody knows of an episode.
type Ack struct {
	ID   string // of the episode: 32 hexadecimal digits
	Rule string
	Whose
	Author, Reason string // as they were given; may be empty
	At             event.Time
}

func parseAck(id string, r *record) (Ack, error) {
	if !isID(id) {
		return Ack{}, fmt.Errorf("an episode's id is %d hexadecimal digits", idDigits)
	}
	if r.ID != id {
		return Ack{}, fmt.Errorf("id %.40q does not fit the key", r.ID)
	}
	if r.Rule == "" {
		return Ack{}, errMissing("rule")
	}
	w, err := r.whose()
	if err != nil {
		return Ack{}, err
	}
	at, err := instant("at", r.At)
	if err != nil {
		return Ack{}, err
	}
	return Ack{ID: id, Rule: r.Rule, Whose: w, Author: r.Author, Reason: r.Reason, At: at}, nil
}

func isID(text string) bool {
	return len(text) == idDigits && strings.Trim(text, "0123456789abcdef") == ""
}

func errMissing(field string) error { return fmt.Errorf("%s is missing", field) }

// AckKey is the key of the acknowledgement of an episode.
func AckKey(id string) string { return KindAck.String() + "/" + id }

// Key is the key of the command.
func (a *Ack) Key() string { return AckKey(a.ID) }

// AppendValue appends the value of the command's record.
func (a *Ack) AppendValue(b []byte) []byte {
	r := record{Kind: KindAck.String(), ID: a.ID, Rule: a.Rule, Device: a.Device, Group: a.Group, By: a.By, Author: a.Author, Reason: a.Reason, At: stamp(a.At)}
	return r.append(b)
}
