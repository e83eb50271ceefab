package peers.kstreams;

import java.util.Set;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.ProcessorSupplier;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.StoreBuilder;
import org.apache.kafka.streams.state.Stores;
import peers.job.Reading;
import peers.job.Result;
import peers.job.Rule;

/** The rule, on every reading as it comes. */
final class AlertProcessor implements Processor<Bytes, Reading, Bytes, byte[]> {
    private static final String STORE = "alerts";

    private ProcessorContext<Bytes, byte[]> context;
    private KeyValueStore<Bytes, Long> store;

    @Override
    public void init(ProcessorContext<Bytes, byte[]> context) {
        this.context = context;
        store = context.getStateStore(STORE);
    }

    @Override
    public void process(Record<Bytes, Reading> record) {
        Reading reading = record.value();
        Long stored = store.get(record.key());
        long before = stored == null ? Rule.NEW : stored;
        long after = Rule.next(before, reading.ts, reading.value);
        if (after == before) {
            return;
        }
        store.put(record.key(), after);
        boolean firing = Rule.firing(after);
        if (firing != Rule.firing(before)) {
            context.forward(record.withValue(Result.alert(Job.text(record.key()), firing, reading.ts, reading.value)));
        }
    }

    /** Connects the store: RocksDB, cached ("Memory Management", Record caches in the Processor API: off unless asked for). */
    static final class Supplier implements ProcessorSupplier<Bytes, Reading, Bytes, byte[]> {
        @Override
        public Processor<Bytes, Reading, Bytes, byte[]> get() {
            return new AlertProcessor();
        }

        @Override
        public Set<StoreBuilder<?>> stores() {
            return Set.of(Stores.keyValueStoreBuilder(Stores.persistentKeyValueStore(STORE), Serdes.Bytes(), Serdes.Long())
                .withCachingEnabled());
        }
    }
}
