package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weirstream/weir/configs"
)

// A secret that was replaced in its file asks for no restart; one that comes from elsewhere, or from another file, does.
func TestReplacedSecretsNeedNoRestart(t *testing.T) {
	dir := t.TempDir()
	parse := func(file, secret, user string) *configs.Pipeline {
		path := filepath.Join(dir, file)
		require.NoError(t, os.WriteFile(path, []byte(secret+"\n"), 0o600))
		password := "${file:" + path + "}"
		p, found := configs.Parse("p.yaml", fmt.Appendf(nil, `
name: p
kafka: {brokers: ["localhost:9092"], tls: {}, sasl: {mechanism: plain, username: %[2]s, password: %[1]q}}
source: {topic: readings}
mqtt: {broker: "ssl://localhost:8883", subscribe: [{filter: a}], username: %[2]s, password: %[1]q}
rules: [{name: hot, when: temperature, levels: {warning: {above: 1}}}]
alerts: {mqtt: {topic: b}, alertmanager: {url: "https://localhost:9093", username: %[2]s, password: %[1]q}}
`, password, user), configs.Options{ReadFile: os.ReadFile})
		require.False(t, found.HasErrors(), found.String())
		return p
	}
	first := parse("one", "hush-1", "weir")
	require.Empty(t, needRestart(first, parse("one", "hush-2", "weir")))
	all := []string{"kafka", "mqtt", "alerts.mqtt", "alerts.alertmanager"}
	require.Equal(t, all, needRestart(first, parse("one", "hush-1", "other")))
	require.Equal(t, all, needRestart(first, parse("two", "hush-1", "weir")))
}
