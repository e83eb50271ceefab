package peers.flink;

import org.apache.flink.api.common.functions.AggregateFunction;
import org.apache.flink.streaming.api.functions.windowing.ProcessWindowFunction;
import org.apache.flink.streaming.api.windowing.windows.TimeWindow;
import org.apache.flink.util.Collector;
import peers.job.Aggregate;
import peers.job.Reading;
import peers.job.Result;

/** "Windows", ProcessWindowFunction with incremental aggregation: the state of a window is one Aggregate, not its readings. */
final class Windows {
    private Windows() {
    }

    private abstract static class Aggregating<T> implements AggregateFunction<T, Aggregate, Aggregate> {
        @Override
        public Aggregate createAccumulator() {
            return new Aggregate();
        }

        @Override
        public Aggregate getResult(Aggregate aggregate) {
            return aggregate;
        }

        @Override
        public Aggregate merge(Aggregate a, Aggregate b) {
            return a.merge(b);
        }
    }

    static final class OfReadings extends Aggregating<Reading> {
        @Override
        public Aggregate add(Reading reading, Aggregate aggregate) {
            return aggregate.add(reading.value);
        }
    }

    static final class OfTens extends Aggregating<Ten> {
        @Override
        public Aggregate add(Ten ten, Aggregate aggregate) {
            return aggregate.merge(ten.of);
        }
    }

    static final class ToTen extends ProcessWindowFunction<Aggregate, Ten, String, TimeWindow> {
        @Override
        public void process(String device, Context context, Iterable<Aggregate> one, Collector<Ten> out) {
            out.collect(new Ten(device, context.window().getStart(), one.iterator().next()));
        }
    }

    static final class ToHop extends ProcessWindowFunction<Aggregate, Out, String, TimeWindow> {
        @Override
        public void process(String device, Context context, Iterable<Aggregate> one, Collector<Out> out) {
            TimeWindow window = context.window();
            out.collect(new Out(device, Result.hop(device, window.getStart(), window.getEnd(), one.iterator().next().mean())));
        }
    }
}
