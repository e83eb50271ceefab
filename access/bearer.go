package access

import (
	"context"
	"encoding/json"

	"github.com/twmb/franz-go/pkg/sasl"
)

// bearer is OAUTHBEARER with words for a token that is refused: the server then answers with an object, to which the client is to send one
// byte before it hears of the failure (RFC 7628 section 3.2.3). weir hangs up at the object.
type bearer struct {
	login *login
	sasl.Mechanism
}

// Authenticate implements sasl.Mechanism.
func (b bearer) Authenticate(ctx context.Context, host string) (sasl.Session, []byte, error) {
	session, first, err := b.Mechanism.Authenticate(ctx, host)
	return bearerSession{b.login, session}, first, err
}

type bearerSession struct {
	login *login
	sasl.Session
}

// Challenge implements sasl.Session.
func (s bearerSession) Challenge(answer []byte) (bool, []byte, error) {
	if len(answer) == 0 {
		return s.Session.Challenge(answer)
	}
	reason := "the brokers refuse the token"
	var refused struct{ Status string }
	if json.Unmarshal(answer, &refused) == nil && isErrorCode(refused.Status) {
		reason += " (" + refused.Status + ")"
	}
	return false, nil, &Error{Setting: s.login.name(), Reason: reason, Final: true}
}
