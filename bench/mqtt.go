package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"
)

const (
	publishers      = 4
	publishedAtOnce = 500 // messages of one publisher that are not acknowledged yet
)

// mqttCase is a number of messages at QoS 1 for weir's bridge. Queued: they wait in Mosquitto when weir starts; else they are published while it
// runs, as fast as Mosquitto takes them.
type mqttCase struct {
	Name     string
	Order    int64
	Devices  int
	Messages int64
	Queued   bool
}

// mosquitto is a broker of the harness's own.
type mosquitto struct {
	addr    string
	process *process
}

func startMosquitto(ctx context.Context, dir string) (*mosquitto, error) {
	binary, err := exec.LookPath("mosquitto")
	if err != nil {
		binary, err = exec.LookPath("/usr/sbin/mosquitto") // where Debian puts it, outside the PATH of ordinary users
	}
	if err != nil {
		return nil, errors.New("mosquitto not found: install it (Debian: mosquitto)")
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	addr := listener.Addr().String()
	_ = listener.Close()
	_, port, _ := net.SplitHostPort(addr)
	lines := []string{
		"listener " + port + " 127.0.0.1", "allow_anonymous true", "persistence true", "persistence_location " + dir + "/", "autosave_interval 0",
		"max_inflight_messages 10000", "max_queued_messages 0", "set_tcp_nodelay true", "log_type error", "log_type warning",
	}
	if os.Geteuid() == 0 {
		lines = append(lines, "user root") // else it becomes the user mosquitto, who may not write into the folder
	}
	file := filepath.Join(dir, "mosquitto.conf")
	if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		return nil, err
	}
	p, err := start(command{Args: []string{binary, "-c", file}, Dir: dir, Log: filepath.Join(dir, "log")})
	if err != nil {
		return nil, err
	}
	m := &mosquitto{addr: addr, process: p}
	limit, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	err = poll(limit, 10*time.Millisecond, func() (bool, error) {
		conn, err := net.DialTimeout("tcp", addr, time.Second)
		if err != nil {
			return false, p.alive()
		}
		return true, conn.Close()
	})
	if err != nil {
		p.kill()
		return nil, fmt.Errorf("start mosquitto: %w", err)
	}
	return m, nil
}

// publish sends the first messages of an input and waits until Mosquitto has acknowledged all. A device always has the same publisher, so that
// its readings stay in order.
func (m *mosquitto) publish(ctx context.Context, in input, messages int64) error {
	group, ctx := errgroup.WithContext(ctx)
	for p := range int64(publishers) {
		group.Go(func() error {
			client := paho.NewClient(paho.NewClientOptions().AddBroker("tcp://" + m.addr).SetClientID(fmt.Sprintf("bench-%d", p)).SetAutoReconnect(false))
			if token := client.Connect(); token.Wait() && token.Error() != nil {
				return fmt.Errorf("connect to mosquitto: %w", token.Error())
			}
			defer client.Disconnect(100)
			var open []paho.Token
			await := func(n int) error {
				for len(open) > n {
					if open[0].Wait(); open[0].Error() != nil {
						return fmt.Errorf("publish: %w", open[0].Error())
					}
					open = open[1:]
				}
				return ctx.Err()
			}
			for k := range messages {
				if k%int64(in.devices)%publishers != p {
					continue
				}
				r := in.at(k)
				open = append(open, client.Publish(string(appendKey([]byte("bench/"), r.device)), 1, false, appendValue(nil, r)))
				if err := await(publishedAtOnce); err != nil {
					return err
				}
			}
			return await(0)
		})
	}
	return group.Wait()
}

// mqttIn measures how fast messages get from Mosquitto through the bridge into the source topic, and that none is lost.
func (h *harness) mqttIn(ctx context.Context, c mqttCase, e engine, r *result) error {
	w, ok := e.(weir)
	if !ok {
		return fmt.Errorf("%s has no MQTT of its own", e.name())
	}
	h.stages++
	m, err := startMosquitto(ctx, fmt.Sprintf("%s/mosquitto-%d", h.work, h.stages))
	if err != nil {
		return err
	}
	defer m.process.kill()
	source := fmt.Sprintf("mqtt-%d", h.stages)
	if err := h.cluster.source(ctx, source, sourcePartitions); err != nil {
		return err
	}
	j, err := h.stage(ctx, e, source, sourcePartitions)
	if err != nil {
		return err
	}
	defer h.strike(j)
	j.MQTT = m.addr
	l, err := begin(ctx, e, j)
	if err != nil {
		return err
	}
	defer func() { l.kill() }()
	if err := h.bridged(ctx, w, l); err != nil {
		return err
	}
	in := newInput(inputOptions{Devices: c.Devices, IntervalMs: h.options.IntervalMs()})
	if c.Queued {
		if err := l.stop(); err != nil {
			return err
		}
		if err := m.publish(ctx, in, c.Messages); err != nil {
			return err
		}
		if l, err = begin(ctx, e, j); err != nil {
			return err
		}
	}
	watch := newSampler()
	watch.watch(m.process.pid)
	mosquittoBefore, before, began := watch.look(false).CPU, l.sampler.look(false).CPU, time.Now()
	if !c.Queued {
		if err := m.publish(ctx, in, c.Messages); err != nil {
			return err
		}
	}
	if err := h.awaitArrival(ctx, l, c.Messages); err != nil {
		return err
	}
	seconds, n := time.Since(began).Seconds(), float64(c.Messages)
	if err := h.awaitCommitted(ctx, l, c.Messages); err != nil {
		return err
	}
	r.Figures = map[string]float64{
		"messages": n, "wall_s": seconds, "messages_per_s": n / seconds,
		"cpu_us_per_message":           (l.sampler.look(false).CPU - before).Seconds() / n * 1e6,
		"mosquitto_cpu_us_per_message": (watch.look(false).CPU - mosquittoBefore).Seconds() / n * 1e6,
	}
	r.Verdict, err = h.arrived(ctx, in, j.Source, c.Messages)
	return err
}

// bridged waits until the bridge has subscribed, so that its session exists.
func (h *harness) bridged(ctx context.Context, w weir, l *life) error {
	return poll(ctx, lagEvery, func() (bool, error) {
		return w.metric(ctx, l.job, "weir_mqtt_connected") == 1, l.alive()
	})
}

// awaitArrival waits until the source topic holds so many records.
func (h *harness) awaitArrival(ctx context.Context, l *life, records int64) error {
	return poll(ctx, lagEvery, func() (bool, error) {
		if err := l.alive(); err != nil {
			return false, err
		}
		ends, err := h.cluster.ends(ctx, l.job.Source)
		return err == nil && total(ends[l.job.Source]) >= records, err
	})
}

// arrived looks for every message in the source topic. A repeat is allowed at QoS 1 and is told; a message that is missing is not.
func (h *harness) arrived(ctx context.Context, in input, source string, messages int64) (*verdict, error) {
	left := make(map[reading]int32, messages)
	for k := range messages {
		left[in.at(k)]++
	}
	v := &verdict{Compared: messages, OneIn: 1}
	read := readingDecoder()
	err := h.cluster.read(ctx, []string{source}, func(record *kgo.Record) {
		r, err := read(record.Value)
		if err != nil {
			v.Broken++
			return
		}
		switch n, known := left[r]; {
		case !known:
			v.Unexpected++
		case n == 0:
			v.Repeated++
		default:
			left[r] = n - 1
		}
	})
	for _, n := range left {
		v.Missing += int64(n)
	}
	return v, err
}
