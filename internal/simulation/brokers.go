package simulation

import (
	"sync"
	"time"
)

// breakBrokers installs the codes that brokers answer with, and takes them away.
func (w *world) breakBrokers() {
	topics := append([]string{"aggregates", "alerts", w.shape.pipeline.JournalTopic, w.shape.pipeline.JournalTopic, w.shape.pipeline.QuarantineTopic}, w.works.topics()...)
	var all sync.WaitGroup
	defer all.Wait()
	for _, f := range drawBroker(w.rng(3), w.span, topics) {
		all.Go(func() {
			if !w.pause(f.at - time.Since(w.trace.began)) {
				return
			}
			h := w.kafka.Cluster().Fault(f.fault)
			w.trace.addf("brokers", "%s answered with %s, %d times", f.fault.Keys[0].Name(), f.fault.Err.Message, f.fault.Count)
			w.pause(f.until - f.at)
			h.Remove()
			if h.Hits() > 0 {
				w.trace.count("broker error on " + f.fault.Keys[0].Name())
			}
			w.trace.addf("brokers", "%s answered again, after %d times", f.fault.Keys[0].Name(), h.Hits())
		})
	}
}
