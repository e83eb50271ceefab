package main

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Numbers that cannot be looked at again stand for a while, and are then not told: they are of a past that nobody knows.
func TestWatchForgetsOldNumbers(t *testing.T) {
	fails := errors.New("the brokers are away")
	var err error
	w := watch{see: func(context.Context) (seen, error) {
		return seen{firing: map[string]map[string]int{"plant": {"hot": 3}}, alerts: []byte("{}")}, err
	}}
	w.refresh(make(chan struct{}))
	require.Equal(t, 3, w.newest.firing["plant"]["hot"])

	err = fails
	w.refresh(make(chan struct{}))
	require.Equal(t, 3, w.newest.firing["plant"]["hot"])
	require.ErrorIs(t, w.newest.err, fails)

	w.saw = w.saw.Add(-watchKeeps - time.Second)
	w.refresh(make(chan struct{}))
	require.Nil(t, w.newest.firing)

	err = nil
	w.refresh(make(chan struct{}))
	require.Equal(t, 3, w.newest.firing["plant"]["hot"])
	require.NoError(t, w.newest.err)
}
