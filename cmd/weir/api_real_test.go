//go:build real

package main

import (
	"fmt"
	"os"
	"testing"

	"github.com/weirstream/weir/internal/realbrokers"
)

// The group tells where a device lives on Apache Kafka as on the embedded one.
func TestRealAPIElsewhere(t *testing.T) {
	f := &apiFleet{t: t, name: fmt.Sprint("fleet-", os.Getpid()), broker: realbrokers.Kafka(t)}
	f.open(4).sharedByTwo()
}
