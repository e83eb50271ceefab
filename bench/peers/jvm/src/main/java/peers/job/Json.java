package peers.job;

import com.fasterxml.jackson.core.io.NumberOutput;
import java.nio.charset.StandardCharsets;

/**
 * As much JSON as the job needs, over bytes and without a tree: the parsers index into the record, the writer knows the three
 * shapes of result. Jackson writes the numbers (its Schubfach writer is several times faster than Double.toString of Java 17).
 */
final class Json {
    private static final double[] POWERS_OF_TEN = new double[23];

    static {
        double power = 1;
        for (int i = 0; i < POWERS_OF_TEN.length; i++, power *= 10) {
            POWERS_OF_TEN[i] = power; // exact up to 10^22
        }
    }

    private Json() {
    }

    static int expect(byte[] b, int i, char c) {
        if (b[i] != c) {
            throw new IllegalArgumentException("expected " + c + " at byte " + i);
        }
        return i + 1;
    }

    static int space(byte[] b, int i) {
        while (b[i] == ' ' || b[i] == '\t' || b[i] == '\n' || b[i] == '\r') {
            i++;
        }
        return i;
    }

    /** The index of the quote that ends the string whose first byte is at i. */
    static int stringEnd(byte[] b, int i) {
        while (b[i] != '"') {
            i += b[i] == '\\' ? 2 : 1;
        }
        return i;
    }

    /** The index after the value that starts at i. */
    static int valueEnd(byte[] b, int i) {
        if (b[i] == '"') {
            return stringEnd(b, i + 1) + 1;
        }
        int depth = 0;
        for (;; i++) {
            byte c = b[i];
            if (c == '"') {
                i = stringEnd(b, i + 1);
            } else if (c == '{' || c == '[') {
                depth++;
            } else if (depth == 0 && (c == ',' || c == '}' || c == ' ' || c == '\n' || c == '\r' || c == '\t')) {
                return i;
            } else if (c == '}' || c == ']') {
                if (--depth == 0) {
                    return i + 1;
                }
            }
        }
    }

    static long integer(byte[] b, int from, int to) {
        boolean minus = b[from] == '-';
        long n = 0;
        for (int i = minus ? from + 1 : from; i < to; i++) {
            int digit = b[i] - '0';
            if (digit < 0 || digit > 9 || n > Long.MAX_VALUE / 10 - 1) {
                throw new IllegalArgumentException("not a whole number at byte " + from);
            }
            n = n * 10 + digit;
        }
        return minus ? -n : n;
    }

    /** Exact for what doubles hold exactly divided by a power of ten up to 22 (Clinger's fast path); anything else is left to the JDK. */
    static double number(byte[] b, int from, int to) {
        boolean minus = b[from] == '-';
        int i = minus ? from + 1 : from;
        long digits = 0;
        int fraction = -1;
        if (to - i > 17 || i == to) {
            return slowNumber(b, from, to);
        }
        for (; i < to; i++) {
            int digit = b[i] - '0';
            if (digit >= 0 && digit <= 9) {
                digits = digits * 10 + digit;
                fraction += fraction >= 0 ? 1 : 0;
            } else if (b[i] == '.' && fraction < 0) {
                fraction = 0;
            } else {
                return slowNumber(b, from, to);
            }
        }
        if (digits > 1L << 53) {
            return slowNumber(b, from, to);
        }
        double value = fraction > 0 ? digits / POWERS_OF_TEN[fraction] : digits;
        return minus ? -value : value;
    }

    private static double slowNumber(byte[] b, int from, int to) {
        return Double.parseDouble(new String(b, from, to - from, StandardCharsets.ISO_8859_1));
    }

    static StringBuilder object(String device) {
        StringBuilder out = new StringBuilder(160).append("{\"device\":\"");
        for (int i = 0; i < device.length(); i++) {
            char c = device.charAt(i);
            if (c < ' ') {
                out.append(String.format("\\u%04x", (int) c));
                continue;
            }
            if (c == '"' || c == '\\') {
                out.append('\\');
            }
            out.append(c);
        }
        return out.append('"');
    }

    static StringBuilder member(StringBuilder out, String name, long value) {
        return out.append(",\"").append(name).append("\":").append(value);
    }

    static StringBuilder member(StringBuilder out, String name, double value) {
        return out.append(",\"").append(name).append("\":").append(NumberOutput.toString(value, true));
    }

    static StringBuilder member(StringBuilder out, String name, String plain) {
        return out.append(",\"").append(name).append("\":\"").append(plain).append('"');
    }

    static byte[] end(StringBuilder out) {
        return out.append('}').toString().getBytes(StandardCharsets.UTF_8);
    }
}
