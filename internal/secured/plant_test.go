//go:build real

package secured

import (
	"crypto/tls"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/weirstream/weir/internal/authority"
	"github.com/weirstream/weir/internal/realbrokers"
	"github.com/weirstream/weir/internal/rig"
)

const (
	user           = "weir"
	plainPassword  = "hush-plain-7Q"
	scramPassword  = "hush-scram-8R"
	mqttPassword   = "hush-mqtt-9S"
	clientSecret   = "hush-client-1T"
	wrongPassword  = "hush-wrong-2U"
	nobodysSecrets = "hush-" // all secrets begin so
)

// plant is brokers that let nobody in without a certificate or a login, and what it takes to get in.
type plant struct {
	t        *testing.T
	ca       *authority.Authority
	own      authority.Files // the certificate of weir
	cluster  *rig.Cluster    // through a listener of the superuser's own
	port     int
	issuer   *issuer
	mqtt     *realbrokers.MosquittoBroker
	password string // file with that of MQTT
	binary   string
}

// The listeners of the only broker, by how far they are from its port.
const (
	portPlain = 0
	portTLS   = 2
	portMTLS  = 3
	portSASL  = 4
	portOpen  = 5 // SASL without TLS
)

func newPlant(t *testing.T) *plant {
	t.Helper()
	p := &plant{t: t, ca: authority.New(t, "plant"), issuer: newIssuer(t)}
	p.own = p.ca.Issue(authority.Request{Name: user})
	server := p.ca.Issue(authority.Request{Name: "broker", Hosts: []string{"127.0.0.1", "localhost"}})
	kafka := realbrokers.PrivateKafka(t, realbrokers.PrivateKafkaOptions{
		Properties: kafkaProperties(p.ca, server, p.issuer), JVM: "-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls=" + p.issuer.keys,
	})
	_, port, _ := strings.Cut(kafka.Addr, ":")
	var err error
	p.port, err = strconv.Atoi(port)
	require.NoError(t, err)
	p.cluster = rig.OpenCluster(t, kafka.Addr)
	p.setPassword(scramPassword)
	p.startMosquitto(server)
	p.binary = rig.BuildWeir(t, rig.BuildOptions{})
	return p
}

// kafkaProperties are listeners for each way in. Who comes without a certificate or login is ANONYMOUS, whom the listener of the test needs as
// superuser.
func kafkaProperties(ca *authority.Authority, server authority.Files, i *issuer) string {
	lines := []string{
		"listeners=PLAINTEXT://127.0.0.1:{port+0},CONTROLLER://127.0.0.1:{port+1},TLS://127.0.0.1:{port+2},MTLS://127.0.0.1:{port+3},SASL://127.0.0.1:{port+4},OPEN://127.0.0.1:{port+5}",
		"listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,TLS:SSL,MTLS:SSL,SASL:SASL_SSL,OPEN:SASL_PLAINTEXT",
		"inter.broker.listener.name=PLAINTEXT",
		"ssl.keystore.type=PEM", "ssl.keystore.location=" + server.Both, "ssl.truststore.type=PEM", "ssl.truststore.location=" + ca.File,
		"listener.name.mtls.ssl.client.auth=required",
		`listener.name.mtls.ssl.principal.mapping.rules=RULE:^CN=([^,]+).*$/$1/`,
		"authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer",
		"super.users=User:ANONYMOUS",
	}
	for _, listener := range []string{"sasl", "open"} {
		prefix := "listener.name." + listener + "."
		lines = append(lines,
			prefix+"sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER",
			prefix+"connections.max.reauth.ms=4000",
			prefix+`plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_`+user+`="`+plainPassword+`" user_other="`+plainPassword+`";`,
			prefix+"scram-sha-256.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;",
			prefix+"scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;",
			prefix+"oauthbearer.sasl.jaas.config=org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required;",
			prefix+"oauthbearer.sasl.server.callback.handler.class=org.apache.kafka.common.security.oauthbearer.OAuthBearerValidatorCallbackHandler",
			prefix+"oauthbearer.sasl.oauthbearer.jwks.endpoint.url="+i.keys,
			prefix+"oauthbearer.sasl.oauthbearer.expected.audience=kafka",
		)
	}
	return strings.Join(lines, "\n") + "\n"
}

// setPassword sets what weir logs in with by SCRAM.
func (p *plant) setPassword(to string) {
	p.t.Helper()
	ctx, cancel := p.cluster.Ask()
	defer cancel()
	for _, mechanism := range []kadm.ScramMechanism{kadm.ScramSha256, kadm.ScramSha512} { // a request may name a user once
		altered, err := p.cluster.Admin.AlterUserSCRAMs(ctx, nil, []kadm.UpsertSCRAM{{User: user, Mechanism: mechanism, Iterations: 4096, Password: to}})
		require.NoError(p.t, err)
		require.NoError(p.t, altered.Error())
	}
}

func (p *plant) startMosquitto(server authority.Files) {
	p.t.Helper()
	dir := p.t.TempDir()
	users := filepath.Join(dir, "users")
	out, err := exec.Command("mosquitto_passwd", "-c", "-b", users, user, mqttPassword).CombinedOutput()
	require.NoError(p.t, err, string(out))
	p.password = filepath.Join(dir, "password")
	require.NoError(p.t, os.WriteFile(p.password, []byte(mqttPassword+"\n"), 0o600))
	p.mqtt = realbrokers.MosquittoWith(p.t, realbrokers.MosquittoOptions{Config: []string{
		"allow_anonymous false", "password_file " + users, "cafile " + p.ca.File, "certfile " + server.Cert, "keyfile " + server.Key, "require_certificate true",
	}})
}

// at is a listener as kafka.brokers has it.
func (p *plant) at(listener int) string { return fmt.Sprintf("127.0.0.1:%d", p.port+listener) }

// clientTLS is how the gateways of the plant connect.
func (p *plant) clientTLS() *tls.Config {
	c := p.ca.Server(p.own, tls.NoClientCert)
	c.RootCAs = c.ClientCAs
	return c
}

// file writes a secret to a file of its own.
func (p *plant) file(t *testing.T, secret string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(path, []byte(secret+"\n"), 0o600))
	return path
}

// grant puts the ACLs of docs/SECURITY.md in force, as they stand there, for a pipeline of another name.
func (p *plant) grant(t *testing.T, pipeline string) {
	t.Helper()
	ctx, cancel := p.cluster.Ask()
	defer cancel()
	for _, line := range documented(t) {
		_, err := p.cluster.Admin.CreateACLs(ctx, aclOf(t, line, pipeline))
		require.NoError(t, err, line)
	}
}

// documented are the lines of the document that grant something.
func documented(t *testing.T) (lines []string) {
	t.Helper()
	text, err := os.ReadFile("../../docs/SECURITY.md")
	require.NoError(t, err)
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "kafka-acls.sh "); ok {
			lines = append(lines, strings.TrimSpace(rest))
		}
	}
	require.NotEmpty(t, lines)
	return lines
}

// aclOf is what kafka-acls.sh makes of its arguments.
func aclOf(t *testing.T, line, pipeline string) *kadm.ACLBuilder {
	t.Helper()
	b := kadm.NewACLs().ResourcePatternType(kadm.ACLPatternLiteral).AllowHosts()
	own := func(name string) string {
		if rest, ok := strings.CutPrefix(name, "weir.cold-chain"); ok {
			return "weir." + pipeline + rest
		}
		return pipeline + "." + name
	}
	var operations []kadm.ACLOperation
	words := strings.Fields(line)
	require.Equal(t, "--add", words[0], line)
	for k := 1; k+1 < len(words); k += 2 {
		value := words[k+1]
		switch words[k] {
		case "--allow-principal":
			b.Allow(value)
		case "--operation":
			operation, known := map[string]kadm.ACLOperation{
				"Read": kadm.OpRead, "Write": kadm.OpWrite, "Create": kadm.OpCreate, "Delete": kadm.OpDelete, "Describe": kadm.OpDescribe, "DescribeConfigs": kadm.OpDescribeConfigs,
			}[value]
			require.True(t, known, line)
			operations = append(operations, operation)
		case "--topic":
			b.Topics(own(value))
		case "--group":
			b.Groups(own(value))
		case "--transactional-id":
			b.TransactionalIDs(own(value))
		case "--cluster":
			b.Clusters()
			k--
		case "--resource-pattern-type":
			require.Equal(t, "prefixed", value)
			b.ResourcePatternType(kadm.ACLPatternPrefixed)
		default:
			t.Fatalf("%s: %s", line, words[k])
		}
	}
	return b.Operations(operations...)
}
