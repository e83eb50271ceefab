// Await waits until a Kafka cluster serves and says what it found. deploy/kafka/kafka.sh runs it after starting the nodes.
// It exits 1 when the cluster does not serve in time, or lacks transaction.version 2, without which weir refuses to run.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/weirstream/weir/internal/realbrokers"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:9092", "seed brokers, separated by commas")
	brokers := flag.Int("brokers", 1, "number of brokers that must be alive")
	timeout := flag.Duration("timeout", time.Minute, "how long to wait")
	flag.Parse()

	ctx, cancel := context.WithTimeout(context.Background(), *timeout)
	defer cancel()
	cluster, err := realbrokers.AwaitKafka(ctx, strings.Split(*addr, ","), *brokers)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Printf("kafka: %s serves, %d broker(s), transaction.version %d\n", *addr, cluster.Brokers, cluster.TransactionVersion)
	if cluster.TransactionVersion < 2 {
		fmt.Fprintln(os.Stderr, "kafka: transaction.version 2 is not finalized on this cluster, and weir needs it")
		os.Exit(1)
	}
}
