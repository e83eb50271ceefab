package engine

import (
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
)

// right is something that brokers may deny: an operation as ACLs name it, on a resource.
type right struct{ operation, resource, name string }

// DeniedError says what an operator has to grant before the pipeline can go on.
type DeniedError struct {
	// Operation and Resource are those of kafka-acls.sh, such as Write and topic.
	Operation, Resource, Name string
	Err                       error
}

// Error implements error.
func (e *DeniedError) Error() string {
	return fmt.Sprintf("the brokers deny the operation %s on %s %q: %v", e.Operation, e.Resource, e.Name, e.Err)
}

// Unwrap returns the brokers' own error.
func (e *DeniedError) Unwrap() error { return e.Err }

// need returns err, as a *DeniedError where the brokers deny r.
func (r right) need(err error) error {
	var known *DeniedError
	if errors.As(err, &known) {
		return err
	}
	for _, denied := range []struct {
		err  error
		then right // where it is another resource that is denied on the way
	}{
		{kerr.TopicAuthorizationFailed, right{"Describe", "topic", "?"}},
		{kerr.GroupAuthorizationFailed, right{"Read", "group", "?"}},
		{kerr.TransactionalIDAuthorizationFailed, right{"Write", "transactional-id", "?"}},
		{kerr.ClusterAuthorizationFailed, right{r.operation, "cluster", "kafka-cluster"}},
	} {
		if !errors.Is(err, denied.err) {
			continue
		}
		if r.resource != denied.then.resource {
			r = denied.then
		}
		return &DeniedError{Operation: r.operation, Resource: r.resource, Name: r.name, Err: err}
	}
	return err
}

// refusedLogin reports whether a person has to change something before the brokers let this process in: the login, a certificate.
func refusedLogin(err error) bool {
	for _, refused := range []error{kerr.SaslAuthenticationFailed, kerr.UnsupportedSaslMechanism, kerr.IllegalSaslState} {
		if errors.Is(err, refused) {
			return true
		}
	}
	var refused interface {
		error
		Refused() bool
	}
	return errors.As(err, &refused) && refused.Refused()
}
