//go:build real

package chaos

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/weirstream/weir/alerts/commands"
)

// errUnsaid is of a command that the API has no words for, and of an operator who knows no process.
var errUnsaid = errors.New("it cannot be said over the API")

// ask gives a command over the API of one of the processes, which may be starting, frozen or dead.
func (o *operator) ask(ctx context.Context, c command) error {
	method, path, body := request(c)
	o.mu.Lock()
	n := len(o.urls)
	if n == 0 || method == "" {
		o.mu.Unlock()
		return errUnsaid
	}
	url := o.urls[o.rng.IntN(n)] + path
	o.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	var text []byte
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			return err
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(text))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	reply, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer reply.Body.Close()
	if reply.StatusCode >= 300 {
		return fmt.Errorf("%s %s: %s", method, path, reply.Status)
	}
	return nil
}

// request is what a command is over the API; the method is empty where it is nothing.
func request(c command) (method, path string, body map[string]any) {
	kind, name, _ := strings.Cut(c.key, "/")
	switch {
	case c.junk != "":
		return "", "", nil
	case c.ack != nil:
		return http.MethodPost, "/v1/alerts/" + name + "/ack", map[string]any{"author": c.ack.Author, "reason": c.ack.Reason}
	case kind == commands.KindAck.String():
		return http.MethodDelete, "/v1/alerts/" + name + "/ack", nil
	case c.silence == nil && kind == commands.KindMaintenance.String():
		return http.MethodDelete, "/v1/silences/" + name + "?maintenance", nil
	case c.silence == nil:
		return http.MethodDelete, "/v1/silences/" + name, nil
	}
	s := c.silence
	var matchers []map[string]string
	for _, m := range s.Matchers {
		matchers = append(matchers, map[string]string{"name": m.Name, "op": m.Op, "value": m.Value})
	}
	stamp := func(ms int64) string { return time.UnixMilli(ms).UTC().Format(time.RFC3339Nano) }
	return http.MethodPost, "/v1/silences", map[string]any{
		"name": s.Name, "matchers": matchers, "start": stamp(int64(s.Start)), "end": stamp(int64(s.End)),
		"author": s.Author, "reason": s.Reason, "maintenance": s.Kind == commands.KindMaintenance,
	}
}
