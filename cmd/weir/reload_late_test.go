package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/weirstream/weir/configs"
	"github.com/weirstream/weir/internal/brokers"
)

// impatient has whoever asks for a reload wait for a moment only.
func (r *reloaded) impatient() {
	r.one.Lock()
	defer r.one.Unlock()
	r.patience = 50 * time.Millisecond
}

// hide has the broker answer nobody who asks about a topic, until show is called.
func (r *reloaded) hide(topic string) (show func()) {
	var hidden atomic.Bool
	hidden.Store(true)
	cluster := r.kafka.Cluster()
	cluster.ControlKey(int16(kmsg.Metadata), func(req kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		for _, t := range req.(*kmsg.MetadataRequest).Topics {
			if hidden.Load() && t.Topic != nil && *t.Topic == topic {
				return nil, errors.New("hidden"), true
			}
		}
		return nil, nil, false
	})
	return func() { hidden.Store(false) }
}

// oddTopics makes topics that do not have as many partitions as the source.
func (r *reloaded) oddTopics(names ...string) {
	r.t.Helper()
	_, err := kadm.NewClient(r.sender).CreateTopics(context.Background(), 5, 1, nil, names...)
	require.NoError(r.t, err)
}

// inForce waits for the file that metrics and the work are of.
func (r *reloaded) inForce(src string) {
	r.t.Helper()
	print := fingerprint([]byte(strings.ReplaceAll(src, "DIR", r.dir)))
	waitFor(r.t, "in force", func() bool {
		return r.work().pipeline.Fingerprint == print && r.metric(fmt.Sprintf(`weir_pipeline_info{fingerprint="%016x",pipeline="plant"} 1`, print))
	})
}

// counted waits for the counts of results: done, failed, replaced.
func (r *reloaded) counted(done, failed, replaced int) {
	r.t.Helper()
	for result, n := range map[string]int{"done": done, "failed": failed, "replaced": replaced} {
		waitFor(r.t, fmt.Sprint(result, n), func() bool {
			return r.metric(fmt.Sprintf(`weir_reloads_total{pipeline="plant",result=%q} %d`, result, n))
		})
	}
}

// A reload that fails after whoever asked for it has stopped waiting counts as failed, leaves the file before it in force, and can be tried again.
func TestReloadFailsLate(t *testing.T) {
	r := startReloaded(t, reloadPipeline)
	defer r.close()
	r.impatient()
	r.oddTopics("odd")
	show := r.hide("odd")
	odd := with(reloadPipeline, "topic: kept", "topic: odd")
	r.write(odd)
	for range 2 { // who asks again waits for the same
		code, said := r.post()
		require.Equal(t, http.StatusAccepted, code, said)
		require.Equal(t, "window kept: state kept\n    emit changes from kept on change to odd on change\nrule hot: state kept\nrepeats: state kept\nweir run goes on from the state\n", said)
		r.inForce(odd)
		r.counted(0, 0, 0)
	}
	show()
	r.counted(0, 1, 0)
	r.inForce(reloadPipeline)
	r.send("pump-0", time.Now().UTC(), 20, 0)
	waitFor(t, "it goes on", func() bool { return len(r.counts("kept", "pump-0")) == 1 })

	waitFor(t, "live again", func() bool { return r.work().ready() })
	code, said := r.post()
	require.NotEqual(t, http.StatusOK, code, said)
	r.counted(0, 2, 0)
	r.inForce(reloadPipeline)
	waitFor(t, "live again", func() bool { return r.work().ready() })
	require.NoError(t, syscall.Kill(os.Getpid(), syscall.SIGHUP))
	r.counted(0, 3, 0)
	r.inForce(reloadPipeline)
	_, err := kadm.NewClient(r.sender).DeleteTopics(context.Background(), "odd")
	require.NoError(t, err)
	r.post()
	r.counted(1, 3, 0)
	r.inForce(odd)
	code, said = r.post()
	require.Equal(t, http.StatusOK, code)
	require.Equal(t, "nothing has changed\n", said)
}

// A file that hangs while it starts is mended at once: whoever waits for it hears so, and what fails then gives way to the last file that was live.
func TestReloadReplacesOneThatStarts(t *testing.T) {
	r := startReloaded(t, reloadPipeline)
	defer r.close()
	r.oddTopics("odd", "worse")
	show := r.hide("odd")
	defer show()
	type answer struct {
		code int
		said string
	}
	hangs := func() <-chan answer {
		waitFor(t, "live", func() bool { return r.work().ready() })
		odd := with(reloadPipeline, "topic: kept", "topic: odd")
		r.write(odd)
		answered := make(chan answer, 1)
		go func() {
			code, said := r.post()
			answered <- answer{code, said}
		}()
		r.inForce(odd)
		return answered
	}

	waiting := hangs()
	r.write(with(reloadPipeline, "topic: kept", "topic: mended"))
	code, said := r.post()
	require.Equal(t, http.StatusOK, code, said)
	require.Contains(t, said, "this is against the version before, which was still starting")
	require.Equal(t, answer{http.StatusUnprocessableEntity, errReplaced.Error()}, <-waiting)
	r.counted(1, 0, 1)

	waiting = hangs()
	r.write(with(reloadPipeline, "topic: kept", "topic: worse"))
	code, said = r.post()
	require.Equal(t, http.StatusUnprocessableEntity, code)
	require.Contains(t, said, `went back to the file as it was: refused: topic "worse" has 5 partitions`)
	require.Equal(t, errReplaced.Error(), (<-waiting).said)
	r.counted(1, 1, 2)
	r.inForce(with(reloadPipeline, "topic: kept", "topic: mended"))

	waiting = hangs()
	r.write(with(reloadPipeline, "topic: kept", "topic: mended"))
	code, said = r.post()
	require.Equal(t, http.StatusOK, code, said)
	require.NotEqual(t, "nothing has changed\n", said)
	require.Equal(t, errReplaced.Error(), (<-waiting).said)
	r.counted(2, 1, 3)
}

// A SIGHUP that comes while the process still reads its files is not the end of it, and they are looked at again once it is open.
func TestHangupWhileOpening(t *testing.T) {
	kafka, err := brokers.StartKafka(brokers.KafkaOptions{Topics: []string{"readings"}, Partitions: 2})
	require.NoError(t, err)
	defer kafka.Close()
	dir := t.TempDir()
	file := filepath.Join(dir, "plant.yaml")
	require.NoError(t, syscall.Mkfifo(file, 0o600)) // read as slowly as it is written
	text := strings.ReplaceAll(with(reloadPipeline, "embedded: {dir: DIR/kafka, partitions: 2}", "brokers: ['"+kafka.Addr()+"']"), "DIR", dir)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- runPipelines(ctx, []string{file}, runOptions{Logger: testLog()}) }()
	slow, err := os.OpenFile(file, os.O_WRONLY, 0) // waits for the reader
	require.NoError(t, err)
	heard := make(chan os.Signal, 1)
	signal.Notify(heard, syscall.SIGHUP)
	defer signal.Stop(heard)
	require.NoError(t, syscall.Kill(os.Getpid(), syscall.SIGHUP))
	<-heard
	_, err = slow.WriteString(text)
	require.NoError(t, err)
	changed := filepath.Join(dir, "changed.yaml")
	require.NoError(t, os.WriteFile(changed, []byte(with(text, "topic: kept", "topic: fresh")), 0o600))
	require.NoError(t, os.Rename(changed, file))
	require.NoError(t, slow.Close())
	client, err := kgo.NewClient(kgo.SeedBrokers(kafka.Addr()), kgo.MetadataMinAge(10*time.Millisecond))
	require.NoError(t, err)
	defer client.Close()
	waitFor(t, "the changed file is in force", func() bool {
		topics, err := kadm.NewClient(client).ListTopics(context.Background())
		return err == nil && topics.Has("fresh")
	})
	cancel()
	require.NoError(t, <-ended)
}

// Whether a version is news is asked of the one that was handed over last, also while the work before it still ends.
func TestReloadBackDuringHandOver(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "plant.yaml")
	text := strings.ReplaceAll(reloadPipeline, "DIR", dir)
	write := func(text string) { require.NoError(t, os.WriteFile(file, []byte(text), 0o600)) }
	write(text)
	p, err := loadPipeline(file, func(d configs.Diagnostic) { t.Log(d) })
	require.NoError(t, err)
	i, err := openInstance(p, instanceOptions{Logger: testLog()})
	require.NoError(t, err)
	defer i.Close()
	i.follow(file)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	take := func() <-chan *reload {
		taken := make(chan *reload, 1)
		go func() {
			r, err := i.take(ctx)
			assert.NoError(t, err)
			taken <- r
		}()
		return taken
	}
	require.Nil(t, <-take(), "nothing has changed")
	changed := with(text, "above: 80", "above: 85")
	for _, text := range []string{changed, text, changed} {
		write(text)
		require.True(t, i.isNews(fingerprint([]byte(text))))
		taken := take()
		var handed *reload
		select {
		case handed = <-i.reloads:
		case r := <-taken:
			require.Fail(t, "not handed over", "%v", r)
		}
		require.Same(t, handed, <-taken)
		require.Equal(t, fingerprint([]byte(text)), handed.work.pipeline.Fingerprint)
		require.False(t, i.isNews(fingerprint([]byte(text))))
		require.Same(t, handed, <-take(), "it is waited for")
	}
}
