package peers.kstreams;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Properties;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.TopologyConfig;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.EmitStrategy;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.KGroupedStream;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.kstream.TimeWindows;
import org.apache.kafka.streams.state.WindowStore;
import peers.job.Aggregate;
import peers.job.Reading;
import peers.job.Result;
import peers.job.Settings;

/**
 * The topology. One sub-topology without repartition topics: the source is keyed by device already. Keys stay bytes.
 *
 * <pre>
 * source -+- tumbling 10 s, final -> OUT-ten
 *         +- hopping 60 s by 10 s, final -> OUT-hop
 *         +- AlertProcessor -> OUT-alerts
 * </pre>
 */
final class Job {
    /**
     * How long windows stay in the stores, for two reasons more than size + grace, the default.
     *
     * <p>The default loses results where stream time jumps: the record that jumps is put into the store before the closed windows are
     * read from it, and the store does not give out what is past retention by then. The input of the comparison ends with a jump of ten
     * minutes.
     *
     * <p>A cached store looks for the first windows to say from 1970 on, in steps of half the retention and at least a minute
     * (TimeOrderedCachingWindowStore): 30 million steps for each store and partition at the default, which is minutes of CPU after
     * the first start, and 40 thousand with a day.
     */
    private static final Duration RETENTION = Duration.ofDays(1);

    private Job() {
    }

    static Topology topology(Settings settings, TopologyConfig config, Properties properties) {
        StreamsBuilder builder = new StreamsBuilder(config);
        Produced<Bytes, byte[]> produced = Produced.with(Serdes.Bytes(), Serdes.ByteArray());
        KStream<Bytes, Reading> readings = builder.stream(settings.source, Consumed.with(Serdes.Bytes(), Formats.READING)
            .withTimestampExtractor((record, before) -> ((Reading) record.value()).ts));
        KGroupedStream<Bytes, Reading> byDevice = readings.groupByKey(Grouped.with(Serdes.Bytes(), Formats.READING));

        // Javadoc of EmitStrategy, onWindowClose: final results, without the buffer in memory and the changelog of suppress().
        TimeWindows ten = TimeWindows.ofSizeAndGrace(Settings.TEN, Settings.LATENESS);
        byDevice.windowedBy(ten).emitStrategy(EmitStrategy.onWindowClose())
            .aggregate(Aggregate::new, (device, reading, aggregate) -> aggregate.add(reading.value), store("ten"))
            .toStream()
            .map((window, a) -> KeyValue.pair(window.key(),
                Result.ten(text(window.key()), window.window().start(), window.window().end(), a)))
            .to(settings.out + "-ten", produced);

        TimeWindows hop = TimeWindows.ofSizeAndGrace(Settings.HOP, Settings.LATENESS).advanceBy(Settings.TEN);
        byDevice.windowedBy(hop).emitStrategy(EmitStrategy.onWindowClose())
            .aggregate(Aggregate::new, (device, reading, aggregate) -> aggregate.add(reading.value), store("hop"))
            .toStream()
            .map((window, a) -> KeyValue.pair(window.key(),
                Result.hop(text(window.key()), window.window().start(), window.window().end(), a.mean())))
            .to(settings.out + "-hop", produced);

        readings.process(new AlertProcessor.Supplier()).to(settings.out + "-alerts", produced);
        return builder.build(properties); // with them, or topology.optimization is not heard
    }

    private static Materialized<Bytes, Aggregate, WindowStore<Bytes, byte[]>> store(String name) {
        return Materialized.<Bytes, Aggregate, WindowStore<Bytes, byte[]>>as(name)
            .withKeySerde(Serdes.Bytes()).withValueSerde(Formats.AGGREGATE).withRetention(RETENTION);
    }

    static String text(Bytes device) {
        return new String(device.get(), StandardCharsets.UTF_8);
    }
}
