package mutants

import "fmt"

// staleError says that an edit no longer fits the code.
type staleError struct {
	edit  edit
	times int
}

func (e *staleError) Error() string {
	return fmt.Sprintf("%s holds %q %d times, want once: change the mutant with the code", e.edit.file, e.edit.old, e.times)
}
