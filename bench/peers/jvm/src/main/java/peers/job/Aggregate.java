package peers.job;

/** Count, sum, least and greatest value of a window. Changed in place. */
public final class Aggregate {
    /** Bytes of the binary form that the engines keep: four fields of eight bytes. */
    public static final int BYTES = 32;

    public long count;
    public double sum;
    public double min = Double.POSITIVE_INFINITY;
    public double max = Double.NEGATIVE_INFINITY;

    public Aggregate add(double value) {
        count++;
        sum += value;
        min = Math.min(min, value);
        max = Math.max(max, value);
        return this;
    }

    public Aggregate merge(Aggregate other) {
        count += other.count;
        sum += other.sum;
        min = Math.min(min, other.min);
        max = Math.max(max, other.max);
        return this;
    }

    public double mean() {
        return sum / count;
    }
}
