//go:build real

package chaos

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/stretchr/testify/require"
)

// verdict is what `weir verify --json` prints.
type verdict struct {
	Verified                                                                 bool
	Readings, Aggregates, Alerts, Quarantined, Facts, Unjournaled, Oversized int
	OpenTransactions                                                         int `json:"open_transactions"`
	Topics                                                                   map[string]int
	Groups                                                                   ofGroups
	Differences                                                              []difference
}

// ofGroups is what windows over several devices came to.
type ofGroups struct{ Partials, Watermarks, Late, Aggregates, Alerts, Facts int }

type difference struct {
	Kind, Device, Group, Text, Topic string
	Partition                        int32
	Source, Output                   int64
}

// check lets both readers check what is there, while weir is stopped.
func (r *round) check() {
	r.t.Helper()
	r.nothingOpen()
	v, took := r.verify()
	r.verdict = v
	for i, d := range v.Differences {
		if i == 20 {
			break
		}
		r.t.Errorf("%s: %s (partition %d, source offset %d, %s offset %d)", d.Kind, d.Text, d.Partition, d.Source, d.Topic, d.Output)
	}
	if !v.Verified {
		r.keepEvidence()
	}
	require.True(r.t, v.Verified, "%d differences", len(v.Differences))
	require.Zero(r.t, v.OpenTransactions)
	for _, topic := range r.pipe.outputs() {
		require.Equal(r.t, v.Topics[topic], r.kafka.Count(topic), "records of %s, as verify and as kcat count them", topic)
	}
	require.Equal(r.t, v.Topics[r.pipe.Commands()], r.kafka.Count(r.pipe.Commands()), "commands, as verify and as kcat count them")
	require.Positive(r.t, v.Readings)
	require.Positive(r.t, v.Aggregates)
	require.Positive(r.t, v.Alerts)
	require.Positive(r.t, v.Facts, "no silence was judged")
	require.Positive(r.t, v.Groups.Aggregates)
	require.Positive(r.t, v.Groups.Alerts)
	r.result = fmt.Sprintf("verified in %.1f s, %d readings, %d aggregates, %d alert events, %d in quarantine, %d facts; of groups %d aggregates and %d alert events from %d partials", took.Seconds(),
		v.Readings, v.Aggregates, v.Alerts, v.Quarantined, v.Facts, v.Groups.Aggregates, v.Groups.Alerts, v.Groups.Partials)
	r.look()
	if r.refusal != "" {
		r.result += "; before that: " + r.refusal
	}
}

// keepEvidence keeps what somebody needs who wants to verify once more, beside the topics, and the logs.
func (r *round) keepEvidence() {
	r.t.Helper()
	dir, err := os.MkdirTemp("", "weir-"+r.pipe.Name+"-")
	require.NoError(r.t, err)
	keep := func(from, to string) {
		text, err := os.ReadFile(from)
		require.NoError(r.t, err)
		text = bytes.ReplaceAll(text, []byte(r.pipe.rosters.dir), []byte(dir))
		require.NoError(r.t, os.WriteFile(filepath.Join(dir, to), text, 0o600))
	}
	for i, w := range r.processes {
		keep(w.LogFile(), fmt.Sprintf("weir-%d.log", i))
	}
	keep(r.processes[0].Path(), "pipeline.yaml")
	keep(r.pipe.rosters.file(), "fleet.csv")
	line := "weir verify --brokers " + r.kafka.Addr
	for _, version := range r.pipe.rosters.versions {
		keep(version, filepath.Base(version))
		line += " --roster " + filepath.Join(dir, filepath.Base(version))
	}
	r.t.Logf("while the brokers are there, with a weir that is built with the tag chaos: %s %s", line, filepath.Join(dir, "pipeline.yaml"))
}

// verify runs the oracle. The pipeline file is that of a process; its brokers are the cluster's, whatever that process was told.
func (r *round) verify() (verdict, time.Duration) {
	r.t.Helper()
	began := time.Now()
	args := []string{"verify", "--json", "--wait", "10s", "--brokers", strings.Join(r.kafka.Brokers(), ",")}
	for _, version := range r.pipe.rosters.versions {
		args = append(args, "--roster", version)
	}
	command := exec.CommandContext(r.t.Context(), r.binary, append(args, r.processes[0].Path())...)
	var out, complaints bytes.Buffer
	command.Stdout, command.Stderr = &out, &complaints
	err := command.Run()
	var v verdict
	if failed := json.Unmarshal(out.Bytes(), &v); failed != nil {
		r.t.Fatalf("weir verify: %v: %v\n%s%s", err, failed, out.String(), complaints.String())
	}
	require.Equal(r.t, v.Verified, err == nil, "exit status of weir verify: %v\n%s", err, complaints.String())
	return v, time.Since(began)
}
