package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/configs"
)

func TestPipelineFilesAreValid(t *testing.T) {
	plain := job{ID: "bench-weir-1", Brokers: "127.0.0.1:9092", Source: "readings", Out: "out", Heap: "4g", Windows: 2, Rules: 1}
	silent, more, bridged := plain, plain, plain
	silent.Silent, more.Windows, more.Rules, bridged.MQTT = true, 10, 64, "127.0.0.1:1883"
	for name, j := range map[string]struct {
		job            job
		windows, rules int
	}{"job": {plain, 2, 1}, "silent": {silent, 2, 3}, "more": {more, 10, 64}, "mqtt": {bridged, 2, 1}} {
		text, err := pipeline(j.job, "/var/lib/weir")
		require.NoError(t, err, name)
		p, diagnostics := configs.Parse("pipeline.yaml", []byte(text), configs.Options{})
		require.False(t, diagnostics.HasErrors(), "%s: %v", name, diagnostics)
		require.Equal(t, name == "silent", len(diagnostics) > 0, "%s: %v", name, diagnostics) // results that no rule looks at
		require.Len(t, p.Windows, j.windows, name)
		require.Len(t, p.Rules, j.rules, name)
		require.Equal(t, int64(4)<<30, p.State.Memory)
	}
}

func TestDecoders(t *testing.T) {
	peer, own := peerDecoder(), weirDecoder()
	for name, pair := range map[string]struct{ peer, own string }{
		"ten": {`{"device":"pump-0000042","start":1772366400000,"end":1772366410000,"count":2,"mean":3,"min":2,"max":4}`,
			`{"pipeline":"p","window":"ten","device":"pump-0000042","metric":"temperature","start":"2026-03-01T12:00:00.000Z","end":"2026-03-01T12:00:10.000Z","revision":1,"final":true,"count":2,"mean":3,"min":2,"max":4}`},
		"hop": {`{"device":"pump-0000042","start":1772366400000,"end":1772366460000,"mean":3}`,
			`{"pipeline":"p","window":"hop","device":"pump-0000042","metric":"temperature","start":"2026-03-01T12:00:00.000Z","end":"2026-03-01T12:01:00.000Z","revision":1,"final":true,"mean":3}`},
		"alert": {`{"device":"pump-0000042","event":"firing","ts":1772366400001,"value":81.5}`,
			`{"schema":"weir.alert/1","device":"pump-0000042","state":"firing","value":81.5,"at":"2026-03-01T12:00:00.001Z"}`},
	} {
		a, err := peer([]byte(pair.peer))
		require.NoError(t, err, name)
		b, err := own([]byte(pair.own))
		require.NoError(t, err, name)
		require.Equal(t, a, b, name)
		require.Equal(t, int32(42), a.device)
	}
	for _, text := range []string{``, `{}`, `{"device":"pump-0000042"}`, `{"device":"pump-0000042","event":"odd"}`} {
		_, err := peer([]byte(text))
		require.Error(t, err)
	}
	_, err := own([]byte(`{"device":"pump-0000042","start":"2026-03-01T12:00:00.000Z","end":"2026-03-01T12:01:00.000Z","revision":1,"final":false,"mean":3}`))
	require.Error(t, err, "a provisional result is not expected")
}
