package peers.flink;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import org.apache.flink.api.common.serialization.SerializationSchema;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeutils.base.StringSerializer;
import org.apache.flink.connector.kafka.source.reader.deserializer.KafkaRecordDeserializationSchema;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;
import org.apache.flink.util.Collector;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import peers.job.Aggregate;
import peers.job.Reading;

/** How things are written: hand-made serializers, which cost less than Flink's for POJOs (no flags and nulls per field). */
final class Formats {
    static final TypeInformation<Reading> READING = BinaryType.of(Reading.class, new ReadingSerializer());
    static final TypeInformation<Aggregate> AGGREGATE = BinaryType.of(Aggregate.class, new AggregateSerializer());
    static final TypeInformation<Ten> TEN = BinaryType.of(Ten.class, new TenSerializer());
    static final TypeInformation<Out> OUT = BinaryType.of(Out.class, new OutSerializer());

    private Formats() {
    }

    /** Source records: JSON is parsed here and nowhere else. */
    static final class ReadingSchema implements KafkaRecordDeserializationSchema<Reading> {
        @Override
        public void deserialize(ConsumerRecord<byte[], byte[]> record, Collector<Reading> out) {
            Reading reading = Reading.parse(record.value());
            reading.device = new String(record.key(), StandardCharsets.UTF_8);
            out.collect(reading);
        }

        @Override
        public TypeInformation<Reading> getProducedType() {
            return READING;
        }
    }

    // Classes and not lambdas, since the sink looks for their type arguments.
    static final class KeySchema implements SerializationSchema<Out> {
        @Override
        public byte[] serialize(Out out) {
            return out.device.getBytes(StandardCharsets.UTF_8);
        }
    }

    static final class JsonSchema implements SerializationSchema<Out> {
        @Override
        public byte[] serialize(Out out) {
            return out.json;
        }
    }

    static final class ReadingSerializer extends BinarySerializer<Reading> {
        @Override
        public Reading copy(Reading from) {
            Reading to = new Reading();
            to.device = from.device;
            to.ts = from.ts;
            to.value = from.value;
            return to;
        }

        @Override
        public void serialize(Reading reading, DataOutputView out) throws IOException {
            StringSerializer.INSTANCE.serialize(reading.device, out);
            out.writeLong(reading.ts);
            out.writeDouble(reading.value);
        }

        @Override
        public Reading deserialize(DataInputView in) throws IOException {
            Reading reading = new Reading();
            reading.device = StringSerializer.INSTANCE.deserialize(in);
            reading.ts = in.readLong();
            reading.value = in.readDouble();
            return reading;
        }
    }

    static final class AggregateSerializer extends BinarySerializer<Aggregate> {
        @Override
        public int getLength() {
            return Aggregate.BYTES;
        }

        @Override
        public Aggregate copy(Aggregate from) {
            return new Aggregate().merge(from);
        }

        @Override
        public void serialize(Aggregate a, DataOutputView out) throws IOException {
            out.writeLong(a.count);
            out.writeDouble(a.sum);
            out.writeDouble(a.min);
            out.writeDouble(a.max);
        }

        @Override
        public Aggregate deserialize(DataInputView in) throws IOException {
            Aggregate a = new Aggregate();
            a.count = in.readLong();
            a.sum = in.readDouble();
            a.min = in.readDouble();
            a.max = in.readDouble();
            return a;
        }
    }

    /** Not used while the operators are chained, as they are. */
    static final class TenSerializer extends BinarySerializer<Ten> {
        private final AggregateSerializer aggregates = new AggregateSerializer();

        @Override
        public Ten copy(Ten from) {
            return from; // immutable, since a fired window does not touch its aggregate again
        }

        @Override
        public void serialize(Ten ten, DataOutputView out) throws IOException {
            StringSerializer.INSTANCE.serialize(ten.device, out);
            out.writeLong(ten.start);
            aggregates.serialize(ten.of, out);
        }

        @Override
        public Ten deserialize(DataInputView in) throws IOException {
            return new Ten(StringSerializer.INSTANCE.deserialize(in), in.readLong(), aggregates.deserialize(in));
        }
    }

    /** Not used while the operators are chained, as they are. */
    static final class OutSerializer extends BinarySerializer<Out> {
        @Override
        public Out copy(Out from) {
            return from; // immutable
        }

        @Override
        public void serialize(Out out, DataOutputView view) throws IOException {
            StringSerializer.INSTANCE.serialize(out.device, view);
            view.writeInt(out.json.length);
            view.write(out.json);
        }

        @Override
        public Out deserialize(DataInputView in) throws IOException {
            String device = StringSerializer.INSTANCE.deserialize(in);
            byte[] json = new byte[in.readInt()];
            in.readFully(json);
            return new Out(device, json);
        }
    }
}
