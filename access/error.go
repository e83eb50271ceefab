package access

import (
	"errors"
	"strings"
)

// Error is trouble in getting in, told by the setting it comes from.
type Error struct {
	// Setting is the key of the pipeline file to look at, or several.
	Setting string
	// Reason says what is wrong and, where it is a guess, that it is likely.
	Reason string
	// Final says that trying again does not help before somebody changes something.
	Final bool
	// Err is the error behind it; nil: none.
	Err error
}

// Error implements error.
func (e *Error) Error() string {
	text := e.Setting + ": " + e.Reason
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap returns the error behind it.
func (e *Error) Unwrap() error { return e.Err }

// Refused reports whether trying again is in vain.
func (e *Error) Refused() bool { return e.Final }

// explained is an error with what it means in front.
type explained struct {
	hint string
	err  error
}

func (e *explained) Error() string { return e.hint + ": " + e.err.Error() }
func (e *explained) Unwrap() error { return e.err }

// surface puts the Error that an error wraps in front, where its text does not say so anyhow: clients have words of their own for a
// connection that ends at once.
func surface(err error) error {
	var e *Error
	if !errors.As(err, &e) || strings.Contains(err.Error(), e.Setting+": "+e.Reason) {
		return err
	}
	return &explained{hint: e.Setting + ": " + e.Reason, err: err}
}
