package realbrokers

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
)

// exitMissing is the status with which kafka.sh says that something must be installed or reached first.
const exitMissing = 3

// errMissing wraps what kafka.sh says about a missing component.
var errMissing = errors.New("a component is missing")

// sharedKafka is the one cluster of this test binary. It is package state because the binary, not a test, is its owner.
var sharedKafka = sync.OnceValues(findOrStart)

// Kafka returns the address ("host:port", or several with commas between) of a running Kafka that tests share: name your topics and
// groups so that nobody else uses them. See the package comment for where it comes from; it serves when Kafka returns.
func Kafka(t TB) string {
	t.Helper()
	addr, err := sharedKafka()
	stopTest(t, err)
	return addr
}

func findOrStart() (string, error) {
	if addr := os.Getenv("WEIR_KAFKA"); addr != "" {
		return addr, nil
	}
	var standing script
	if addr, err := standing.run("addr"); err == nil {
		return addr, nil
	}
	return script{port: "auto", brokers: 1}.run("up")
}

// PrivateKafkaOptions says what cluster a test wants for itself.
type PrivateKafkaOptions struct {
	// Brokers is the number of nodes; 0 means 1. Each takes about 0.5 GB of memory and, on 2 cores, 4 s to start.
	Brokers int
	// Properties are more settings of the node, as kafka.sh takes them with KAFKA_PROPERTIES, for a cluster of one; JVM are more settings of
	// its JVM.
	Properties, JVM string
}

// KafkaCluster is a cluster of one test's own. Its data is deleted when the test ends.
type KafkaCluster struct {
	// Addr is the address of all nodes, "host:port" with commas between.
	Addr string

	t      TB
	script script
}

// PrivateKafka starts a cluster that the test may break. It stops when the test ends.
func PrivateKafka(t TB, options PrivateKafkaOptions) *KafkaCluster {
	t.Helper()
	brokers := max(options.Brokers, 1)
	start := script{port: "auto", brokers: brokers, jvm: options.JVM}
	if options.Properties != "" {
		start.properties = filepath.Join(t.TempDir(), "more.properties")
		stopTest(t, os.WriteFile(start.properties, []byte(options.Properties), 0o600))
	}
	addr, err := start.run("up")
	stopTest(t, err)
	first, _, _ := strings.Cut(addr, ",")
	_, port, _ := strings.Cut(first, ":")
	start.port = port
	cluster := &KafkaCluster{Addr: addr, t: t, script: start}
	t.Cleanup(func() { cluster.do("down") })
	return cluster
}

// Kill ends a node, counted from 1, with SIGKILL.
func (c *KafkaCluster) Kill(node int) {
	c.t.Helper()
	c.do("kill", strconv.Itoa(node))
}

// Stop ends a node, counted from 1, as an operator would: it hands its partitions over and ends when another leads them. With nobody
// to hand over to, a single node ends all the same.
func (c *KafkaCluster) Stop(node int) {
	c.t.Helper()
	c.do("stop", strconv.Itoa(node))
}

// Nodes is how many nodes the cluster has, running or not. Their broker ids count from 1.
func (c *KafkaCluster) Nodes() int { return c.script.brokers }

// Data is the folder of a node's logs, one folder a partition in it, named TOPIC-PARTITION. Change it only while the node is down.
func (c *KafkaCluster) Data(node int) string {
	c.t.Helper()
	folder, err := c.script.run("data", strconv.Itoa(node))
	stopTest(c.t, err)
	return folder
}

// Up starts the nodes that do not run, on the data they had, and waits until the cluster serves. After a Kill that takes about 10 s:
// the controller lets a broker back only when its old session has expired.
func (c *KafkaCluster) Up() {
	c.t.Helper()
	c.do("up")
}

func (c *KafkaCluster) do(args ...string) {
	c.t.Helper()
	_, err := c.script.run(args...)
	stopTest(c.t, err)
}

// stopTest ends the test unless err is nil: for want of a component, or because something is broken.
func stopTest(t TB, err error) {
	t.Helper()
	switch {
	case err == nil:
	case errors.Is(err, errMissing):
		missing(t, err.Error())
	default:
		t.Fatal(err)
	}
}

// script is a call of deploy/kafka/kafka.sh. The zero value means the cluster that `make kafka-up` starts.
type script struct {
	port            string
	brokers         int
	properties, jvm string
}

// run returns what the script prints on stdout, trimmed, or an error that carries its stderr.
func (s script) run(args ...string) (string, error) {
	root, err := projectRoot()
	if err != nil {
		return "", err
	}
	command := exec.Command(filepath.Join(root, "deploy", "kafka", "kafka.sh"), args...)
	command.Env = os.Environ()
	if s.port != "" {
		command.Env = append(command.Env, "KAFKA_PORT="+s.port, "KAFKA_BROKERS="+strconv.Itoa(s.brokers), "KAFKA_FRESH=0", "KAFKA_JVM="+strings.TrimSpace("-XX:TieredStopAtLevel=1 "+s.jvm), "KAFKA_PROPERTIES="+s.properties,
			"KAFKA_WHILE_PID="+strconv.Itoa(os.Getpid()))
	}
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	err = command.Run()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return strings.TrimSpace(stdout.String()), nil
	case errors.As(err, &exit) && exit.ExitCode() == exitMissing:
		return "", fmt.Errorf("%w: %s", errMissing, strings.TrimSpace(stderr.String()))
	default:
		return "", fmt.Errorf("kafka.sh %s: %w\n%s", strings.Join(args, " "), err, stderr.String())
	}
}

// projectRoot is the nearest folder with a go.mod, from the working directory up: tests run in their package's folder.
func projectRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("no go.mod above the working directory")
		}
		dir = parent
	}
}
