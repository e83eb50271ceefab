//go:build real

package secured

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/weirstream/weir/internal/authority"
	"github.com/weirstream/weir/internal/rig"
)

// refusal is a way in that must fail: with exit code 1 and what is said last, or, where the process goes on, with what is in the log.
type refusal struct {
	name     string
	listener int
	access   string
	mqtt     func(file string) string // changes the section mqtt; nil: not
	says     []string
	goesOn   bool
}

func (p *plant) refusals(t *testing.T) []refusal {
	other := authority.New(t, "other")
	foreign, expired := other.Issue(authority.Request{Name: user}), p.ca.Issue(authority.Request{Name: "weir-expired", Expired: true})
	ca := fmt.Sprintf("tls: {ca: %q}", p.ca.File)
	mtls := func(f authority.Files) string {
		return fmt.Sprintf("tls: {ca: %q, cert: %q, key: %q}", p.ca.File, f.Cert, f.Key)
	}
	login := func(mechanism string) string {
		return fmt.Sprintf(`%s, sasl: {mechanism: %s, username: "${KAFKA_USER}", password: "${file:%s}"}`, ca, mechanism, p.file(t, wrongPassword))
	}
	token := func(token string) string {
		return fmt.Sprintf("%s, sasl: {mechanism: oauthbearer, token_file: %q}", ca, p.file(t, token))
	}
	both := []string{"kafka.sasl.username and kafka.sasl.password: the brokers refuse this user or password"}
	in := func(old, other string) func(string) string {
		return func(file string) string {
			require.Contains(t, file, old)
			before, after, _ := strings.Cut(file, "\nmqtt:")
			return before + "\nmqtt:" + strings.Replace(after, old, other, 1)
		}
	}
	wrongMQTT := p.file(t, wrongPassword)
	return []refusal{
		{name: "plain", listener: portSASL, access: login("plain"), says: both},
		{name: "scram-256", listener: portSASL, access: login("scram-sha-256"), says: both},
		{name: "scram-512", listener: portSASL, access: login("scram-sha-512"), says: both},
		{name: "token", listener: portSASL, access: token(newIssuer(t).token(user, time.Hour)), says: []string{"kafka.sasl.token_file: the brokers refuse the token"}},
		{name: "old-token", listener: portSASL, access: token(p.issuer.token(user, -time.Hour)), says: []string{"kafka.sasl.token_file: the brokers refuse the token"}},
		{name: "client-secret", listener: portSASL, access: fmt.Sprintf(`%s, sasl: {mechanism: oauthbearer, token_endpoint: %q, client_id: weir, client_secret: "${file:%s}"}`, ca, p.issuer.url, p.file(t, wrongPassword)),
			says: []string{"kafka.sasl.client_id and kafka.sasl.client_secret: the endpoint answers with status 401, invalid_client"}},
		{name: "no-login", listener: portSASL, access: ca, says: []string{"kafka.sasl: ", "asks for a login"}, goesOn: true},
		{name: "login-to-none", listener: portTLS, access: login("plain"), says: []string{"kafka.sasl: the brokers ask for no login on this port"}},
		{name: "authority", listener: portTLS, access: fmt.Sprintf("tls: {ca: %q}", other.File), says: []string{"kafka.tls.ca: the certificate of " + p.at(portTLS) + " is not from an authority in"}},
		{name: "system-authorities", listener: portTLS, access: "tls: {}", says: []string{"kafka.tls.ca: ", "the system's certificate authorities"}},
		{name: "name", listener: portTLS, access: fmt.Sprintf("tls: {ca: %q, server_name: broker.plant}", p.ca.File), says: []string{"kafka.tls.server_name: ", "is for another name"}},
		{name: "no-certificate", listener: portMTLS, access: ca, says: []string{"kafka.tls.cert: ", "certificate of weir"}, goesOn: true},
		{name: "foreign-certificate", listener: portMTLS, access: mtls(foreign), says: []string{"kafka.tls.cert: ", "CN=weir"}, goesOn: true},
		{name: "expired-certificate", listener: portMTLS, access: mtls(expired), says: []string{"kafka.tls.cert: ", "which expired at"}, goesOn: true},
		{name: "tls-to-plain", listener: portPlain, access: ca, says: []string{"kafka.tls: " + p.at(portPlain) + " ended the TLS handshake; most likely this port does not speak TLS"}, goesOn: true},
		{name: "plain-to-tls", listener: portTLS, access: "brokers: []", says: []string{"kafka.tls: ", "speak"}, goesOn: true},
		{name: "unreachable", listener: 9, access: ca, says: []string{"kafka.brokers: " + p.at(9) + " cannot be reached"}, goesOn: true},
		{name: "no-file", listener: portTLS, access: `tls: {ca: "/no/such/ca.pem"}`, says: []string{"kafka.tls.ca: cannot be read"}},
		{name: "mqtt-password", listener: portTLS, access: ca, mqtt: in(p.password, wrongMQTT), says: []string{"mqtt.username and mqtt.password: the broker refuses this user or password"}},
		{name: "mqtt-authority", listener: portTLS, access: ca, mqtt: in(p.ca.File, other.File), says: []string{"mqtt.tls.ca: the certificate of " + p.mqtt.Addr}},
		{name: "mqtt-name", listener: portTLS, access: ca, mqtt: in("server_name: localhost", "server_name: mqtt.plant"), says: []string{"mqtt.tls.server_name: "}},
		{name: "mqtt-certificate", listener: portTLS, access: ca, mqtt: in(p.own.Cert, expired.Cert), says: []string{"mqtt.tls.cert and mqtt.tls.key"}},
		{name: "mqtt-unreachable", listener: portTLS, access: ca, mqtt: in(p.mqtt.Addr, p.at(9)), says: []string{"mqtt.broker: " + p.at(9) + " cannot be reached"}, goesOn: true},
	}
}

// refused has weir not get in: it ends with exit code 1, or goes on trying where that may help, and says which setting to look at.
func (p *plant) refused(t *testing.T) {
	t.Run("at the start", func(t *testing.T) {
		for _, one := range p.refusals(t) {
			t.Run(one.name, func(t *testing.T) {
				t.Parallel()
				r := p.newRun(t, way{name: one.name, listener: one.listener, access: one.access})
				r.edit(t, func(file string) string {
					file = strings.ReplaceAll(file, ", brokers: []", "")
					if one.mqtt != nil {
						file = one.mqtt(file)
					}
					return file
				})
				r.expect(t, one)
			})
		}
	})
	t.Run("denied", p.denied)
}

// edit changes the pipeline file.
func (r *run) edit(t *testing.T, change func(string) string) {
	t.Helper()
	text, err := os.ReadFile(r.Path())
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(r.Path(), []byte(change(string(text))), 0o600))
}

// expect runs the pipeline until it has said what it must.
func (r *run) expect(t *testing.T, one refusal) {
	t.Helper()
	r.Start()
	if !one.goesOn {
		require.Equal(t, 1, r.AwaitEnd("it is refused", 20*time.Second), r.LastLine())
		for _, words := range one.says {
			assert.Contains(t, r.LastLine(), words)
		}
	} else {
		rig.Await(t, "what it says", 20*time.Second, func() (bool, string) {
			if r.Ended() {
				return true, ""
			}
			return r.says(one.says), "\n" + r.LogTail()
		})
		require.True(t, r.says(one.says), r.LogTail())
	}
	text, err := os.ReadFile(r.LogFile())
	require.NoError(t, err)
	assert.NotContains(t, string(text), nobodysSecrets)
	assert.NotContains(t, string(text), "eyJ", "a token")
}

// says reports whether one line of the log holds all words.
func (r *run) says(words []string) bool {
	text, _ := os.ReadFile(r.LogFile())
	for line := range strings.Lines(string(text)) {
		all := true
		for _, w := range words {
			all = all && strings.Contains(line, w)
		}
		if all {
			return true
		}
	}
	return false
}

// denied takes the documented rights away one by one: each is needed, and what is missing is said.
func (p *plant) denied(t *testing.T) {
	w := p.ways(t)[3]
	for _, one := range []struct {
		without string // the line of the document that holds the right
		right   kadm.ACLOperation
		says    string
	}{
		{"--topic readings", kadm.OpRead, `the brokers deny the operation Read on topic \"$NAME.readings\"`},
		{"--topic readings", kadm.OpDescribeConfigs, `the brokers deny the operation DescribeConfigs on topic \"$NAME.readings\"`},
		{"--topic aggregates", kadm.OpCreate, `the brokers deny the operation Create on topic \"$NAME.aggregates\"`},
		{"--group weir.cold-chain", kadm.OpRead, `the brokers deny the operation Read on group \"weir.$NAME\"`},
		{"--transactional-id weir.cold-chain.", kadm.OpWrite, `the brokers deny the operation Write on transactional-id \"weir.$NAME.`},
		{"--topic weir.cold-chain.", kadm.OpWrite, `the brokers deny the operation Write on topic \"weir.$NAME.journal\"`},
	} {
		t.Run(one.right.String()+strings.Fields(one.without)[0]+strings.Fields(one.without)[1], func(t *testing.T) {
			t.Parallel()
			r := p.newRun(t, w)
			ctx, cancel := p.cluster.Ask()
			defer cancel()
			for _, line := range documented(t) {
				if strings.HasSuffix(strings.TrimSuffix(line, " --resource-pattern-type prefixed"), one.without) {
					_, err := p.cluster.Admin.DeleteACLs(ctx, aclOf(t, line, r.name).Operations(one.right))
					require.NoError(t, err)
				}
			}
			r.Start()
			want := []string{strings.ReplaceAll(one.says, "$NAME", r.name), "kafka.sasl.username: the brokers do not grant this to that user"}
			rig.Await(t, one.says, 30*time.Second, func() (bool, string) {
				if r.Ended() {
					want[0] = strings.ReplaceAll(want[0], `\"`, `"`)
					return true, ""
				}
				return r.says(want), "\n" + r.LogTail()
			})
			require.True(t, r.says(want), r.LogTail())
		})
	}
}

// rotation changes the password at the brokers while weir runs: it says so, goes on trying, and is back when its file holds the new one.
func (p *plant) rotation(t *testing.T) {
	r := p.newRun(t, p.ways(t)[4])
	g := p.gateway(t, r.name)
	file, err := os.ReadFile(r.Path())
	require.NoError(t, err)
	_, after, _ := strings.Cut(string(file), `password: "${file:`)
	secret, _, _ := strings.Cut(after, "}")
	r.Start()
	r.Ready(partitions)
	g.send(0, perDevice/2)
	r.requireFolded(t, devices*perDevice/2)
	p.setPassword(scramPassword + "-new")
	defer p.setPassword(scramPassword)
	rig.Await(t, "the refused password told", 30*time.Second, func() (bool, string) {
		r.Alive()
		return r.says([]string{"kafka.sasl.username and kafka.sasl.password: the brokers refuse this user or password"}), r.LogTail()
	})
	g.send(perDevice/2, perDevice)
	require.NoError(t, os.WriteFile(secret, []byte(scramPassword+"-new\n"), 0o600))
	r.requireFolded(t, devices*perDevice)
	r.Stop()
	require.Equal(t, devices*(perDevice-windowed+1), p.cluster.Count(r.name+".aggregates"))
	require.Equal(t, 2, p.cluster.Count(r.name+".alerts"))
	text, err := os.ReadFile(r.LogFile())
	require.NoError(t, err)
	assert.NotContains(t, string(text), nobodysSecrets)
}
