package engine

import (
	"errors"
	"fmt"
)

// RefusedError says that a pipeline must not run until a person has looked: to
// go on would break exactly-once or lose readings. It is never retried.
type RefusedError struct{ Reason string }

func (e *RefusedError) Error() string { return "refused: " + e.Reason }

func refuse(format string, args ...any) error {
	return &RefusedError{Reason: fmt.Sprintf(format, args...)}
}

// ErrLost is the end of a runner whose partition belongs to somebody else now.
var ErrLost = errors.New("partition lost")

// ErrUnclear is the end of a runner that cannot know whether its transaction was
// committed: only the broker's offset decides.
var ErrUnclear = errors.New("outcome of the transaction unclear")

// ErrJournalGap is the end of a recovery that found a piece of the journal
// missing, for somebody trimmed meanwhile.
var ErrJournalGap = errors.New("gap in the journal")

// StoreError is a failure of the local store. It ends the process's tasks: a
// store that failed once may hold anything.
type StoreError struct{ Err error }

func (e *StoreError) Error() string { return "local state store (state.dir): " + e.Err.Error() }

// Unwrap returns the store's own error.
func (e *StoreError) Unwrap() error { return e.Err }
