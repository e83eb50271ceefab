package access

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/weirstream/weir/configs"
)

// largestSecret is the most that is read of a file with a secret, in bytes.
const largestSecret = 64 << 10

// reveal returns a secret as it is now: one that came from a file is read there again.
func reveal(s configs.Secret, setting string) (string, error) {
	if s.File() == "" {
		return s.Reveal(), nil
	}
	return readSecret(s.File(), setting)
}

// readSecret reads a file that holds nothing but a secret.
func readSecret(path, setting string) (string, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return "", &Error{Setting: setting, Reason: "cannot be read", Err: err}
	}
	text := strings.TrimRight(string(content), "\r\n")
	switch {
	case text == "":
		err = errors.New("it is empty")
	case len(text) > largestSecret:
		err = fmt.Errorf("it has %d bytes", len(text))
	case strings.ContainsAny(text, "\r\n\x00"):
		err = errors.New("it is not one line of text")
	}
	if err != nil {
		return "", &Error{Setting: setting, Reason: fmt.Sprintf("%q holds no secret", path), Err: err}
	}
	return text, nil
}
