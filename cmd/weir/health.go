package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// stalledLimit is when a task that does not move makes the process unhealthy. A turn of a
// task's loop takes milliseconds; a disk that stands still for seconds is no reason to
// start anew.
const stalledLimit = 30 * time.Second

// healthy answers 200 unless a live task hangs. Whether brokers answer, or tasks still
// recover, is not asked: a restart would help neither.
func (o *outside) healthy(w http.ResponseWriter, _ *http.Request) {
	for _, i := range o.instances {
		if now := i.work(); now.stalled() >= stalledLimit {
			http.Error(w, fmt.Sprintf("pipeline %s: a task has not moved for %s", now.pipeline.Name, now.stalled().Round(time.Second)), http.StatusServiceUnavailable)
			return
		}
	}
	fmt.Fprintln(w, "ok")
}

func newHealthCommand() *cobra.Command {
	url := "http://127.0.0.1:9464/readyz"
	timeout := 3 * time.Second
	cmd := &cobra.Command{
		Use:   "health [URL]",
		Short: "Ask a running weir whether it is ready; for containers without a shell",
		Long: `Asks /readyz of a running weir, or another URL such as http://127.0.0.1:9464/healthz, and prints the answer. Exits with 0 on
status 200, with 1 otherwise. Certificates are not checked, as probes of orchestrators do not: nothing secret is sent.`,
		Example: "  weir health\n  weir health http://127.0.0.1:9464/healthz",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usageError{fmt.Errorf("usage: %s", cmd.UseLine())}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				url = args[0]
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), timeout)
			defer cancel()
			text, err := askHealth(ctx, url)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), text)
			return err
		},
	}
	cmd.Flags().DurationVar(&timeout, "timeout", timeout, "how long to wait for the answer")
	return cmd
}

// askHealth returns the answer's text if its status is 200.
func askHealth(ctx context.Context, url string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", usageError{err}
	}
	if request.URL.User != nil {
		return "", usageError{errors.New("health sends no login, for it does not check whom it would tell: leave it out of the URL")}
	}
	client := http.Client{
		Transport:     &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // another's health is not asked for
	}
	response, err := client.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 4<<10))
	if err != nil {
		return "", fmt.Errorf("read %s: %w", url, err)
	}
	text := strings.TrimSpace(string(body))
	if response.StatusCode != http.StatusOK {
		return "", errors.New(response.Status + ": " + text)
	}
	return text, nil
}
