package peers.kstreams;

import java.nio.ByteBuffer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import peers.job.Aggregate;
import peers.job.Reading;

/** The serdes: state in fixed binary, readings from JSON. They keep nothing between calls, since all tasks share them. */
final class Formats {
    /** Never written: no topic between source and stores carries readings. */
    static final Serde<Reading> READING = Serdes.serdeFrom(
        (topic, reading) -> {
            throw new UnsupportedOperationException("readings are only read");
        },
        (topic, json) -> Reading.parse(json));

    static final Serde<Aggregate> AGGREGATE = Serdes.serdeFrom(
        (topic, a) -> a == null ? null : ByteBuffer.allocate(Aggregate.BYTES)
            .putLong(a.count).putDouble(a.sum).putDouble(a.min).putDouble(a.max).array(),
        (topic, bytes) -> {
            if (bytes == null) {
                return null;
            }
            ByteBuffer in = ByteBuffer.wrap(bytes);
            Aggregate a = new Aggregate();
            a.count = in.getLong();
            a.sum = in.getDouble();
            a.min = in.getDouble();
            a.max = in.getDouble();
            return a;
        });

    private Formats() {
    }
}
