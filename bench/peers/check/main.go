// Command check runs one engine of bench/peers on a small input and compares its results with a naive model, record for record:
//
//	go run ./bench/peers/check -engine flink -env BACKEND=heap -kills 1 -wipe
//
// It starts a Kafka of its own unless -brokers names one. Exit status 1: the results differ.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

type options struct {
	engine, peers, brokers string
	env                    []string
	readings, devices      int
	seed                   uint64
	kills                  int
	wipe, keep             bool
	rate                   int
	patience               time.Duration
}

func main() {
	log.SetFlags(log.Ltime | log.Lmicroseconds)
	var o options
	flag.StringVar(&o.engine, "engine", "kafka-streams", "directory below -peers with `build` and `run`")
	flag.StringVar(&o.peers, "peers", "bench/peers", "the directory of the engines")
	flag.StringVar(&o.brokers, "brokers", "", "host:port of a Kafka; empty: start one with deploy/kafka/kafka.sh")
	flag.Func("env", "NAME=VALUE for the engine; may be repeated", func(s string) error {
		o.env = append(o.env, s)
		return nil
	})
	flag.IntVar(&o.readings, "readings", 20_000, "readings, closing ones not counted")
	flag.IntVar(&o.devices, "devices", 50, "devices")
	flag.Uint64Var(&o.seed, "seed", 1, "seed of the input and of the moments of the kills")
	flag.IntVar(&o.kills, "kills", 0, "kill -9 the engine so many times while the input comes in, and start it again")
	flag.BoolVar(&o.wipe, "wipe", false, "after a kill delete the state, but for STATE/checkpoints")
	flag.IntVar(&o.rate, "rate", 0, "readings per second; 0: all before the engine starts, or 1,000 where it is to be killed")
	flag.DurationVar(&o.patience, "patience", 3*time.Minute, "how long to wait for the results after the input has ended")
	flag.BoolVar(&o.keep, "keep", false, "keep the topics and the state directory")
	flag.Parse()
	if o.rate == 0 && o.kills > 0 {
		o.rate = 1000
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	ok, err := run(ctx, o)
	stop()
	if err != nil {
		log.Fatal(err)
	}
	if !ok {
		os.Exit(1)
	}
}

// run has one engine do the job, and says whether its results are those of the model.
func run(ctx context.Context, o options) (bool, error) {
	if o.brokers == "" {
		brokers, down, err := kafka()
		if err != nil {
			return false, err
		}
		defer down()
		o.brokers = brokers
	}
	name := fmt.Sprintf("check-%s-%d", filepath.Base(o.engine), time.Now().UnixMilli())
	topics := []string{name, name + "-ten", name + "-hop", name + "-alerts"}
	forget, err := makeTopics(ctx, o.brokers, topics)
	if err != nil {
		return false, err
	}
	state, err := os.MkdirTemp("", name+"-")
	if err != nil {
		return false, err
	}
	if !o.keep {
		defer os.RemoveAll(state)
		defer forget()
	}

	engine := &engine{dir: filepath.Join(o.peers, o.engine), state: state, wipe: o.wipe}
	engine.env = append([]string{"BROKERS=" + o.brokers, "SOURCE=" + name, "OUT=" + name, "APP=" + name, "STATE=" + state}, o.env...)
	if err := engine.build(ctx); err != nil {
		return false, err
	}
	input := makeInput(o)
	want := expect(input)
	log.Printf("%s: %d readings of %d devices; expected: %s; log: %s.log", o.engine, len(input), o.devices, want, state)

	got := newResults(input.compared())
	reader, err := readOutputs(ctx, o.brokers, topics[1:], got)
	if err != nil {
		return false, err
	}
	defer reader.stop()

	start := time.Now()
	if err := feed(ctx, o, name, input, engine, reader); err != nil {
		return false, err
	}
	complete := reader.await(want.size(), o.patience, engine.ended)
	log.Printf("complete: %v, %.1f s after the start of the engine", complete, time.Since(start).Seconds())
	time.Sleep(4 * time.Second) // for what should not come
	if err := engine.stop(); err != nil {
		log.Print(err)
	}
	reader.stop()
	used := engine.cmd.ProcessState
	log.Printf("its last life took %.1f s of CPU", (used.UserTime() + used.SystemTime()).Seconds())
	return got.compare(want), nil
}

// feed sends the input and runs the engine, killing it at random moments of the input. The engine runs when feed returns.
func feed(ctx context.Context, o options, topic string, input input, engine *engine, reader *reader) error {
	producer, err := kgo.NewClient(kgo.SeedBrokers(o.brokers), kgo.DefaultProduceTopic(topic)) // by default murmur2 of the key
	if err != nil {
		return err
	}
	defer producer.Close()
	random := rand.New(rand.NewPCG(o.seed, 2))
	kills := map[int]bool{}
	for len(kills) < o.kills {
		kills[len(input)/5+random.IntN(len(input)*3/5)] = true
	}
	if o.rate == 0 {
		if err := send(ctx, producer, input); err != nil {
			return err
		}
	}
	if err := engine.start(); err != nil {
		return err
	}
	if o.rate == 0 {
		return nil
	}
	began := time.Now()
	for i, reading := range input {
		if due := began.Add(time.Duration(i) * time.Second / time.Duration(o.rate)); time.Until(due) > 0 {
			if err := producer.Flush(ctx); err != nil {
				return err
			}
			time.Sleep(time.Until(due))
		}
		producer.Produce(ctx, reading.record(), nil)
		if kills[i] {
			reader.awaitNext() // or the life that is to end has not begun
			log.Printf("kill -9 after %d readings, %d results so far", i+1, reader.count())
			if err := engine.restart(); err != nil {
				return err
			}
			reader.rest()
			go reader.awaitNext()
		}
	}
	return producer.Flush(ctx)
}

func send(ctx context.Context, producer *kgo.Client, input input) error {
	for _, reading := range input {
		producer.Produce(ctx, reading.record(), nil)
	}
	return producer.Flush(ctx)
}

func makeTopics(ctx context.Context, brokers string, topics []string) (forget func(), err error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(brokers, ",")...))
	if err != nil {
		return nil, err
	}
	admin := kadm.NewClient(client)
	for i, topic := range topics {
		// Results carry the time of old readings, which retention would delete.
		settings := map[string]*string{"retention.ms": kadm.StringPtr("-1")}
		if i == 0 {
			settings["message.timestamp.type"] = kadm.StringPtr("LogAppendTime")
		}
		if _, err := admin.CreateTopic(ctx, 8, -1, settings, topic); err != nil {
			return nil, fmt.Errorf("make topic %s: %w", topic, err)
		}
	}
	return func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		listed, err := admin.ListTopics(ctx)
		if err == nil {
			var mine []string // with the changelogs that an engine has made
			for _, topic := range listed.Names() {
				if strings.Contains(topic, topics[0]) {
					mine = append(mine, topic)
				}
			}
			_, _ = admin.DeleteTopics(ctx, mine...)
		}
		client.Close()
	}, nil
}

// kafka starts a broker on a free port.
func kafka() (addr string, down func(), err error) {
	script := filepath.Join("deploy", "kafka", "kafka.sh")
	up := exec.Command(script, "up")
	up.Env = append(os.Environ(), "KAFKA_PORT=auto", "KAFKA_BROKERS=1", "KAFKA_FRESH=1", fmt.Sprintf("KAFKA_WHILE_PID=%d", os.Getpid()))
	up.Stderr = os.Stderr
	out, err := up.Output()
	if err != nil {
		return "", nil, fmt.Errorf("start Kafka: %w", err)
	}
	addr = strings.TrimSpace(string(out))
	_, port, _ := strings.Cut(addr, ":")
	return addr, func() {
		stop := exec.Command(script, "down")
		stop.Env = append(os.Environ(), "KAFKA_PORT="+port)
		_ = stop.Run()
	}, nil
}
