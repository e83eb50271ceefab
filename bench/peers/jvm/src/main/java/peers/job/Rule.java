package peers.job;

/**
 * The alert with hysteresis: firing above 80, resolved below 70. The whole state of a device is one long, the newest event time
 * shifted left by one and the firing bit, so that every engine keeps eight bytes.
 */
public final class Rule {
    public static final double ABOVE = 80;
    public static final double CLEAR_BELOW = 70;
    /** The state of a device that was never heard. */
    public static final long NEW = Long.MIN_VALUE;

    private Rule() {
    }

    public static boolean firing(long state) {
        return (state & 1) != 0;
    }

    /** The state after a reading. A reading older than the newest one changes nothing; one of the same age counts. */
    public static long next(long state, long ts, double value) {
        if (ts < state >> 1) {
            return state;
        }
        boolean firing = firing(state) ? !(value < CLEAR_BELOW) : value > ABOVE;
        return ts << 1 | (firing ? 1 : 0);
    }
}
