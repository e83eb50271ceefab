package fleet

import (
	"errors"

	"github.com/eclipse/paho.mqtt.golang/packets"
)

// loginError is the broker's answer to a login (MQTT 3.1.1 section 3.2.2.3): it takes neither this user nor this password.
type loginError struct{ error }

// LoginRefused tells it from other trouble.
func (loginError) LoginRefused() bool { return true }

// Unwrap returns the client's own error.
func (e loginError) Unwrap() error { return e.error }

// loginRefused marks an error of connecting that is about the login.
func loginRefused(err error) error {
	if errors.Is(err, packets.ErrorRefusedBadUsernameOrPassword) || errors.Is(err, packets.ErrorRefusedNotAuthorised) {
		return loginError{err}
	}
	return err
}
