package expr

import (
	"errors"
	"strings"

	"github.com/expr-lang/expr/file"
)

// Errors of expressions that cannot be worked out for an input.
var (
	// ErrNotFinite is returned where the result is an infinity or no number at all.
	ErrNotFinite = errors.New("the result is not a finite number")
	// ErrWhole is returned where % divides by zero or int is asked for a number
	// that no whole number of 64 bits is near to.
	ErrWhole = errors.New("no whole number results")
)

// Error says what is wrong with the text of an expression.
type Error struct {
	// Line and Col are where, both from 1 and in characters; 0 where the whole text
	// is meant.
	Line, Col int
	Message   string
	// Name is what was not found, where that is the error, and Known are the names of
	// its kind that exist, for a suggestion.
	Name  string
	Known []string
	// Label is set where Name is a label.
	Label bool
}

func (e *Error) Error() string { return e.Message }

// at gives an error a place in the text.
func at(source string, l file.Location, e Error) *Error {
	e.Line, e.Col = 1, 1
	left := l.From
	for _, r := range source {
		if left == 0 {
			break
		}
		left--
		e.Col++
		if r == '\n' {
			e.Line, e.Col = e.Line+1, 1
		}
	}
	return &e
}

// foreign turns an error of the language's own into one of ours.
func foreign(source string, err error) error {
	if f, ok := errors.AsType[*file.Error](err); ok {
		return at(source, f.Location, Error{Message: plainer(f.Message)})
	}
	return &Error{Message: err.Error()}
}

// plainer says what the language says in words for people who do not program.
func plainer(message string) string {
	switch {
	case message == "unexpected token EOF":
		return "the expression ends before it is complete"
	case strings.HasPrefix(message, "invalid operation: %"):
		return message + "; % is for whole numbers, such as int(value)"
	default:
		return message
	}
}
