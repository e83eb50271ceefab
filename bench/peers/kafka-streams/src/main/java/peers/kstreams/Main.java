package peers.kstreams;

import java.time.Duration;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.TopologyConfig;
import peers.job.Settings;

/** Runs the job until SIGTERM. Ends with status 1 when Kafka Streams gives up. */
public final class Main {
    private Main() {
    }

    public static void main(String[] args) {
        Settings settings = new Settings();
        Properties properties = properties(settings);
        Topology topology = Job.topology(settings, new TopologyConfig(new StreamsConfig(properties)), properties);
        KafkaStreams streams = new KafkaStreams(topology, properties);
        streams.setStateListener((now, before) -> {
            System.err.println("kafka-streams: " + before + " -> " + now);
            if (now == KafkaStreams.State.ERROR) {
                new Thread(() -> Runtime.getRuntime().halt(1)).start();
            }
        });
        Runtime.getRuntime().addShutdownHook(new Thread(() -> streams.close(Duration.ofSeconds(20))));
        streams.start();
    }

    private static Properties properties(Settings settings) {
        Properties p = new Properties();
        p.put(StreamsConfig.APPLICATION_ID_CONFIG, settings.app);
        p.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, settings.brokers);
        p.put(StreamsConfig.STATE_DIR_CONFIG, settings.state.toString());
        p.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, settings.threads);
        p.put(StreamsConfig.NUM_STANDBY_REPLICAS_CONFIG, 0);
        // "Configuring a Streams Application", processing.guarantee: exactly_once_v2 is the one for brokers from 2.5 on. 100 ms is
        // also what commit.interval.ms defaults to with it.
        p.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
        p.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, Settings.or("COMMIT_MS", "100"));
        // "Configuring a Streams Application", topology.optimization: on.
        p.put(StreamsConfig.TOPOLOGY_OPTIMIZATION_CONFIG, StreamsConfig.OPTIMIZE);
        // "Memory Management", Record caches: all stores are cached, so that a commit writes a window or device once, and most are found
        // without RocksDB. The default of 10 MiB for all threads would evict from ten thousand devices on; a quarter of the heap leaves
        // room for what the cache does not count.
        long quarter = Runtime.getRuntime().maxMemory() >> 22;
        p.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, Long.parseLong(Settings.or("CACHE_MB", "" + quarter)) << 20);
        // "Memory Management", RocksDB: bounded over all instances.
        p.put(StreamsConfig.ROCKSDB_CONFIG_SETTER_CLASS_CONFIG, BoundedMemory.class);
        p.put(BoundedMemory.MIB, settings.rocksMiB);
        // The metrics of the DSL at INFO are the default; DEBUG would cost.
        p.put(StreamsConfig.METRICS_RECORDING_LEVEL_CONFIG, "INFO");
        // The changelogs of windows carry event time. Readings of a test may be months old, and the broker would delete the changelog
        // under a store that still needs it (the default margin is one day).
        p.put(StreamsConfig.WINDOW_STORE_CHANGE_LOG_ADDITIONAL_RETENTION_MS_CONFIG, Duration.ofDays(3650).toMillis());
        // Final windows are looked for as soon as stream time has passed them, not once a second of wall time (the default of this
        // internal setting), which would also leave the last windows of a topic unsaid until a further record comes.
        p.put(StreamsConfig.InternalConfig.EMIT_INTERVAL_MS_KSTREAMS_WINDOWED_AGGREGATION, 0L);

        // Static membership ("Consumer configs", group.instance.id): a restart takes the place of its former life at once.
        // Streams appends the number of the thread. Processes of one application are told apart by the last name of their STATE.
        p.put(StreamsConfig.mainConsumerPrefix(ConsumerConfig.GROUP_INSTANCE_ID_CONFIG), settings.app + "-" + settings.state.getFileName());
        // "Producer configs", batch.size: the changelogs are many small records; 16 KiB batches would be many requests.
        p.put(StreamsConfig.producerPrefix(ProducerConfig.BATCH_SIZE_CONFIG), 256 << 10);
        p.put(StreamsConfig.producerPrefix(ProducerConfig.BUFFER_MEMORY_CONFIG), 64L << 20);
        // What the default is with exactly once. On a starved machine a commit may take longer, and the broker then fences the thread;
        // a greater value makes a start without the local state wait longer for the transactions of the former life.
        p.put(StreamsConfig.producerPrefix(ProducerConfig.TRANSACTION_TIMEOUT_CONFIG), Settings.or("TRANSACTION_TIMEOUT_MS", "10000"));
        // linger.ms stays at the 100 of Streams: a commit flushes, so it holds nothing up.
        p.put(StreamsConfig.mainConsumerPrefix(ConsumerConfig.MAX_POLL_RECORDS_CONFIG), 4000);
        p.put(StreamsConfig.BUFFERED_RECORDS_PER_PARTITION_CONFIG, 4000);
        return p;
    }
}
