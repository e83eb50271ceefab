package peers.job;

import java.nio.file.Path;
import java.time.Duration;

/** What the environment says, and the figures of the job. */
public final class Settings {
    public static final Duration TEN = Duration.ofSeconds(10);
    public static final Duration HOP = Duration.ofSeconds(60);
    public static final Duration LATENESS = Duration.ofSeconds(5);

    public final String brokers = need("BROKERS");
    public final String source = need("SOURCE");
    public final String out = need("OUT");
    public final String app = need("APP");
    public final Path state = Path.of(need("STATE")).toAbsolutePath();
    public final int threads = Integer.parseInt(or("THREADS", "2"));
    /** Memory outside the heap that RocksDB may take for blocks and write buffers, MiB. */
    public final long rocksMiB = Long.parseLong(or("ROCKS_MB", "1024"));

    public static String need(String name) {
        String value = System.getenv(name);
        if (value == null || value.isEmpty()) {
            throw new IllegalArgumentException(name + " is not set");
        }
        return value;
    }

    public static String or(String name, String otherwise) {
        String value = System.getenv(name);
        return value == null || value.isEmpty() ? otherwise : value;
    }
}
