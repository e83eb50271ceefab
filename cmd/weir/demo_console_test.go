package main

import (
	"io"
	"net"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/configs/examples"
)

// The page needs no token, what it asks for does; where the port of a demo is taken, it has another.
func TestDemoConsole(t *testing.T) {
	t.Setenv("WEIR_API_TOKEN", "secret")
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	p, err := demoPipeline(t.TempDir())
	require.NoError(t, err)
	i, err := openInstance(p, instanceOptions{Logger: testLog()})
	require.NoError(t, err)
	defer i.Close()
	f := demoFlags{http: taken.Addr().String()}
	_, err = openDemoConsole(t.Context(), i, f, testLog())
	require.ErrorContains(t, err, "--http "+taken.Addr().String(), "an address that was asked for")

	o, err := newOutside([]*instance{i})
	require.NoError(t, err)
	f.anyPort = true
	require.NoError(t, f.listen(o))
	require.NotEqual(t, taken.Addr().String(), o.addr())
	ended, err := serveConsole(t.Context(), o, testLog())
	require.NoError(t, err)
	status := func(path string) int {
		resp, err := http.Get("http://" + o.addr() + path)
		require.NoError(t, err)
		defer resp.Body.Close()
		_, _ = io.Copy(io.Discard, resp.Body)
		return resp.StatusCode
	}
	require.Equal(t, 200, status("/"))
	require.Equal(t, 200, status("/console/app.js"))
	require.Equal(t, 404, status("/console/none"))
	require.Equal(t, 401, status("/v1/pipelines"))
	ended()
}

// What rules look at, so that the console draws their thresholds where that is.
func TestLooksAt(t *testing.T) {
	p, err := parsePipeline("demo.yaml", examples.Demo, func(configs.Diagnostic) {})
	require.NoError(t, err)
	require.Equal(t, "temperature_5s.mean", looksAt(p, "overheating"))
	require.Empty(t, looksAt(p, "none"))
	p, err = parsePipeline("desk.yaml", []byte(`
name: p
kafka: {embedded: {dir: k}}
source: {topic: r}
rules:
  - {name: hot, when: temperature, levels: {warning: {above: 50}}}
  - {name: odd, when: temperature - humidity, levels: {warning: {above: 50}}}
  - {name: gone, no_data: {after: 10m, severity: warning}}
state: {dir: s}
`), func(configs.Diagnostic) {})
	require.NoError(t, err)
	require.Equal(t, "temperature", looksAt(p, "hot"))
	require.Equal(t, "temperature - humidity", looksAt(p, "odd"))
	require.Empty(t, looksAt(p, "gone"))
}
