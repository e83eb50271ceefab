package alertmanager

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/weirstream/weir/outlets"
)

const (
	maxPost  = 100 // alerts of one request
	bodySeen = 2 << 10
)

// Alertmanager is a receiver for outlets.
type Alertmanager struct {
	o      Options
	log    *slog.Logger
	target string
	client *http.Client
	link   outlets.Template
}

// Open implements outlets.Receiver.
func (m *Alertmanager) Open(int32) outlets.Line { return newLine(m) }

// Close implements outlets.Receiver.
func (m *Alertmanager) Close() { m.client.CloseIdleConnections() }

// postable is an alert as the API wants it.
type postable struct {
	Labels       map[string]string `json:"labels"`
	Annotations  map[string]string `json:"annotations"`
	StartsAt     time.Time         `json:"startsAt"`
	EndsAt       time.Time         `json:"endsAt"`
	GeneratorURL string            `json:"generatorURL,omitempty"`
}

// refusal is an answer that the same request will get for ever.
type refusal struct {
	status int
	body   string
}

// Error implements error.
func (r *refusal) Error() string { return fmt.Sprintf("refused with status %d: %s", r.status, r.body) }

// post sends at most maxPost alerts, at least one. It returns a *refusal where the alerts themselves are wrong; another error may pass.
// A wrong password, path or proxy counts among those that may: alerts are not thrown away for a mistake that is put right.
func (m *Alertmanager) post(ctx context.Context, list []*postable) error {
	body, err := json.Marshal(list)
	if err != nil {
		return &refusal{body: err.Error()} // a time beyond the year 9999
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, m.target, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("post %d alerts: %w", len(list), err)
	}
	req.Header.Set("Content-Type", "application/json")
	user, password, token, err := m.o.Login()
	if err != nil {
		return fmt.Errorf("post %d alerts: %w", len(list), err)
	}
	if user != "" {
		req.SetBasicAuth(user, password)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := m.client.Do(req)
	if err != nil {
		return fmt.Errorf("post %d alerts: %w", len(list), err)
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(resp.Body, bodySeen)) // only to be shown
	switch resp.StatusCode {
	case http.StatusOK, http.StatusAccepted, http.StatusNoContent:
		return nil
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
		return &refusal{status: resp.StatusCode, body: strings.TrimSpace(string(text))}
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusProxyAuthRequired:
		if m.o.Refusal != nil { // not with what the server says: some repeat what they were shown
			return fmt.Errorf("post %d alerts: %w", len(list), m.o.Refusal(resp.StatusCode))
		}
	}
	return fmt.Errorf("post %d alerts: status %d: %s", len(list), resp.StatusCode, strings.TrimSpace(string(text)))
}
