package peers.flink;

import peers.job.Aggregate;

/** The result of a tumbling window, on its way to the topic and into the hopping windows. */
public final class Ten {
    public final String device;
    public final long start;
    public final Aggregate of;

    Ten(String device, long start, Aggregate of) {
        this.device = device;
        this.start = start;
        this.of = of;
    }
}
