package realbrokers

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// errNotYet says that the cluster answers but does not serve everything yet.
var errNotYet = errors.New("not ready yet")

// Cluster is what a Kafka cluster says of itself.
type Cluster struct {
	// Brokers is the number of live brokers.
	Brokers int
	// TransactionVersion is the finalized feature level "transaction.version"; 0 where it is not finalized.
	TransactionVersion int
}

// AwaitKafka blocks until the cluster at the seed addresses serves: the given number of brokers is alive, a controller is elected, and
// the coordinators of groups and of transactions answer, which creates their internal topics. It tries again until ctx is done and
// then returns the last reason it had.
func AwaitKafka(ctx context.Context, seeds []string, brokers int) (Cluster, error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(seeds...), kgo.RetryTimeout(2*time.Second), kgo.DialTimeout(time.Second))
	if err != nil {
		return Cluster{}, err
	}
	defer client.Close()

	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	for {
		cluster, err := inspect(ctx, client, brokers)
		if err == nil {
			return cluster, nil
		}
		select {
		case <-ctx.Done():
			return cluster, fmt.Errorf("await kafka at %v: %w", seeds, err)
		case <-again.C:
		}
	}
}

// inspect asks the cluster once.
func inspect(ctx context.Context, client *kgo.Client, brokers int) (Cluster, error) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()

	metadata := kmsg.NewPtrMetadataRequest()
	metadata.Topics = []kmsg.MetadataRequestTopic{}
	meta, err := metadata.RequestWith(ctx, client)
	if err != nil {
		return Cluster{}, fmt.Errorf("metadata: %w", err)
	}
	cluster := Cluster{Brokers: len(meta.Brokers)}
	if cluster.Brokers < brokers || meta.ControllerID < 0 {
		return cluster, fmt.Errorf("%d of %d brokers alive, controller %d: %w", cluster.Brokers, brokers, meta.ControllerID, errNotYet)
	}

	versions := kmsg.NewPtrApiVersionsRequest()
	versions.ClientSoftwareName, versions.ClientSoftwareVersion = "weir", "test"
	api, err := versions.RequestWith(ctx, client)
	if err != nil {
		return cluster, fmt.Errorf("api versions: %w", err)
	}
	for _, feature := range api.FinalizedFeatures {
		if feature.Name == "transaction.version" {
			cluster.TransactionVersion = int(feature.MaxVersionLevel)
		}
	}
	for kind, name := range map[int8]string{0: "group", 1: "transaction"} {
		if err := findCoordinator(ctx, client, kind); err != nil {
			return cluster, fmt.Errorf("%s coordinator: %w", name, err)
		}
	}
	return cluster, nil
}

func findCoordinator(ctx context.Context, client *kgo.Client, kind int8) error {
	request := kmsg.NewPtrFindCoordinatorRequest()
	request.CoordinatorType = kind
	request.CoordinatorKey = "weir-await"
	request.CoordinatorKeys = []string{"weir-await"}
	response, err := request.RequestWith(ctx, client)
	if err != nil {
		return err
	}
	for _, coordinator := range response.Coordinators {
		if err := kerr.ErrorForCode(coordinator.ErrorCode); err != nil {
			return err
		}
	}
	return kerr.ErrorForCode(response.ErrorCode)
}
