package peers.job;

/** The three kinds of result record, as JSON. Times are Unix ms, windows are [start, end). */
public final class Result {
    private Result() {
    }

    public static byte[] ten(String device, long start, long end, Aggregate a) {
        StringBuilder out = window(device, start, end);
        Json.member(out, "count", a.count);
        Json.member(out, "mean", a.mean());
        Json.member(out, "min", a.min);
        return Json.end(Json.member(out, "max", a.max));
    }

    public static byte[] hop(String device, long start, long end, double mean) {
        return Json.end(Json.member(window(device, start, end), "mean", mean));
    }

    public static byte[] alert(String device, boolean firing, long ts, double value) {
        StringBuilder out = Json.member(Json.object(device), "event", firing ? "firing" : "resolved");
        return Json.end(Json.member(Json.member(out, "ts", ts), "value", value));
    }

    private static StringBuilder window(String device, long start, long end) {
        return Json.member(Json.member(Json.object(device), "start", start), "end", end);
    }
}
