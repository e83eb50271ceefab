package peers.flink;

/** A result record, ready but for its topic. */
public final class Out {
    public final String device;
    public final byte[] json;

    Out(String device, byte[] json) {
        this.device = device;
        this.json = json;
    }
}
