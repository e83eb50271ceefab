package access

import (
	"context"
	"crypto/tls"
	"net"
	"strconv"
	"sync/atomic"

	"github.com/weirstream/weir/configs"
)

// HTTPOptions say how to get in at an HTTP server.
type HTTPOptions struct {
	// Setting is the section of the pipeline file.
	Setting string
	TLS     *configs.TLS // of https://; nil: the system's authorities
	// Username and Password, or Token, or neither.
	Username, Password, Token configs.Secret
}

// HTTP is the way in at an HTTP server. It may be used by several goroutines.
type HTTP struct {
	o             HTTPOptions
	plain, secure *Door
}

// NewHTTP checks that the files of TLS and of the login are there. It connects to nothing.
func NewHTTP(o HTTPOptions) (*HTTP, error) {
	h := &HTTP{o: o}
	files := o.TLS
	if files == nil {
		files = &configs.TLS{}
	}
	var err error
	if h.secure, err = NewDoor(DoorOptions{Setting: o.Setting, Address: "url", TLS: files}); err != nil {
		return nil, err
	}
	if h.plain, err = NewDoor(DoorOptions{Setting: o.Setting, Address: "url"}); err != nil {
		return nil, err
	}
	_, _, _, err = h.Login()
	return h, err
}

// Dial connects for http://.
func (h *HTTP) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	return h.plain.Dial(ctx, network, address)
}

// DialTLS connects for https://.
func (h *HTTP) DialTLS(ctx context.Context, network, address string) (net.Conn, error) {
	return h.secure.Dial(ctx, network, address)
}

// Config is TLS for a connection that somebody else opens, through a proxy; nil: as the system has it. Its files are read now.
func (h *HTTP) Config() (*tls.Config, error) {
	if h.o.TLS == nil {
		return nil, nil
	}
	return h.secure.tls.config("", new(atomic.Bool))
}

// Login returns what a request shows, as it is now; each may be empty.
func (h *HTTP) Login() (user, password, token string, err error) {
	if user, err = reveal(h.o.Username, h.o.Setting+".username"); err != nil {
		return "", "", "", err
	}
	if password, err = reveal(h.o.Password, h.o.Setting+".password"); err != nil {
		return "", "", "", err
	}
	token, err = reveal(h.o.Token, h.o.Setting+".token")
	return user, password, token, err
}

// Refusal says which setting a status of 401, 403 or 407 is about.
func (h *HTTP) Refusal(status int) error {
	setting := h.o.Setting + ".username and " + h.o.Setting + ".password"
	reason := "the server refuses this user or password"
	switch {
	case !h.o.Token.IsZero():
		setting, reason = h.o.Setting+".token", "the server refuses the token"
	case h.o.Username.IsZero():
		reason = "the server asks for a login, and none is set"
	}
	return &Error{Setting: setting, Reason: reason + " (status " + strconv.Itoa(status) + ")", Final: true}
}
