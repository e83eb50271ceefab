package peers.flink;

import java.util.Properties;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.java.functions.KeySelector;
import org.apache.flink.connector.base.DeliveryGuarantee;
import org.apache.flink.connector.kafka.sink.KafkaRecordSerializationSchema;
import org.apache.flink.connector.kafka.sink.KafkaSink;
import org.apache.flink.connector.kafka.sink.TransactionNamingStrategy;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.DataStreamUtils;
import org.apache.flink.streaming.api.datastream.KeyedStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.streaming.api.windowing.assigners.SlidingEventTimeWindows;
import org.apache.flink.streaming.api.windowing.assigners.TumblingEventTimeWindows;
import org.apache.flink.util.Collector;
import org.apache.flink.util.OutputTag;
import peers.job.Reading;
import peers.job.Result;
import peers.job.Rule;
import peers.job.Settings;

/**
 * The job graph: one exchange over the network stack (keyBy), everything after it in one chain.
 *
 * <pre>
 * source = keyBy =&gt; rule -+-&gt; OUT-alerts
 *                        +-&gt; tumbling 10 s -+-&gt; OUT-ten
 *                                           +-&gt; hopping 60 s by 10 s, over the results -&gt; OUT-hop
 * </pre>
 *
 * The hopping window adds up the results of the tumbling one ("Windows", Consecutive windowed operations) instead of every reading
 * six times. A key never leaves its subtask on the way, so the streams after keyBy are keyed streams still ("Experimental Features",
 * Reinterpreting a pre-partitioned data stream as keyed stream), which saves two more exchanges.
 */
final class Job {
    private static final OutputTag<Out> ALERTS = new OutputTag<>("alerts", Formats.OUT);

    private Job() {
    }

    static void build(StreamExecutionEnvironment env, Settings settings) {
        KafkaSource<Reading> source = KafkaSource.<Reading>builder()
            .setBootstrapServers(settings.brokers)
            .setTopics(settings.source)
            .setGroupId(settings.app)
            .setStartingOffsets(OffsetsInitializer.earliest())
            .setDeserializer(new Formats.ReadingSchema())
            .setProperty("partition.discovery.interval.ms", "-1") // the topic does not grow
            .setProperty("max.poll.records", "4000")
            .build();
        // "Kafka connector", Event time and watermarks: given at the source, the strategy works per partition.
        WatermarkStrategy<Reading> watermarks = WatermarkStrategy.<Reading>forBoundedOutOfOrderness(Settings.LATENESS)
            .withTimestampAssigner((reading, before) -> reading.ts);

        SingleOutputStreamOperator<Reading> readings = env.fromSource(source, watermarks, "source", Formats.READING).uid("source")
            .keyBy(reading -> reading.device, Types.STRING)
            .process(new Alerts(), Formats.READING).uid("rule");
        sink(readings.getSideOutput(ALERTS), settings, "alerts");

        SingleOutputStreamOperator<Ten> tens = keyedStill(readings, reading -> reading.device)
            .window(TumblingEventTimeWindows.of(Settings.TEN))
            .aggregate(new Windows.OfReadings(), new Windows.ToTen(), Formats.AGGREGATE, Formats.AGGREGATE, Formats.TEN).uid("ten");
        sink(tens.map(ten -> new Out(ten.device, Result.ten(ten.device, ten.start, ten.start + Settings.TEN.toMillis(), ten.of)))
            .returns(Formats.OUT), settings, "ten");

        DataStream<Out> hops = keyedStill(tens, ten -> ten.device)
            .window(SlidingEventTimeWindows.of(Settings.HOP, Settings.TEN))
            .aggregate(new Windows.OfTens(), new Windows.ToHop(), Formats.AGGREGATE, Formats.AGGREGATE, Formats.OUT).uid("hop");
        sink(hops, settings, "hop");
    }

    private static <T> KeyedStream<T, String> keyedStill(DataStream<T> stream, KeySelector<T, String> key) {
        return DataStreamUtils.reinterpretAsKeyedStream(stream, key, Types.STRING);
    }

    private static void sink(DataStream<Out> results, Settings settings, String name) {
        Properties producer = new Properties();
        // "Kafka connector", Fault tolerance: longer than a checkpoint and a restart may take, and not above the broker's 15 minutes.
        producer.put("transaction.timeout.ms", "600000");
        producer.put("batch.size", String.valueOf(256 << 10));
        producer.put("linger.ms", "20");
        producer.put("buffer.memory", String.valueOf(64 << 20));
        results.sinkTo(KafkaSink.<Out>builder()
            .setBootstrapServers(settings.brokers)
            .setKafkaProducerConfig(producer)
            .setDeliveryGuarantee(DeliveryGuarantee.EXACTLY_ONCE)
            .setTransactionalIdPrefix(settings.app + "-" + name)
            // Reuses transactional ids, which the broker would otherwise keep a week for every checkpoint of every subtask.
            .setTransactionNamingStrategy(TransactionNamingStrategy.POOLING)
            .setRecordSerializer(KafkaRecordSerializationSchema.<Out>builder()
                .setTopic(settings.out + "-" + name)
                .setKeySerializationSchema(new Formats.KeySchema())
                .setValueSerializationSchema(new Formats.JsonSchema())
                .build())
            .build()).uid("sink-" + name).name(name);
    }

    /** The rule, on every reading as it comes. Readings go on to the windows. */
    private static final class Alerts extends KeyedProcessFunction<String, Reading, Reading> {
        private transient ValueState<Long> state;

        @Override
        public void open(OpenContext context) {
            state = getRuntimeContext().getState(new ValueStateDescriptor<>("rule", Types.LONG));
        }

        @Override
        public void processElement(Reading reading, Context context, Collector<Reading> out) throws Exception {
            Long stored = state.value();
            long before = stored == null ? Rule.NEW : stored;
            long after = Rule.next(before, reading.ts, reading.value);
            if (after != before) {
                state.update(after);
                boolean firing = Rule.firing(after);
                if (firing != Rule.firing(before)) {
                    context.output(ALERTS, new Out(reading.device, Result.alert(reading.device, firing, reading.ts, reading.value)));
                }
            }
            out.collect(reading);
        }
    }
}
