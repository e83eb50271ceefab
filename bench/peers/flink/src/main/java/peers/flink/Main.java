package peers.flink;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.Optional;
import java.util.stream.Stream;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.CoreOptions;
import org.apache.flink.configuration.ExternalizedCheckpointRetention;
import org.apache.flink.configuration.MemorySize;
import org.apache.flink.configuration.PipelineOptions;
import org.apache.flink.configuration.RestartStrategyOptions;
import org.apache.flink.configuration.StateBackendOptions;
import org.apache.flink.configuration.StateRecoveryOptions;
import org.apache.flink.configuration.TaskManagerOptions;
import org.apache.flink.core.execution.CheckpointingMode;
import org.apache.flink.core.execution.RecoveryClaimMode;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import peers.job.Settings;

/** Runs the job on a local cluster in this process until SIGTERM. Ends with status 1 when the job fails. */
public final class Main {
    private Main() {
    }

    public static void main(String[] args) throws Exception {
        Settings settings = new Settings();
        Path checkpoints = Files.createDirectories(settings.state.resolve("checkpoints"));
        Path local = Files.createDirectories(settings.state.resolve("local"));
        Configuration c = configuration(settings, checkpoints, local);
        Optional<Path> newest = newest(checkpoints);
        newest.ifPresent(path -> {
            System.err.println("flink: restoring " + path);
            c.set(StateRecoveryOptions.SAVEPOINT_PATH, path.toUri().toString());
            // "Savepoints", Claim mode: the new life owns the old checkpoint, so that the first checkpoint may be
            // incremental on it, and it is deleted once it is subsumed.
            c.set(StateRecoveryOptions.RESTORE_MODE, RecoveryClaimMode.CLAIM);
        });
        StreamExecutionEnvironment env = StreamExecutionEnvironment.createLocalEnvironment(settings.threads, c);
        Job.build(env, settings);
        env.execute(settings.app);
        System.exit(1); // the source is unbounded: the job does not end by itself
    }

    private static Configuration configuration(Settings settings, Path checkpoints, Path local) {
        Configuration c = new Configuration();
        boolean rocks = switch (Settings.or("BACKEND", "rocksdb")) {
            case "rocksdb" -> true;
            case "heap" -> false;
            default -> throw new IllegalArgumentException("BACKEND must be rocksdb or heap");
        };
        // "State Backends": hashmap for state that fits the heap, rocksdb with incremental snapshots for state that does not.
        c.set(StateBackendOptions.STATE_BACKEND, rocks ? "rocksdb" : "hashmap");
        c.set(CheckpointingOptions.INCREMENTAL_CHECKPOINTS, rocks);
        c.set(TaskManagerOptions.MANAGED_MEMORY_SIZE, MemorySize.ofMebiBytes(rocks ? settings.rocksMiB : 8));
        // "Tuning Checkpoints and Large State", Tuning RocksDB: memory bounded and given as managed memory (above); timers stay in
        // RocksDB, since heap timers are for jobs with few of them, not for windows. "State Backends", Predefined per-ColumnFamily
        // options: the profile for flash. "RocksDB Configurable Options": bloom filters.
        c.setString("state.backend.rocksdb.predefined-options", "FLASH_SSD_OPTIMIZED");
        c.setString("state.backend.rocksdb.use-bloom-filter", "true");
        c.setString("state.backend.rocksdb.localdir", local.toString());
        c.set(CoreOptions.TMP_DIRS, local.toString());

        c.set(CheckpointingOptions.CHECKPOINTING_CONSISTENCY_MODE, CheckpointingMode.EXACTLY_ONCE);
        c.setString("execution.checkpointing.interval", Settings.or("CHECKPOINT_MS", "1000") + " ms");
        c.set(CheckpointingOptions.CHECKPOINT_STORAGE, "filesystem");
        c.set(CheckpointingOptions.CHECKPOINTS_DIRECTORY, checkpoints.toUri().toString());
        c.set(CheckpointingOptions.MAX_RETAINED_CHECKPOINTS, 1);
        c.set(CheckpointingOptions.EXTERNALIZED_CHECKPOINT_RETENTION, ExternalizedCheckpointRetention.RETAIN_ON_CANCELLATION);

        // "Execution Configuration", object reuse: nothing here keeps an object that it was handed.
        c.set(PipelineOptions.OBJECT_REUSE, true);
        // "Data Types & Serialization", Disabling Kryo: fail rather than fall back to it.
        c.set(PipelineOptions.GENERIC_TYPES, false);
        // A failure ends the process; whoever started it sees it.
        c.set(RestartStrategyOptions.RESTART_STRATEGY, "none");
        c.set(TaskManagerOptions.NUM_TASK_SLOTS, settings.threads);
        c.set(TaskManagerOptions.NETWORK_MEMORY_MIN, MemorySize.ofMebiBytes(64));
        c.set(TaskManagerOptions.NETWORK_MEMORY_MAX, MemorySize.ofMebiBytes(64));
        return c;
    }

    /** The newest checkpoint that was completed, of whichever life: _metadata appears in one step when all else is there. */
    private static Optional<Path> newest(Path checkpoints) throws IOException {
        try (Stream<Path> files = Files.walk(checkpoints, 3)) {
            return files.filter(file -> file.endsWith("_metadata"))
                .max(Comparator.comparing(file -> file.toFile().lastModified()))
                .map(Path::getParent);
        }
    }
}
