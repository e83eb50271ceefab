package main

import (
	"context"
	"io"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/weirstream/weir/configs"
)

func TestRostersOfVerify(t *testing.T) {
	p := &configs.Pipeline{Kafka: configs.Kafka{Brokers: []string{"localhost:1"}}, Roster: &configs.Roster{Path: "lists/roster.csv"}}
	assert.Equal(t, filepath.Join("etc", "lists", "roster.csv"), rosterPath("etc/pipeline.yaml", p))
	p.Roster.Path = "/var/roster.csv"
	assert.Equal(t, "/var/roster.csv", rosterPath("etc/pipeline.yaml", p))

	err := verify(context.Background(), p, verifyFlags{rosters: []string{"testdata/no-such.csv"}}, io.Discard)
	assert.ErrorContains(t, err, "verify: read roster: open testdata/no-such.csv")
}
