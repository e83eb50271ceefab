package peers.job;

/** One reading, parsed once. The device is the key of its record and is not scanned out of the JSON again. */
public final class Reading {
    /** The device, where the engine wants it beside the values (Flink); null where the record key is at hand (Kafka Streams). */
    public String device;
    /** Event time, Unix ms. */
    public long ts;
    public double value;

    /** Scans a JSON object for "ts" and "value"; other members, in any order, are stepped over. */
    public static Reading parse(byte[] json) {
        Reading reading = new Reading();
        reading.fill(json);
        return reading;
    }

    private void fill(byte[] b) {
        try {
            if (scan(b) == 3) {
                return;
            }
        } catch (ArrayIndexOutOfBoundsException e) {
            // The object is cut off: said below.
        }
        throw new IllegalArgumentException("not a reading: " + new String(b, java.nio.charset.StandardCharsets.UTF_8));
    }

    /** Returns 1 for a "ts" plus 2 for a "value". */
    private int scan(byte[] b) {
        int seen = 0;
        int i = Json.expect(b, Json.space(b, 0), '{');
        for (i = Json.space(b, i); b[i] != '}'; i = Json.space(b, i)) {
            int key = Json.expect(b, i, '"');
            int keyEnd = Json.stringEnd(b, key);
            int from = Json.space(b, Json.expect(b, Json.space(b, keyEnd + 1), ':'));
            int to = Json.valueEnd(b, from);
            int length = keyEnd - key;
            if (length == 2 && b[key] == 't' && b[key + 1] == 's') {
                ts = Json.integer(b, from, to);
                seen |= 1;
            } else if (length == 5 && b[key] == 'v' && b[key + 1] == 'a' && b[key + 2] == 'l' && b[key + 3] == 'u' && b[key + 4] == 'e') {
                value = Json.number(b, from, to);
                seen |= 2;
            }
            i = Json.space(b, to);
            if (b[i] == ',') {
                i++;
            }
        }
        return seen;
    }
}
