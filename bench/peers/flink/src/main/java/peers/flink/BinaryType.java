package peers.flink;

import org.apache.flink.api.common.serialization.SerializerConfig;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeutils.TypeSerializer;

/** Names a class and its serializer to Flink. */
final class BinaryType<T> extends TypeInformation<T> {
    private final Class<T> type;
    private final BinarySerializer<T> serializer;

    private BinaryType(Class<T> type, BinarySerializer<T> serializer) {
        this.type = type;
        this.serializer = serializer;
    }

    static <T> BinaryType<T> of(Class<T> type, BinarySerializer<T> serializer) {
        return new BinaryType<>(type, serializer);
    }

    @Override
    public TypeSerializer<T> createSerializer(SerializerConfig config) {
        return serializer;
    }

    @Override
    public Class<T> getTypeClass() {
        return type;
    }

    @Override
    public boolean isBasicType() {
        return false;
    }

    @Override
    public boolean isTupleType() {
        return false;
    }

    @Override
    public int getArity() {
        return 1;
    }

    @Override
    public int getTotalFields() {
        return 1;
    }

    @Override
    public boolean isKeyType() {
        return false;
    }

    @Override
    public String toString() {
        return type.getSimpleName();
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof BinaryType && ((BinaryType<?>) other).type == type;
    }

    @Override
    public int hashCode() {
        return type.hashCode();
    }

    @Override
    public boolean canEqual(Object other) {
        return other instanceof BinaryType;
    }
}
