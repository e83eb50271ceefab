package access

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/internal/authority"
)

const password = "hush-kafka"

// settings parses a pipeline file for what `kafka:` holds: secrets know their files only from there.
func settings(t *testing.T, kafka string) configs.Kafka {
	t.Helper()
	p, found := configs.Parse("p.yaml", []byte("name: p\nkafka: "+kafka+"\nsource: {topic: readings}\nrules: [{name: hot, when: t, levels: {warning: {above: 1}}}]\n"),
		configs.Options{Getenv: os.LookupEnv, ReadFile: os.ReadFile})
	require.NotNil(t, p, found.String())
	return p.Kafka
}

func secretFile(t *testing.T, secret string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(path, []byte(secret+"\n"), 0o600))
	return path
}

// ask asks the brokers something, as any client would.
func ask(t *testing.T, k *Kafka) error {
	t.Helper()
	client, err := kgo.NewClient(append(k.Client("test"), kgo.RetryTimeout(2*time.Second))...)
	require.NoError(t, err)
	defer client.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	_, err = kadm.NewClient(client).BrokerMetadata(ctx)
	return err
}

func TestLogins(t *testing.T) {
	plant := authority.New(t, "plant")
	server := plant.Server(plant.Issue(authority.Request{Name: "broker", Hosts: []string{"127.0.0.1"}}), tls.NoClientCert)
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.TLS(server), kfake.EnableSASL(),
		kfake.Superuser("PLAIN", "weir", password), kfake.Superuser("SCRAM-SHA-256", "weir", password), kfake.Superuser("SCRAM-SHA-512", "weir", password))
	require.NoError(t, err)
	t.Cleanup(cluster.Close)
	for _, mechanism := range []string{"plain", "scram-sha-256", "scram-sha-512"} {
		t.Run(mechanism, func(t *testing.T) {
			file := secretFile(t, password+"-wrong")
			k, err := NewKafka(KafkaOptions{Settings: settings(t, fmt.Sprintf(`{brokers: [%q], tls: {ca: %q}, sasl: {mechanism: %s, username: weir, password: "${file:%s}"}}`,
				cluster.ListenAddrs()[0], plant.File, mechanism, file))})
			require.NoError(t, err)
			require.Error(t, ask(t, k))
			told := k.Explain(fmt.Errorf("ask: %w", kerr.SaslAuthenticationFailed)) // this broker hangs up; real ones answer so
			require.ErrorContains(t, told, "kafka.sasl.username and kafka.sasl.password: the brokers refuse this user or password: ")
			assert.NotContains(t, told.Error(), password)
			assert.Equal(t, told, k.Explain(told), "explained once")
			// The file is read again at each connection.
			require.NoError(t, os.WriteFile(file, []byte(password+"\n"), 0o600))
			require.NoError(t, ask(t, k))
			require.NoError(t, os.Remove(file))
			require.ErrorContains(t, ask(t, k), "kafka.sasl.password: cannot be read")
		})
	}
	t.Run("none", func(t *testing.T) {
		k, err := NewKafka(KafkaOptions{Settings: configs.Kafka{TLS: &configs.TLS{CA: plant.File}}, Brokers: cluster.ListenAddrs()})
		require.NoError(t, err)
		require.ErrorContains(t, k.Explain(ask(t, k)), "kafka.sasl: ")
	})
}

func TestMissingFilesAreToldAtTheStart(t *testing.T) {
	file := secretFile(t, password)
	s := settings(t, fmt.Sprintf(`{brokers: ["localhost:9092"], tls: {}, sasl: {mechanism: plain, username: weir, password: "${file:%s}"}}`, file))
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	_, err := NewKafka(KafkaOptions{Settings: s})
	require.ErrorContains(t, err, "kafka.sasl.password: ")
	s.SASL = &configs.SASL{Mechanism: "oauthbearer", TokenFile: "/no/token"}
	_, err = NewKafka(KafkaOptions{Settings: s})
	require.ErrorContains(t, err, "kafka.sasl.token_file: cannot be read")
}

// endpoint is a login server that repeats in its refusals what it was sent.
type endpoint struct {
	secret string
	status int
	given  int
	echoes bool // the secret, as the error
}

func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, secret, _ := r.BasicAuth()
	w.Header().Set("Content-Type", "application/json")
	if e.status != 0 || secret != e.secret {
		w.WriteHeader(max(e.status, http.StatusUnauthorized))
		if e.echoes {
			fmt.Fprintf(w, `{"error":%q}`, secret)
			return
		}
		fmt.Fprintf(w, `{"error":"invalid_client","error_description":"%s is wrong"}`, secret)
		return
	}
	e.given++
	_ = json.NewEncoder(w).Encode(map[string]any{"access_token": fmt.Sprintf("hush-token-%d-%s", e.given, r.FormValue("scope")), "token_type": "bearer", "expires_in": 300})
}

func TestTokenEndpoint(t *testing.T) {
	e := &endpoint{secret: "hush_client"}
	server := httptest.NewServer(e)
	defer server.Close()
	file := secretFile(t, "hush-old")
	s := settings(t, fmt.Sprintf(`{brokers: ["localhost:9092"], tls: {}, sasl: {mechanism: oauthbearer, token_endpoint: %q, client_id: weir, client_secret: "${file:%s}", scope: "a b"}}`, server.URL, file))
	l := newLogin(s)
	require.NoError(t, l.check())
	_, err := l.token(t.Context())
	require.EqualError(t, err, "kafka.sasl.client_id and kafka.sasl.client_secret: the endpoint answers with status 401, invalid_client")
	var refused *Error
	require.ErrorAs(t, err, &refused)
	require.True(t, refused.Refused())
	require.NoError(t, os.WriteFile(file, []byte("hush_client"), 0o600))
	for range 2 {
		token, err := l.token(t.Context())
		require.NoError(t, err)
		require.Equal(t, "hush-token-1-a b", token, "one serves for connections that come together")
	}
	l.tokens.at = l.tokens.at.Add(-tokenReuse)
	token, err := l.token(t.Context())
	require.NoError(t, err)
	require.Equal(t, "hush-token-2-a b", token)
	l.tokens.has, e.status = nil, http.StatusBadGateway
	_, err = l.token(t.Context())
	require.EqualError(t, err, "kafka.sasl.token_endpoint: the endpoint answers with status 502, invalid_client")
	require.ErrorAs(t, err, &refused)
	require.False(t, refused.Refused(), "it may be away")
	e.echoes = true
	_, err = l.token(t.Context())
	require.EqualError(t, err, "kafka.sasl.token_endpoint: the endpoint answers with status 502")
	server.Close()
	_, err = l.token(t.Context())
	require.ErrorContains(t, err, "kafka.sasl.token_endpoint: cannot be asked: ")
}

// A server that refuses a token answers with an object, and the client must not be left alone with that.
func TestRefusedToken(t *testing.T) {
	l := &login{s: configs.SASL{Mechanism: "oauthbearer", Token: configs.NewSecret("hush-token")}}
	session, first, err := l.mechanism().Authenticate(t.Context(), "broker")
	require.NoError(t, err)
	require.Contains(t, string(first), "hush-token")
	_, _, err = session.Challenge([]byte(`{"status":"invalid_token"}`))
	require.EqualError(t, err, "kafka.sasl.token: the brokers refuse the token (invalid_token)")
	done, _, err := session.Challenge(nil)
	require.NoError(t, err)
	require.True(t, done)
}

// mqttLogin is what the MQTT packages make of a refused login.
type mqttLogin struct{ error }

func (mqttLogin) LoginRefused() bool { return true }

func TestMQTT(t *testing.T) {
	m, err := NewMQTT(MQTTOptions{Setting: "alerts.mqtt", Username: configs.NewSecret("weir"), Password: configs.NewSecret(password)})
	require.NoError(t, err)
	user, pass := m.Login()
	require.Equal(t, []string{"weir", password}, []string{user, pass})
	err = m.Explain(mqttLogin{errors.New("bad user name or password")})
	require.EqualError(t, err, "alerts.mqtt.username and alerts.mqtt.password: the broker refuses this user or password: bad user name or password")
	other := errors.New("something else")
	require.Equal(t, other, m.Explain(other))
}

func TestHTTP(t *testing.T) {
	h, err := NewHTTP(HTTPOptions{Setting: "alerts.alertmanager", Token: configs.NewSecret("hush-token")})
	require.NoError(t, err)
	_, _, token, err := h.Login()
	require.NoError(t, err)
	require.Equal(t, "hush-token", token)
	require.EqualError(t, h.Refusal(401), "alerts.alertmanager.token: the server refuses the token (status 401)")
}
